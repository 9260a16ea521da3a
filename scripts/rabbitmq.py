"""A RabbitMQ of our own: from the PATH or the distribution; for the tests."""

import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import amqp

from scripts import packages
from scripts.console import Failed
from scripts.identity import Identity, give, unprivileged
from scripts.ports import claim_port, release_port
from scripts.private_files import write_private
from scripts.processes import Process

PREFERRED_PORT = 17672
START_SECONDS = 120
STOP_SECONDS = 30
USER = "zaaz"
# What Debian's wrapper in /usr/sbin calls; the wrapper itself insists on its own user and folders.
UNWRAPPED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@dataclass(kw_only=True)
class RabbitMQ:
    """One node with its data, cookie and port mapper in ``folder``; everything is new each time."""

    folder: Path
    state: Path
    log: Path
    environment: Mapping[str, str]
    ports: list[int] = field(default_factory=list, init=False)
    processes: list[Process] = field(default_factory=list, init=False)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), init=False)

    def start(self) -> None:
        server = find_server()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        identity = unprivileged(owner_of=self.folder, must_run=["test", "-x", server])
        give(self.folder, identity)
        self.ports = [claim_port(preferred=PREFERRED_PORT + offset) for offset in (0, 1000, 2000)]
        self._write_configuration(identity)
        mapper = self._process("epmd", [_epmd(), "-port", str(self.ports[2])], identity)
        node = self._process("RabbitMQ", [server], identity)
        for process in (mapper, node):
            self.processes.append(process)
            process.start()

    def wait(self) -> None:
        self.processes[-1].wait_until(self._answers, seconds=START_SECONDS)

    def stop(self) -> None:
        while self.processes:
            self.processes.pop().stop()
        while self.ports:
            release_port(port=self.ports.pop())
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.ports[0]}//"

    def _process(self, name: str, command: list[str], identity: Identity | None) -> Process:
        return Process(
            name=name,
            command=command,
            log=self.log.with_stem(f"{self.log.stem}-{name.lower()}"),
            state=self.state,
            environment={**self.environment, **self._variables()},
            identity=identity,
            folder=self.folder,
            stop_seconds=STOP_SECONDS,
        )

    def _variables(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "HOME": folder,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.ports[2]),
            "RABBITMQ_NODENAME": f"zaaz-{self.ports[0]}@localhost",
            "RABBITMQ_NODE_PORT": str(self.ports[0]),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.ports[1]),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/config",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def _write_configuration(self, identity: Identity | None) -> None:
        settings = {
            "default_user": USER,
            "default_pass": self.password,
            "disk_free_limit.absolute": "50MB",
            "log.console.level": "warning",
        }
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        write_private(self.folder / "rabbitmq.conf", text, owner=identity)
        write_private(self.folder / "enabled_plugins", "[].\n", owner=identity)

    def _answers(self) -> bool:
        host = f"127.0.0.1:{self.ports[0]}"
        try:
            with amqp.Connection(host, userid=USER, password=self.password, connect_timeout=5):
                return True
        except (OSError, amqp.AMQPError):
            time.sleep(0.5)  # each attempt stands in its log
            return False


def find_server() -> str:
    """Find the server.

    Raises:
        Failed: there is none, and none may be installed.
    """
    if (found := _present()) is not None:
        return found
    if packages.can_install():
        packages.install("rabbitmq-server")
    if (found := _present()) is not None:
        return found
    raise Failed("no RabbitMQ on the PATH, and installing the package takes root; set RABBITMQ_URL")


def _present() -> str | None:
    return str(UNWRAPPED) if UNWRAPPED.exists() else shutil.which("rabbitmq-server")


def _epmd() -> str:
    found = shutil.which("epmd")
    if found is None:
        raise Failed("epmd, the port mapper of Erlang, is not on the PATH")
    return found
