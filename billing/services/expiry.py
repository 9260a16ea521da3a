"""Closes metered calls that never ended."""

from datetime import datetime

from django.db import transaction

from billing.enums import SessionState
from billing.models import UsageSession
from wallets.services import ReleaseHold, post_batch

BATCH = 500  # sessions a commit


def expire_sessions(*, now: datetime) -> int:
    """Release the holds of open sessions past their time. Returns how many expired.

    An end that comes later still settles, from what is available then.
    """
    expired = 0
    while count := _expire_batch(now):
        expired += count
    return expired


@transaction.atomic
def _expire_batch(now: datetime) -> int:
    # An end that is settling one of them right now has it locked, and wins.
    sessions = list(
        UsageSession.objects.select_for_update(skip_locked=True)
        .filter(state=SessionState.OPEN, expires_at__lte=now)
        .order_by("usage_key")[:BATCH]
    )
    # A hold that the wallets' own sweep closed first is refused there, and as free as it should be.
    releases = [
        ReleaseHold(hold_reference=session.hold_reference, reference=session.release_reference)
        for session in sessions
        if session.held_credits
    ]
    if releases:
        post_batch(releases, now=now)
    UsageSession.objects.filter(pk__in=[session.pk for session in sessions]).update(
        state=SessionState.EXPIRED
    )
    return len(sessions)
