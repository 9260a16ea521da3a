"""The one clock. Code that decides by time asks here, so that a test can choose the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_frozen_at: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen_at or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Stop the clock at ``at`` for every thread of this process."""
    global _frozen_at  # noqa: PLW0603 -- a process has one clock
    earlier, _frozen_at = _frozen_at, at
    try:
        yield
    finally:
        _frozen_at = earlier


def advance(by: timedelta) -> datetime:
    """Move a frozen clock on and return its new time.

    Raises:
        RuntimeError: the clock is running.
    """
    global _frozen_at  # noqa: PLW0603 -- a process has one clock
    if _frozen_at is None:
        raise RuntimeError("Only a frozen clock can be advanced.")
    _frozen_at += by
    return _frozen_at
