import json
import signal
import stat
import subprocess
import sys

import pytest

from scripts import paths, state
from scripts.locks import Held, is_locked, locked
from scripts.state import RunState, forget_state, running_system, write_state


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STATE_FILE", tmp_path / "run.json")
    monkeypatch.setattr(paths, "ENVIRONMENT_FILE", tmp_path / "run.env")
    return tmp_path


def run_state(files, base_url="http://127.0.0.1:9"):
    return RunState(
        base_url=base_url,
        simulator_url="http://127.0.0.1:9",
        pids={"web": 1},
        environment_file=str(files / "run.env"),
    )


def test_state_is_written_for_its_owner_only_and_forgotten_whole(files):
    written = run_state(files)
    write_state(written, {"SECRET_KEY": "s"})
    assert json.loads((files / "run.json").read_text())["pids"] == {"web": 1}
    assert written.variables == {"SECRET_KEY": "s"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.iterdir()} == {0o600}
    forget_state()
    assert list(files.iterdir()) == []


def test_running_system_without_a_state_file_is_none(files):
    assert running_system() is None


def test_running_system_that_does_not_answer_is_none(files):
    write_state(run_state(files), {})
    assert running_system() is None


def test_running_system_that_answers_is_found(files, monkeypatch):
    write_state(run_state(files), {})
    asked = []
    monkeypatch.setattr(state, "answers", lambda url: asked.append(url) or True)
    assert running_system() == run_state(files)
    assert asked == ["http://127.0.0.1:9/health/live"]


def test_lock_is_refused_to_a_second_holder_and_free_afterwards(tmp_path):
    path = tmp_path / "lock"
    with locked(path, patience_seconds=0):
        assert is_locked(path)
        with pytest.raises(Held), locked(path, patience_seconds=0.1):
            pass
    assert not is_locked(path)


def test_lock_of_a_killed_holder_is_free(tmp_path):
    code = (
        "import pathlib, signal; from scripts.locks import locked\n"
        f"with locked(pathlib.Path({str(tmp_path / 'lock')!r}), patience_seconds=0):\n"
        "    print('held', flush=True); signal.pause()"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    assert is_locked(tmp_path / "lock")
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert not is_locked(tmp_path / "lock")
