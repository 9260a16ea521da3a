"""Opens metered calls: ``start``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.enums import UserStatus
from accounts.models import User
from billing import gate, rate_card
from billing.enums import Refusal
from billing.gate import Candidate, Surroundings
from billing.metering import StartAnswer, StartRequest
from billing.models import UsageSession
from billing.rate_card import Card
from billing.selectors import Window, count_starts
from catalog.feature_config import FeatureConfig
from catalog.selectors import entitlement_of
from common import clock
from common.ids import uuid7
from wallets.selectors import balances_of, lock_wallets
from wallets.services import PlaceHold, post_batch


def start_usages(*, partner_id: UUID, requests: Sequence[StartRequest]) -> list[StartAnswer]:
    """Answer each request, in order; open a session and hold credits where it is accessible.

    Refusals are answers. A start needs ``max(1, hold)`` available credits,
    after the starts before it in the list. Limits count the open and settled
    sessions of one user on one endpoint: in the day (UTC), and in the period
    of the subscription, or in the calendar month where there is none.

    Raises:
        Invalid: a limit in a package or in the settings cannot be enforced.
    """
    card = rate_card.current()
    return _start(partner_id, requests, card, clock.now())


@transaction.atomic
def _start(
    partner_id: UUID, requests: Sequence[StartRequest], card: Card, now: datetime
) -> list[StartAnswer]:
    surroundings = _look_around(requests, card, now)
    candidates = [gate.examine(request, surroundings) for request in requests]

    # From here on nobody else starts anything for these users.
    known = sorted(surroundings.active_user_ids)
    lock_wallets(user_ids=sorted({c.request.user_id for c in candidates if c.refused is None}))
    balances = balances_of(known, at=now)
    desk = _Desk(
        available={user_id: balance.available for user_id, balance in balances.items()},
        starts=Counter(),
        now=now,
    )
    desk.count_earlier_starts(candidates)
    candidates = [desk.decide(candidate) for candidate in candidates]

    sessions = _open_sessions(partner_id, candidates, card, now)
    return [
        _answer(candidate, sessions.get(place), desk.available_at[place])
        for place, candidate in enumerate(candidates)
    ]


def _look_around(requests: Sequence[StartRequest], card: Card, now: datetime) -> Surroundings:
    active = set(
        User.objects.filter(
            pk__in={request.user_id for request in requests}, status=UserStatus.ACTIVE
        ).values_list("pk", flat=True)
    )
    return Surroundings(
        card=card,
        active_user_ids=active,
        entitlements=entitlement_of(user_ids=sorted(active), at=now),
        defaults=FeatureConfig.parse(settings.METERING_DEFAULT_CONFIG),
    )


@dataclass(slots=True)
class _Desk:
    """Credits and starts as they stand after each request of the list."""

    available: dict[UUID, int]
    starts: Counter[tuple[str, UUID, UUID]]
    now: datetime
    available_at: list[int] = field(default_factory=list)

    def count_earlier_starts(self, candidates: Sequence[Candidate]) -> None:
        windows = {
            window: None for candidate in candidates if (window := _limited(candidate, self.now))
        }
        if not windows:
            return
        for (user_id, endpoint_id), (in_day, in_period) in count_starts(list(windows)).items():
            self.starts["day", user_id, endpoint_id] = in_day
            self.starts["period", user_id, endpoint_id] = in_period

    def decide(self, candidate: Candidate) -> Candidate:
        user_id = candidate.request.user_id
        if candidate.refused is None:
            candidate = self._check_limits(candidate)
        if candidate.refused is None:
            candidate = self._check_credits(candidate)
        if candidate.refused is None and candidate.endpoint:
            self.available[user_id] -= candidate.hold
            self.starts["day", user_id, candidate.endpoint.id] += 1
            self.starts["period", user_id, candidate.endpoint.id] += 1
        self.available_at.append(self.available.get(user_id, 0))
        return candidate

    def _check_limits(self, candidate: Candidate) -> Candidate:
        assert candidate.endpoint is not None  # it passed the gate
        pair = (candidate.request.user_id, candidate.endpoint.id)
        daily, monthly = candidate.config.daily_limit, candidate.config.monthly_limit
        if daily is not None and self.starts["day", *pair] >= daily:
            return candidate.refuse(
                Refusal.DAILY_LIMIT_REACHED, f"All {daily} uses of this day (UTC) are taken."
            )
        if monthly is not None and self.starts["period", *pair] >= monthly:
            return candidate.refuse(
                Refusal.MONTHLY_LIMIT_REACHED, f"All {monthly} uses of this period are taken."
            )
        return candidate

    def _check_credits(self, candidate: Candidate) -> Candidate:
        required = max(1, candidate.hold)
        available = self.available[candidate.request.user_id]
        if available >= required:
            return candidate
        return candidate.refuse(
            Refusal.INSUFFICIENT_CREDITS,
            f"{required} credits are needed and {available} are available.",
        )


def _limited(candidate: Candidate, now: datetime) -> Window | None:
    config = candidate.config
    if candidate.refused or (config.daily_limit is None and config.monthly_limit is None):
        return None
    assert candidate.endpoint is not None  # it passed the gate
    assert candidate.entitlement is not None
    return Window(
        user_id=candidate.request.user_id,
        endpoint_id=candidate.endpoint.id,
        day_start=gate.start_of_day(now),
        period_start=candidate.entitlement.period_start,
    )


def _open_sessions(
    partner_id: UUID, candidates: Sequence[Candidate], card: Card, now: datetime
) -> Mapping[int, UsageSession]:
    """Sessions by the place of their request."""
    sessions = {
        place: _session(partner_id, candidate, card, now)
        for place, candidate in enumerate(candidates)
        if candidate.refused is None
    }
    holds = [
        PlaceHold(
            user_id=session.user_id,
            amount=session.held_credits,
            reference=session.hold_reference,
            expires_at=session.expires_at,
        )
        for session in sessions.values()
        if session.held_credits
    ]
    for outcome in post_batch(holds, now=now) if holds else []:
        # The wallet is locked and its credits were checked: what is refused now is a limit that
        # the ledger could never hold, and nothing of this list may stand.
        if outcome.error:
            raise outcome.error
    UsageSession.objects.bulk_create(sessions.values())
    return sessions


def _session(partner_id: UUID, candidate: Candidate, card: Card, now: datetime) -> UsageSession:
    endpoint, entitlement = candidate.endpoint, candidate.entitlement
    assert endpoint is not None  # it passed the gate
    assert entitlement is not None
    return UsageSession(
        usage_key=uuid7(),
        partner_id=partner_id,
        user_id=candidate.request.user_id,
        feature_endpoint_id=endpoint.id,
        feature_endpoint_value=endpoint.value,
        subscription_id=entitlement.subscription_id,
        package_history_id=entitlement.package_history_id,
        rate_card_id=card.version,
        config=candidate.config.as_dict(),
        options=list(candidate.request.options),
        word_count=candidate.request.word_count,
        held_credits=candidate.hold,
        created_at=now,
        expires_at=now + timedelta(seconds=settings.METERING_SESSION_TTL_SECONDS),
    )


def _answer(candidate: Candidate, session: UsageSession | None, available: int) -> StartAnswer:
    refused = candidate.refused
    return StartAnswer(
        user_id=candidate.request.user_id,
        credits=available,
        config=candidate.config.as_dict(),
        usage_key=session.usage_key if session else None,
        expires_at=session.expires_at if session else None,
        reason=refused.reason if refused else None,
        message=refused.message if refused else "",
    )
