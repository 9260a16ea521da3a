"""The product as real processes on a database and a Valkey of their own, to be killed at will."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg

from scripts.configuration import SIMULATOR_PORT, WEB_PORT
from scripts.console import tail
from scripts.demo_env import SECRETS
from scripts.paths import PROJECT, tool
from scripts.ports import claim_port, release_port
from scripts.processes import Process, stop_leftovers
from scripts.state import answers
from scripts.valkey import Valkey

READY_SECONDS = 120
POLL_SECONDS = 0.05
LOG_LINE = 300  # characters; the traces of a lost broker are long
PORT_OFFSET = 10_000  # away from the ports of `make run`
WORKER_READY = " ready."  # what Celery logs when it takes tasks
CELERY = [tool("celery"), "--app", "zaaz"]
SEED = "from zaaz.tests.processes import seeding; seeding.seed({!r})"


def wait_until(look, *, seconds=READY_SECONDS, what=""):
    """Look until the answer is true, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or look}"
        time.sleep(POLL_SECONDS)
    return found


def kill(process):
    """``kill -9`` a process with all its children."""
    os.killpg(process.pid, signal.SIGKILL)
    process.child.wait()


@contextmanager
def fresh_database(server_url):
    """Make an empty database on that server; drop it afterwards, whoever is still connected."""
    name = f"zaaz_processes_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True, dbname="postgres") as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield re.sub(r"/[^/]*$", f"/{name}", server_url)
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@dataclass(kw_only=True)
class System:
    """Start with ``start``, always ``stop``; between them any process may be killed and started.

    Args:
        folder: for logs, mails and metrics.
        broker_url: without it Valkey carries the tasks.
    """

    folder: Path
    database_url: str
    broker_url: str = ""
    web_workers: int = 1
    cleanups: ExitStack = field(default_factory=ExitStack, init=False)
    processes: dict = field(default_factory=dict, init=False)
    report: dict = field(default_factory=dict, init=False)

    def __post_init__(self):
        self.folder.chmod(0o755)
        self.cleanups.callback(stop_leftovers, self.folder)
        self.ports = {
            name: claim_port(preferred=port + PORT_OFFSET)
            for name, port in {"web": WEB_PORT, "simulator": SIMULATOR_PORT}.items()
        }
        for port in self.ports.values():
            self.cleanups.callback(release_port, port=port)
        self.valkey = Valkey(
            folder=self.folder / "valkey",
            state=self.folder,
            log=self.folder / "valkey.log",
            environment=os.environ,
        )
        self.cleanups.callback(self.valkey.stop)

    @property
    def base_url(self):
        return f"http://localhost:{self.ports['web']}"

    def start(self):
        self.valkey.start()
        self.valkey.wait()
        self.metrics_folder.mkdir()
        self.environment = self._environment()
        report = self.folder / "seeded.json"
        self.manage("shell", "--no-imports", "--command", SEED.format(str(report)))
        self.report = json.loads(report.read_text())
        self.run("web", "simulator", "worker", "beat")

    def stop(self):
        for process in self.processes.values():
            process.ask_to_stop()
        while self.processes:
            self.processes.popitem()[1].stop()
        self.cleanups.close()

    def run(self, *names):
        """Start these processes, and return when they are ready for work."""
        for name in names:
            if name in self.processes and self.processes[name].exit_code is None:
                continue
            process = self.processes[name] = self._process(name)
            process.start()
        for name in names:
            if is_ready := self._readiness().get(name):
                self.processes[name].wait_until(is_ready, seconds=READY_SECONDS)

    def kill(self, *names):
        """``kill -9`` these processes with all their children."""
        for name in names:
            kill(self.processes.pop(name))

    @contextmanager
    def without_valkey(self):
        """It keeps nothing on disk: every task that waits in it is lost."""
        (process,) = self.valkey.processes
        kill(process)
        try:
            yield
        finally:
            process.start()
            self.valkey.wait()

    @contextmanager
    def frozen_valkey(self):
        """It takes connections and answers nobody."""
        (process,) = self.valkey.processes
        process.child.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.child.send_signal(signal.SIGCONT)

    def manage(self, *arguments):
        """Run a management command to its end, and return what it says."""
        done = subprocess.run(  # noqa: S603 -- our own program
            [sys.executable, str(PROJECT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def logs(self):
        ends = "\n".join(tail(log) for log in sorted(self.folder.glob("*.log")))
        return "\n".join(line[:LOG_LINE] for line in ends.splitlines())

    @property
    def metrics_folder(self):
        return self.folder / "metrics"

    def _environment(self):
        variables = {
            "DJANGO_SETTINGS_MODULE": "zaaz.settings.base",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.valkey.url,
            "CELERY_BROKER_URL": self.broker_url or self.valkey.url,
            "BASE_URL": self.base_url,
            "SIMULATOR_BASE_URL": f"http://localhost:{self.ports['simulator']}",
            "SIMULATOR_ENABLED": "true",
            "EMAIL_URL": f"file:///{self.folder / 'mail'}",
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics_folder),
            "DEMO_PARTNER_KEY_FILE": str(self.folder / "partner.key"),
        }
        secrets = {name: make() for name, make in SECRETS.items()}
        return {**os.environ, **secrets, **variables}

    def _process(self, name):
        starts = len(list(self.folder.glob(f"{name}-*.log")))
        settings = {"DJANGO_SETTINGS_MODULE": "zaaz.settings.simulator"}
        return Process(
            name=name,
            command=self._command(name),
            log=self.folder / f"{name}-{starts + 1}.log",
            state=self.folder,
            environment={**self.environment, **(settings if name == "simulator" else {})},
        )

    def _command(self, name):
        match name:
            case "web":
                workers = ["--workers", str(self.web_workers)]
                return _granian("zaaz.asgi:application", self.ports["web"], *workers)
            case "simulator":
                return _granian("simulator.asgi:application", self.ports["simulator"])
            case "worker":
                quick = ["--without-gossip", "--without-mingle"]
                return [*CELERY, "worker", "--concurrency", "2", "--loglevel", "INFO", *quick]
            case "beat":
                return [*CELERY, "beat", "--loglevel", "INFO", "--pidfile="]

    def _readiness(self):
        return {
            "web": partial(answers, f"{self.base_url}/health/live"),
            "simulator": partial(answers, f"{self.environment['SIMULATOR_BASE_URL']}/health/live"),
            "worker": lambda: WORKER_READY in self.processes["worker"].log.read_text(),
        }


def _granian(application, port, *options):
    address = ["--host", "127.0.0.1", "--port", str(port)]
    return [tool("granian"), "--interface", "asgi", *address, *options, application]
