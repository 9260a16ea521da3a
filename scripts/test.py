"""`make test`: the whole suite on real servers; whatever is not running, it starts."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from scripts import paths
from scripts.chromium import find_chromium
from scripts.console import Failed, complain, say, step
from scripts.identity import command_as
from scripts.locks import Held, locked
from scripts.paths import LOGS, PROJECT, TEST_STATE, tool
from scripts.processes import MARK, stop_leftovers, stop_pid
from scripts.servers import Servers
from scripts.stopping import no_longer_stop, raise_when_stopped

INTERRUPTED = 130
STOP_SECONDS = 20
# "=== 812 passed, 1 skipped in 93.21s (0:01:33) ===", possibly coloured.
CLOSING_LINE = re.compile(r"^(\x1b\[[\d;]*m)*=+ .*\bin [\d.]+s\b.*=")
SERVICES = "*/services.py,*/services/*.py"


@dataclass(kw_only=True)
class Bench:
    """The servers under the suite, and what could not be had."""

    servers: Servers
    missing: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Start what the suite needs. Without a database there is no suite; the rest may lack."""
        self.servers.start_postgres(is_durable=False)
        self.servers.start_valkey()
        self._attempt("RabbitMQ", self.servers.start_rabbitmq)
        self._attempt("Chromium", self._find_browser)
        self.variables |= self.servers.urls

    def _attempt(self, name: str, start: Callable[[], None]) -> None:
        try:
            start()
        except Failed as error:
            if os.environ.get("CI") == "true":
                raise
            self.missing.append(f"{name}: {error}")

    def _find_browser(self) -> None:
        with step("Chromium") as current:
            self.variables["CHROMIUM"] = find_chromium()
            current.detail = self.variables["CHROMIUM"]


def main() -> int:
    raise_when_stopped()
    servers = Servers(state=TEST_STATE, logs=LOGS / "test", environment=dict(os.environ))
    try:
        with locked(paths.TEST_LOCK, patience_seconds=0):
            return _run(Bench(servers=servers), sys.argv[1:])
    except Held:
        complain("the tests of this clone are running already")
    except (Failed, PermissionError) as error:
        complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


def _run(bench: Bench, arguments: list[str]) -> int:
    stop_leftovers(TEST_STATE)
    try:
        bench.prepare()
        for reason in bench.missing:
            complain(f"not tested, because there is no {reason}")
        return _test(bench, arguments)
    finally:
        no_longer_stop()
        bench.servers.stop()
        stop_leftovers(TEST_STATE)
        shutil.rmtree(TEST_STATE, ignore_errors=True)


def _test(bench: Bench, arguments: list[str]) -> int:
    """Run pytest; its closing line comes last, after the coverage reports."""
    environment = {**os.environ, **bench.variables, MARK: str(TEST_STATE)}
    colour = ["--color=yes"] if sys.stdout.isatty() else []
    command = [tool("pytest"), "-n", str(os.cpu_count() or 1), *colour]
    command += arguments or ["--cov", "--cov-report=", "--cov-fail-under=0"]
    exit_code, closing_line = _pytest(command, environment)
    if exit_code == 0 and not arguments:
        exit_code = _coverage(environment)
    if closing_line:
        say(closing_line)
    return exit_code


def _pytest(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    closing_line = ""
    with subprocess.Popen(
        command_as(command, None, orphaned="INT"),
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                if CLOSING_LINE.match(line):
                    closing_line = line.rstrip()
                else:
                    say(line.rstrip("\n"))
        except KeyboardInterrupt:
            stop_pid(child.pid, asked=signal.SIGINT, seconds=STOP_SECONDS)
            raise
    return child.returncode, closing_line


def _coverage(environment: dict[str, str]) -> int:
    """Hold the whole to the gate of pyproject.toml, and every service to 100 %."""
    report = [tool("coverage"), "report"]
    services = [*report, f"--include={SERVICES}", "--fail-under=100"]
    codes = []
    for title, command in (("coverage", report), ("coverage of the services", services)):
        say(f"\n{title}")
        codes.append(subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
