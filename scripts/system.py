"""The whole product on one machine: servers, migrations, demo data and four processes."""

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from scripts import paths
from scripts.configuration import Configuration, configure
from scripts.console import Failed, step
from scripts.locks import Held, locked
from scripts.paths import PROJECT, tool
from scripts.processes import Process, stop_leftovers
from scripts.servers import Servers
from scripts.state import RunState, answers, forget_state, worker_answers, write_state

MANAGE_SECONDS = 300
READY_SECONDS = 120
WATCH_SECONDS = 0.2
LOCK_PATIENCE_SECONDS = 1
SETTINGS = "zaaz.settings.base"
SIMULATOR_SETTINGS = "zaaz.settings.simulator"


class Died(Exception):
    """A process ended that should not have."""

    def __init__(self, process: Process) -> None:
        super().__init__(f"{process.name} ended with code {process.exit_code}")
        self.process = process
        self.exit_code = process.exit_code or 1


@dataclass(kw_only=True)
class System:
    """Start with ``start``, wait with ``watch``, and always ``stop``."""

    cleanups: ExitStack = field(default_factory=ExitStack, init=False)
    servers: Servers = field(init=False)
    processes: list[Process] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.servers = Servers(state=paths.VAR, logs=paths.LOGS, environment=dict(os.environ))

    def start(self) -> RunState:
        """Start everything and return once it is ready.

        Raises:
            Failed: something did not start, or another run of this clone is there already.
        """
        self._lock()
        self.cleanups.callback(self.servers.stop)
        self.cleanups.callback(self._stop_processes)
        self.servers.start_postgres(is_durable=True)
        self.servers.start_valkey()
        configuration = configure(self.servers.urls)
        self._manage("migrate", "--noinput", configuration=configuration)
        self._manage("seed_demo", configuration=configuration)
        self._start_processes(configuration)
        return self._announce(configuration)

    def watch(self) -> None:
        """Return never: these processes do not end by themselves.

        Raises:
            Died: which process did, and with which code.
        """
        watched = [*self.processes, *self.servers.processes()]
        while True:
            for process in watched:
                if process.exit_code is not None:
                    raise Died(process)
            time.sleep(WATCH_SECONDS)

    def stop(self) -> None:
        """Stop the processes, then the servers; nothing is left running."""
        if not self.servers.running and not self.processes:
            self.cleanups.close()
            return
        with step("stopped"):
            self.cleanups.close()

    def _lock(self) -> None:
        try:
            self.cleanups.enter_context(
                locked(paths.RUN_LOCK, patience_seconds=LOCK_PATIENCE_SECONDS)
            )
        except Held as error:
            raise Failed("this clone runs already; stop that one first") from error
        self.cleanups.callback(forget_state)
        if left := stop_leftovers(paths.VAR):
            with step("stopped what a killed run had left") as current:
                current.detail = f"process {', '.join(map(str, left))}"

    def _manage(self, *arguments: str, configuration: Configuration) -> None:
        with step(arguments[0]):
            command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
            process = self._process(arguments[0], command, configuration)
            process.start()
            self.processes.append(process)
            process.wait_for_end(seconds=MANAGE_SECONDS)
            self.processes.remove(process)

    def _start_processes(self, configuration: Configuration) -> None:
        celery = [tool("celery"), "--app", "zaaz"]
        commands = {
            "web": _granian("zaaz.asgi:application", configuration.web_port),
            "simulator": _granian("simulator.asgi:application", configuration.simulator_port),
            "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"],
            "beat": [*celery, "beat", "--loglevel", "INFO", "--pidfile="],
        }
        commands["worker"] += ["--without-gossip", "--without-mingle"]
        for name, command in commands.items():
            process = self._process(name, command, configuration)
            self.processes.append(process)
            process.start()
        with step("web, simulator, worker and beat"):
            self._wait_for_processes(configuration)

    def _wait_for_processes(self, configuration: Configuration) -> None:
        ready = {
            "web": partial(answers, f"{configuration.base_url}/health/ready"),
            "simulator": partial(answers, f"{configuration.simulator_url}/health/live"),
            "worker": partial(worker_answers, configuration.broker_url),
        }
        for process in self.processes:
            if (is_ready := ready.get(process.name)) is not None:
                process.wait_until(is_ready, seconds=READY_SECONDS)

    def _process(self, name: str, command: list[str], configuration: Configuration) -> Process:
        settings = SIMULATOR_SETTINGS if name == "simulator" else SETTINGS
        return Process(
            name=name,
            command=command,
            log=paths.LOGS / f"{name}.log",
            state=paths.VAR,
            environment={
                **os.environ,
                **configuration.variables,
                "DJANGO_SETTINGS_MODULE": settings,
                "PYTHONUNBUFFERED": "1",
            },
        )

    def _announce(self, configuration: Configuration) -> RunState:
        state = RunState(
            base_url=configuration.base_url,
            simulator_url=configuration.simulator_url,
            pids={process.name: process.pid for process in self.processes} | {"run": os.getpid()},
            environment_file=str(paths.ENVIRONMENT_FILE),
        )
        write_state(state, configuration.variables)
        return state

    def _stop_processes(self) -> None:
        for process in self.processes:
            process.ask_to_stop()
        while self.processes:
            self.processes.pop().stop()


def _granian(application: str, port: int) -> list[str]:
    options = ["--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
    return [tool("granian"), *options, application]
