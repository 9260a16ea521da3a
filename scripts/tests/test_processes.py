import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.console import Failed
from scripts.processes import MARK, Process, stop_leftovers, stop_pid

PATIENCE_SECONDS = 10
STUBBORN = "trap '' TERM; echo up; while :; do sleep 0.1; done"


@pytest.fixture
def make_process(state, child_environment):
    started = []

    def make(command, **options):
        process = Process(
            name="child",
            command=["sh", "-c", command],
            log=state / "child.log",
            state=state,
            environment=child_environment,
            folder=state,
            **options,
        )
        started.append(process)
        process.start()
        return process

    yield make
    for process in started:
        process.stop()


def has_ended(pid):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_stop_of_a_polite_child_ends_it_with_its_signal(make_process):
    process = make_process("exec sleep 60")
    child = process.child
    process.stop()
    assert child.returncode == -signal.SIGTERM


def test_stop_of_a_child_that_ignores_the_signal_kills_it(make_process, state):
    process = make_process(STUBBORN, stop_seconds=0.2)
    process.wait_until(lambda: "up" in (state / "child.log").read_text(), seconds=5)
    child = process.child
    process.stop()
    assert child.returncode == -signal.SIGKILL


def test_stop_ends_the_grandchildren_too(make_process, state):
    process = make_process("sleep 60 & echo $! > grandchild; wait")
    process.wait_until((state / "grandchild").exists, seconds=5)
    time.sleep(0.1)
    process.stop()
    assert has_ended(int((state / "grandchild").read_text()))


def test_stop_twice_is_no_error(make_process):
    process = make_process("exec sleep 60")
    process.stop()
    process.stop()


def test_wait_until_a_child_has_ended_tells_the_code_and_its_log(make_process):
    process = make_process("echo the reason; exit 3")
    with pytest.raises(Failed, match=r"child ended with code 3(?s:.*)the reason"):
        process.wait_until(lambda: False, seconds=5)


def test_wait_until_too_late_tells_the_time(make_process):
    process = make_process("exec sleep 60")
    with pytest.raises(Failed, match="child was not ready within 0 s"):
        process.wait_until(lambda: False, seconds=0.1)


def test_wait_for_end_of_a_failure_tells_the_code(make_process):
    with pytest.raises(Failed, match="child ended with code 7"):
        make_process("exit 7").wait_for_end(seconds=5)


def test_wait_for_end_of_a_success_returns(make_process):
    make_process("exit 0").wait_for_end(seconds=5)


def test_exit_code_of_a_killed_child_is_the_one_of_a_shell(make_process):
    process = make_process("kill -9 $$")
    process.child.wait(5)
    assert process.exit_code == 128 + signal.SIGKILL


def test_input_reaches_the_child_and_not_its_command_line(make_process, state):
    process = make_process("cat", given_input=b"a secret\n")
    process.wait_for_end(seconds=5)
    assert (state / "child.log").read_text() == "a secret\n"


def test_stop_leftovers_ends_the_marked_ones_only(state, child_environment):
    command = ["sleep", "60"]
    marked = subprocess.Popen(command, env={**child_environment, MARK: str(state)})
    other = subprocess.Popen(command, env={**child_environment, MARK: f"{state}-other"})
    assert stop_leftovers(state) == [marked.pid]
    assert marked.wait(5) == -signal.SIGTERM
    assert other.poll() is None
    other.kill()
    other.wait(5)


def test_a_killed_parent_takes_its_child_along(state, child_environment):
    code = (
        "import os, pathlib, signal, sys; from scripts.processes import Process\n"
        f"state = pathlib.Path({str(state)!r})\n"
        "child = Process(name='c', command=['sleep', '60'], log=state / 'log', state=state,\n"
        "                environment={'PATH': os.environ['PATH']})\n"
        "child.start(); print(child.pid, flush=True); signal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    time.sleep(0.2)  # until the child has asked to be told of our death
    parent.kill()
    parent.communicate()
    assert has_ended(pid)


def test_stop_pid_of_a_process_that_is_gone_is_no_error():
    child = subprocess.Popen(["true"])
    child.wait()
    stop_pid(child.pid, asked=signal.SIGTERM, seconds=1)
    assert os.getpid() != child.pid
