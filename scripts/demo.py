"""`make demo`: play the main job through the public API and check every number."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import paths
from scripts.console import Failed, complain, say
from scripts.journey.checks import wait_for
from scripts.journey.story import Story, done
from scripts.locks import is_locked
from scripts.paths import PROJECT
from scripts.private_files import read_private
from scripts.state import RunState, running_system
from scripts.stopping import no_longer_stop, raise_when_stopped
from scripts.system import System

STARTING_SECONDS = 180
INTERRUPTED = 130


def main() -> int:
    raise_when_stopped()
    try:
        with some_system() as state:
            play(state)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (Failed, PermissionError) as error:
        complain(str(error))
        return 1
    return 0


@contextmanager
def some_system() -> Iterator[RunState]:
    """Use the system that is running or starting; or start one, and stop it again."""
    if is_locked(paths.RUN_LOCK):
        say("  waiting for `make run` ...")
        yield wait_for("the start of `make run`", running_system, seconds=STARTING_SECONDS)
        return
    system = System()
    try:
        yield system.start()
    finally:
        no_longer_stop()
        system.stop()


def play(state: RunState) -> None:
    """Play the story, and have the ledger prove itself.

    Raises:
        Failed: a number is not what it must be.
    """
    started = time.monotonic()
    say(f"\nplaying the main job at {state.base_url}\n")
    story = Story(
        base_url=state.base_url,
        mailbox=paths.MAIL,
        partner_key=read_private(Path(state.variables["DEMO_PARTNER_KEY_FILE"])),
    )
    story.play()
    done("ledger verified", verify_ledger(state))
    say(
        f"\nEvery number is right. First charge after {story.first_charge_seconds:.1f} s, "
        f"all of it in {time.monotonic() - started:.1f} s."
    )


def verify_ledger(state: RunState) -> str:
    """Run `manage.py verify_ledger`, and return the last line that it says.

    Raises:
        Failed: the books do not balance; the message names the rows.
    """
    proof = subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), "verify_ledger"],
        env={**os.environ, **state.variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if proof.returncode != 0:
        raise Failed(
            f"verify_ledger ended with code {proof.returncode}\n{proof.stdout}{proof.stderr}"
        )
    return proof.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
