"""When a payment that stays open is looked at. Pure arithmetic: no database, no clock."""

from datetime import datetime, timedelta

LADDER = (
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    timedelta(hours=72),
)
# A checkout that the gateway closes at a known time is looked at right after it.
AFTER_EXPIRY = timedelta(minutes=1)
# The last check repeats until one of them ends the payment: a worker may die in the middle.
LAST_CHECK_AGAIN = timedelta(hours=1)


def checks_behind(*, created_at: datetime, now: datetime) -> int:
    """Count the rungs of the ladder that a payment has passed at ``now``.

    >>> from datetime import UTC
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> checks_behind(created_at=start, now=start + timedelta(hours=6))
    3
    """
    return sum(created_at + rung <= now for rung in LADDER)


def next_check(*, created_at: datetime, expires_at: datetime | None, now: datetime) -> datetime:
    """Find the first moment after ``now`` at which the gateway should be asked.

    >>> from datetime import UTC
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> str(next_check(created_at=start, expires_at=None, now=start + timedelta(hours=2)))
    '2026-01-01 06:00:00+00:00'
    """
    moments = [created_at + rung for rung in LADDER]
    if expires_at is not None and expires_at + AFTER_EXPIRY < moments[-1]:
        moments.append(expires_at + AFTER_EXPIRY)
    return min((at for at in moments if at > now), default=now + LAST_CHECK_AGAIN)
