"""Reads of metering. Nothing here changes anything."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.models import User
from billing.models import CreditsUsage, UsageSession
from common.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Whose starts of what to count, since when."""

    user_id: UUID
    endpoint_id: UUID
    day_start: datetime
    period_start: datetime


# An expired session was never used, so it gives its place back.
_COUNT_STARTS = """
    SELECT w.user_id, w.endpoint_id,
           count(*) FILTER (WHERE s.created_at >= w.day_start),
           count(*) FILTER (WHERE s.created_at >= w.period_start)
      FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])
        AS w (user_id, endpoint_id, day_start, period_start)
      JOIN billing_usagesession s
        ON s.user_id = w.user_id
       AND s.feature_endpoint_id = w.endpoint_id
       AND s.created_at >= LEAST(w.day_start, w.period_start)
       AND s.state IN ('open', 'settled')
     GROUP BY w.user_id, w.endpoint_id
"""


def count_starts(windows: Sequence[Window]) -> dict[tuple[UUID, UUID], tuple[int, int]]:
    """Count starts by (user, endpoint), in the day and in the period; without any: absent.

    Sound as a limit only while the users' wallets are locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT_STARTS,
            [
                [window.user_id for window in windows],
                [window.endpoint_id for window in windows],
                [window.day_start for window in windows],
                [window.period_start for window in windows],
            ],
        )
        return {
            (user_id, endpoint_id): (in_day, in_period)
            for user_id, endpoint_id, in_day, in_period in cursor.fetchall()
        }


def session_of_partner(*, usage_key: UUID, partner_id: UUID) -> UsageSession:
    """Get a session that the partner started.

    Raises:
        NotFound: there is no such session, or it is another partner's.
    """
    sessions = UsageSession.objects.select_related("rate_card")
    session = sessions.filter(pk=usage_key, partner_id=partner_id).first()
    if session is None:
        raise NotFound("There is no such session.", field="usage_key")
    return session


def session_of_viewer(*, usage_key: UUID, viewer: User) -> UsageSession:
    """Get a session that the viewer may see: staff any, a user their own.

    Raises:
        NotFound: there is no such session, or it is not the viewer's to see.
    """
    sessions = UsageSession.objects.select_related("rate_card").filter(pk=usage_key)
    session = (sessions if viewer.is_staff else sessions.filter(user=viewer)).first()
    if session is None:
        raise NotFound("There is no such session.", field="usage_key")
    return session


def usages_of(session: UsageSession) -> list[CreditsUsage]:
    """List the rows of one call, in the order of the report."""
    return list(session.usages.order_by("position"))


def usages_visible_to(viewer: User) -> QuerySet[CreditsUsage]:
    """List the rows that the viewer may see: staff all, a user their own."""
    usages = CreditsUsage.objects.select_related("session")
    return usages if viewer.is_staff else usages.filter(user=viewer)


def latest_calls_of(*, user_id: UUID) -> QuerySet[UsageSession]:
    """List a user's settled calls that reported a usage, the latest first."""
    # By way of the first usage row of each: their index has the order.
    return UsageSession.objects.filter(usages__user_id=user_id, usages__position=0).order_by(
        "-usages__created_at", "-usages__id"
    )


def usage_keys_of(transaction_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Tell which of these transactions charged a call: its usage key, by transaction."""
    sessions = UsageSession.objects.filter(transaction_id__in=transaction_ids)
    return dict(sessions.values_list("transaction_id", "usage_key"))
