"""Make the virtual environment and install the requirements, unless that is done already.

Runs on the bare interpreter: the standard library only.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv

from scripts.console import Failed, complain, say, step, tail
from scripts.paths import LOGS, PROJECT, VAR, VENV, shown

REQUIREMENTS = (PROJECT / "requirements.txt", PROJECT / "requirements-dev.txt")
STAMP = VENV / ".installed"
INSTALL_LOG = LOGS / "install.log"
OLDEST_PYTHON = (3, 11)
INTERRUPTED = 130


def install() -> None:
    """Bring the virtual environment up to date; instant when nothing has changed.

    Raises:
        Failed: this Python is too old, or pip refused.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise Failed(f"Python {sys.version.split()[0]} is too old: 3.11 or newer is needed")
    wanted = _fingerprint()
    if _installed() == wanted:
        return
    VAR.mkdir(exist_ok=True)
    with (VAR / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _installed() != wanted:
            _install()
            STAMP.write_text(wanted)


def _fingerprint() -> str:
    digest = hashlib.sha256(f"{sys.version} {VENV}".encode())
    for path in REQUIREMENTS:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _installed() -> str | None:
    return STAMP.read_text() if STAMP.exists() else None


def _install() -> None:
    say("  installing the dependencies; the first time this takes a minute or two ...")
    LOGS.mkdir(parents=True, exist_ok=True)
    with step("dependencies") as current:
        STAMP.unlink(missing_ok=True)
        python = VENV / "bin" / "python"
        if not _is_usable():
            shutil.rmtree(VENV, ignore_errors=True)
            _make_venv()
        command = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--requirement", str(REQUIREMENTS[-1])]
        with INSTALL_LOG.open("w") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                check=False,
            )
        if done.returncode != 0:
            raise Failed(f"pip ended with code {done.returncode}\n{tail(INSTALL_LOG)}")
        current.detail = f"in {shown(VENV)}"


def _is_usable() -> bool:
    """Whether the environment has pip, for this interpreter, and its commands for this place."""
    probe = "import pip, sys; print(sys.version)"
    try:
        answer = subprocess.run(
            [str(VENV / "bin" / "python"), "-c", probe], capture_output=True, text=True, check=True
        )
        command = (VENV / "bin" / "pip").read_text()  # its first line names the interpreter
    except (OSError, subprocess.CalledProcessError):
        return False
    is_here = str(VENV) in command or str(VENV.resolve()) in command
    return answer.stdout.strip() == sys.version.strip() and is_here


def _make_venv() -> None:
    try:
        venv.create(VENV, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(
            f"no virtual environment: {error} (on Debian: apt-get install python3-venv)"
        ) from error


def main() -> int:
    try:
        install()
    except (Failed, PermissionError) as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
