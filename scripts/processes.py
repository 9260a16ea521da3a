"""A child process: started with its own log, watched, stopped without leaving anything behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.console import Failed, tail
from scripts.identity import Identity, command_as
from scripts.paths import PROJECT

POLL_SECONDS = 0.05
KILL_SECONDS = 5
# Stands in the environment of every child; by it the children of a killed run are found.
MARK = "ZAAZ_CHILD_OF"


@dataclass(kw_only=True)
class Process:
    name: str
    command: Sequence[str]
    log: Path
    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    identity: Identity | None = None
    folder: Path = PROJECT
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20
    given_input: bytes = b""
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    is_asked: bool = field(default=False, init=False)

    def start(self) -> None:
        """Start in a session of its own, so that Ctrl-C reaches only us and we decide the order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        orphaned = self.stop_signal.name.removeprefix("SIG")
        with self.log.open("wb") as log:
            self.child = subprocess.Popen(
                command_as(self.command, self.identity, orphaned=orphaned),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, MARK: str(self.state)},
                cwd=self.folder,
                start_new_session=True,
            )
        if self.child.stdin is not None:
            self.child.stdin.write(self.given_input)
            self.child.stdin.close()

    @property
    def pid(self) -> int:
        return self.child.pid if self.child is not None else 0

    @property
    def exit_code(self) -> int | None:
        """The exit code as a shell would tell it; None while it runs."""
        code = self.child.poll() if self.child is not None else None
        return 128 - code if code is not None and code < 0 else code

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait for the first yes.

        Raises:
            Failed: it ended, or was not ready in time; the message has the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self.exit_code is not None:
                raise Failed(
                    f"{self.name} ended with code {self.exit_code} while starting\n{tail(self.log)}"
                )
            if time.monotonic() > deadline:
                raise Failed(f"{self.name} was not ready within {seconds:.0f} s\n{tail(self.log)}")
            time.sleep(POLL_SECONDS)

    def wait_for_end(self, *, seconds: float) -> None:
        """Wait until it has done its work.

        Raises:
            Failed: it ended with another code than 0, or takes too long.
        """
        assert self.child is not None
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{self.name} took over {seconds:.0f} s\n{tail(self.log)}") from error
        if self.exit_code != 0:
            raise Failed(f"{self.name} ended with code {self.exit_code}\n{tail(self.log)}")

    def ask_to_stop(self) -> None:
        """Send the stop signal, once: a second one makes some programs drop their work."""
        if self.child is not None and self.child.poll() is None and not self.is_asked:
            self.is_asked = True
            self.child.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Ask, wait, then kill whatever is left of its session."""
        if self.child is None:
            return
        self.ask_to_stop()
        try:
            self.child.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self._signal_session(signal.SIGKILL)
            self.child.wait(KILL_SECONDS)
        self._signal_session(signal.SIGKILL)
        self.child = None

    def _signal_session(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


def stop_leftovers(state: Path) -> list[int]:
    """End what a killed run of this state folder has left, and tell the process ids."""
    found = _marked(state)
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, KILL_SECONDS)):
        for pid in _marked(state):
            _send(pid, number)
        deadline = time.monotonic() + seconds
        while _marked(state) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
    return found


def stop_pid(pid: int, *, asked: signal.Signals, seconds: float) -> None:
    """End one process that is not our child."""
    for number, patience in ((asked, seconds), (signal.SIGKILL, KILL_SECONDS)):
        _send(pid, number)
        deadline = time.monotonic() + patience
        while _is_running(pid) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _is_running(pid: int) -> bool:
    try:
        # "pid (name) state ...": Z has ended and waits for its parent to notice.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _marked(state: Path) -> list[int]:
    mark = f"{MARK}={state}".encode()
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables:
            pids.append(int(folder.name))
    return pids
