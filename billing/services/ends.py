"""Settles metered calls: ``end``."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from billing import answers, rate_card
from billing.enums import SessionState
from billing.events import UsagesCharged
from billing.metering import EndOutcome, EndRequest
from billing.models import CreditsUsage, UsageSession
from billing.settlement import Files, Replay, Settlement, Verdict, judge, reused
from common import clock
from common.errors import DomainError
from common.events import publish
from wallets.selectors import balances_of
from wallets.services import CaptureHold, Operation, Outcome, Spend, post_batch

_RESULT_FIELDS = [
    "state",
    "settled_at",
    "request_hash",
    "word_count",
    "cost_credits",
    "charged",
    "shortfall",
    "flags",
    "transaction",
    "balance_after",
    "available_after",
]


@transaction.atomic
def end_usages(*, partner_id: UUID, requests: Sequence[EndRequest]) -> list[EndOutcome]:
    """Settle each call once, for ever, in one commit; the outcomes are in the order given.

    A call is charged with the prices and limits of its start: at most
    ``max_credits``, and at most what the wallet has; what is missing is the
    shortfall, which blocks the next start. An expired session settles too,
    from what is available. The same report again is answered with the first
    result. What is wrong with one call never touches another.

    Outcome errors:
        SessionNotStarted: nobody started this usage key.
        SessionNotFound: another partner did.
        SessionMismatch: the report names another user or endpoint.
        UsageKeyReused: the call was settled with another report.
        UnknownAiModel: a model had no price when the call started.
        ChargeTooLarge: more than the ledger moves at once.
    """
    files = _open_files(partner_id, {request.usage_key for request in requests})
    verdicts = _judge_all(requests, files)

    now = clock.now()
    posted = _post([verdict for verdict in verdicts if isinstance(verdict, Settlement)], now)
    written = _write_down(posted, now)

    refused = {s.session.usage_key: outcome.error for s, outcome in posted if outcome.error}
    usages = _earlier_usages(verdicts) | written
    return [
        _outcome(request, verdict, refused, usages)
        for request, verdict in zip(requests, verdicts, strict=True)
    ]


def _open_files(partner_id: UUID, usage_keys: set[UUID]) -> Files:
    # Every writer of sessions locks them in this order and the wallets after them.
    sessions = {
        session.usage_key: session
        for session in UsageSession.objects.select_for_update()
        .filter(partner_id=partner_id, usage_key__in=usage_keys)
        .order_by("usage_key")
    }
    missing = usage_keys - sessions.keys()
    foreign = UsageSession.objects.filter(usage_key__in=missing).values_list("usage_key", flat=True)
    return Files(
        sessions=sessions,
        foreign_keys=frozenset(foreign if missing else ()),
        cards=rate_card.of_versions(session.rate_card_id for session in sessions.values()),
    )


def _judge_all(requests: Sequence[EndRequest], files: Files) -> list[Verdict]:
    """Judge in order, so that of two ends of one call in a list the first one counts."""
    first: dict[UUID, Settlement] = {}
    verdicts: list[Verdict] = []
    for request in requests:
        earlier = first.get(request.usage_key)
        if earlier is None:
            verdict = judge(request, files)
        elif earlier.request == request:
            verdict = Replay(session=earlier.session)
        else:
            verdict = reused()
        if isinstance(verdict, Settlement):
            first[request.usage_key] = verdict
        verdicts.append(verdict)
    return verdicts


def _post(settlements: Sequence[Settlement], now: datetime) -> list[tuple[Settlement, Outcome]]:
    """Move the credits of all of them in one batch."""
    moving = [(s, operation) for s in settlements if (operation := _operation(s))]
    outcomes = post_batch([operation for _, operation in moving], now=now) if moving else []
    posted = [(s, outcome) for (s, _), outcome in zip(moving, outcomes, strict=True)]
    if still := [s for s in settlements if _operation(s) is None]:
        balances = balances_of({s.session.user_id for s in still}, at=now)
        for settlement in still:
            balance = balances[settlement.session.user_id]
            outcome = Outcome(balance=balance.balance, available=balance.available)
            posted.append((settlement, outcome))
    return posted


def _operation(settlement: Settlement) -> Operation | None:
    session = settlement.session
    if session.held_credits:
        return CaptureHold(
            hold_reference=session.hold_reference,
            amount=settlement.charge,
            reference=session.charge_reference,
            memo=session.feature_endpoint_value,
        )
    if settlement.charge:
        return Spend(
            user_id=session.user_id,
            amount=settlement.charge,
            reference=session.charge_reference,
            memo=session.feature_endpoint_value,
            allow_partial=True,
        )
    return None


def _write_down(
    posted: Sequence[tuple[Settlement, Outcome]], now: datetime
) -> dict[UUID, list[CreditsUsage]]:
    """Record what was moved. Returns the rows of each call."""
    done = [(settlement, outcome) for settlement, outcome in posted if outcome.error is None]
    if not done:
        return {}
    for settlement, outcome in done:
        _fill_in(settlement, outcome, now)
    sessions = [settlement.session for settlement, _ in done]
    # The rows exist and are locked: this is one UPDATE of many rows.
    UsageSession.objects.bulk_create(
        sessions,
        update_conflicts=True,
        unique_fields=["usage_key"],
        update_fields=_RESULT_FIELDS,
    )
    usages = {settlement.session.usage_key: settlement.usage_rows(now) for settlement, _ in done}
    CreditsUsage.objects.bulk_create(row for rows in usages.values() for row in rows)
    publish(UsagesCharged(usages=[_fact(session) for session in sessions]))
    return usages


def _fill_in(settlement: Settlement, outcome: Outcome, now: datetime) -> None:
    session, request = settlement.session, settlement.request
    session.state = SessionState.SETTLED
    session.settled_at = now
    session.request_hash = request.fingerprint()
    session.word_count = session.word_count if request.word_count is None else request.word_count
    session.cost_credits = settlement.call.total
    session.charged = outcome.amount
    session.shortfall = outcome.shortfall
    session.flags = [flag.value for flag in settlement.flags]
    session.transaction_id = outcome.transaction_id
    session.balance_after = outcome.balance
    session.available_after = outcome.available


def _fact(session: UsageSession) -> dict[str, object]:
    return {
        "usage_key": str(session.usage_key),
        "user_id": str(session.user_id),
        "feature_endpoint_id": str(session.feature_endpoint_id),
        "charged": session.charged,
        "cost_credits": session.cost_credits,
        "shortfall": session.shortfall,
    }


def _earlier_usages(verdicts: Sequence[Verdict]) -> dict[UUID, list[CreditsUsage]]:
    """Load the rows of calls that were settled before this list."""
    keys = {verdict.session.usage_key for verdict in verdicts if isinstance(verdict, Replay)}
    rows: dict[UUID, list[CreditsUsage]] = {key: [] for key in keys}
    if keys:
        for row in CreditsUsage.objects.filter(session__in=keys).order_by("session", "position"):
            rows[row.session_id].append(row)
    return rows


def _outcome(
    request: EndRequest,
    verdict: Verdict,
    refused: Mapping[UUID, DomainError],
    usages: Mapping[UUID, Sequence[CreditsUsage]],
) -> EndOutcome:
    key = request.usage_key
    if isinstance(verdict, DomainError):
        return EndOutcome(usage_key=key, error=verdict)
    if key in refused:
        return EndOutcome(usage_key=key, error=refused[key])
    return EndOutcome(
        usage_key=key,
        answer=answers.settled(verdict.session, usages[key]),
        replayed=isinstance(verdict, Replay),
    )
