"""What a person reads while the scripts work."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.paths import shown

TAIL_LINES = 20


class Failed(Exception):
    """Something that a person has to know; shown without a traceback."""


class Step:
    """One line on the console; ``detail`` is filled in while the step runs."""

    detail = ""


def say(text: str = "") -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"✗ {text}\n")
    sys.stderr.flush()


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Print the title with its detail and duration once the block has succeeded."""
    current = Step()
    started = time.monotonic()
    yield current
    detail = f"  {current.detail}" if current.detail else ""
    say(f"✓ {title}{detail}  ({time.monotonic() - started:.1f} s)")


def tail(log: Path) -> str:
    """Quote the last lines of a log, for an error message."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return f"(no log at {shown(log)})"
    last = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
    return f"  last lines of {shown(log)}:\n{last or '    (empty)'}"
