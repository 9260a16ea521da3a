"""Numbers that must be what they are."""

import time
from collections.abc import Callable
from typing import TypeVar

from scripts.console import Failed

POLL_SECONDS = 0.1

Value = TypeVar("Value")


class Wrong(Failed):
    """A number is not what it must be."""


def expect(what: str, actual: object, wanted: object) -> None:
    """Stop the demo unless both are the same."""
    if actual != wanted:
        raise Wrong(f"{what}: {actual!r}, and it must be {wanted!r}")


def wait_for(what: str, look: Callable[[], Value | None], *, seconds: float) -> Value:
    """Look until there is something.

    Raises:
        Wrong: there was nothing in time.
    """
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise Wrong(f"{what} did not happen within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
    return found
