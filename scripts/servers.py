"""PostgreSQL, Valkey and RabbitMQ: those that the environment names, and our own for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from scripts.console import step
from scripts.paths import shown
from scripts.postgres import Postgres
from scripts.processes import Process
from scripts.rabbitmq import RabbitMQ
from scripts.valkey import Valkey


class Server(Protocol):
    @property
    def processes(self) -> list[Process]: ...

    def start(self) -> None: ...

    def wait(self) -> None: ...

    def stop(self) -> None: ...

    @property
    def url(self) -> str: ...


@dataclass(kw_only=True)
class Servers:
    """What was started here, by the name of the variable that the application reads.

    Args:
        state: the folder that holds the data of these servers.
        environment: of the caller; a server that has its variable there is not started.
    """

    state: Path
    logs: Path
    environment: Mapping[str, str]
    running: dict[str, Server] = field(default_factory=dict, init=False)
    urls: dict[str, str] = field(default_factory=dict, init=False)

    def start_postgres(self, *, is_durable: bool) -> None:
        if self._is_given("DATABASE_URL", "PostgreSQL"):
            return
        with step("PostgreSQL") as current:
            server = Postgres(
                folder=self.state / "postgres",
                state=self.state,
                log=self.logs / "postgres.log",
                environment=self.environment,
                is_durable=is_durable,
            )
            self._start("DATABASE_URL", server)
            where = f"on 127.0.0.1:{server.port}, data in {shown(server.data)}"
            current.detail = f"{server.version} {where}"

    def start_valkey(self) -> None:
        if self._is_given("REDIS_URL", "Redis"):
            return
        with step("Valkey") as current:
            server = Valkey(
                folder=self.state / "valkey",
                state=self.state,
                log=self.logs / "valkey.log",
                environment=self.environment,
            )
            self._start("REDIS_URL", server)
            current.detail = f"on 127.0.0.1:{server.port}"

    def start_rabbitmq(self) -> None:
        if self._is_given("RABBITMQ_URL", "RabbitMQ"):
            return
        with step("RabbitMQ") as current:
            server = RabbitMQ(
                folder=self.state / "rabbitmq",
                state=self.state,
                log=self.logs / "rabbitmq.log",
                environment=self.environment,
            )
            self._start("RABBITMQ_URL", server)
            current.detail = f"on 127.0.0.1:{server.ports[0]}"

    def processes(self) -> list[Process]:
        return [process for server in self.running.values() for process in server.processes]

    def stop(self) -> None:
        """Stop them in reverse order."""
        while self.running:
            _, server = self.running.popitem()
            server.stop()

    def _start(self, variable: str, server: Server) -> None:
        self.running[variable] = server
        server.start()
        server.wait()
        self.urls[variable] = server.url

    def _is_given(self, variable: str, name: str) -> bool:
        url = self.environment.get(variable)
        if not url:
            return False
        self.urls[variable] = url
        with step(name) as current:
            current.detail = f"the one that {variable} names"
        return True
