"""Proves that what was paid is what was delivered. Each check names the rows that are wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat

from catalog.selectors import subscriptions
from payments.enums import PaymentStatus
from payments.models import PaymentEvent, PaymentTransaction
from payments.state import MOVES
from wallets.enums import TransactionKind
from wallets.selectors import transactions_of_kind

NAMED_ROWS = 20  # a check names this many culprits, and counts them all

# The outbox delivers within seconds; a worker may be away for a while.
DELIVERY_GRACE = timedelta(minutes=5)


class Check(NamedTuple):
    """A promise, the rows it is about, and among those the ones that break it."""

    name: str
    promise: str
    rows: Callable[[], QuerySet[Any]]
    culprits: Callable[[datetime], QuerySet[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: how many rows it looked at, how many are wrong, and some of those."""

    check: Check
    rows: int
    wrong: int
    culprits: list[str]


def verify(*, now: datetime) -> Iterator[Finding]:
    """Run every check, one after the other, on one snapshot of the database."""
    with _snapshot():
        for check in CHECKS:
            culprits = check.culprits(now).order_by("pk")
            yield Finding(
                check=check,
                rows=check.rows().count(),
                wrong=culprits.count(),
                culprits=[f"{row.pk} ({row})" for row in culprits[:NAMED_ROWS]],
            )


@contextmanager
def _snapshot() -> Iterator[None]:
    """See one moment: what is committed meanwhile must not look like a fault."""
    is_own = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_own:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")  # everything takes its time
        yield


def _payments() -> QuerySet[Any]:
    """Select payments with the references that their delivery goes by in other apps."""
    reference = Concat(Value("payment:"), Cast("id", CharField()))
    return PaymentTransaction.objects.annotate(
        reference=reference, money_reference=Concat(reference, Value(":money"))
    )


def _delivered() -> QuerySet[Any]:
    return _payments().filter(fulfilled_at__isnull=False)


def _purchases() -> QuerySet[Any]:
    return transactions_of_kind(TransactionKind.PURCHASE)


def _receipts() -> QuerySet[Any]:
    return transactions_of_kind(TransactionKind.RECEIPT)


def _paid_and_not_delivered(now: datetime) -> QuerySet[Any]:
    return _payments().filter(fulfilled_at__isnull=True, paid_at__lt=now - DELIVERY_GRACE)


def _delivered_without_credits(now: datetime) -> QuerySet[Any]:
    granted = _purchases().filter(
        reference=OuterRef("reference"),
        amount=OuterRef("credits"),
        account__owner=OuterRef("user_id"),
    )
    return _delivered().filter(credits__gt=0).exclude(Exists(granted))


def _delivered_without_money(now: datetime) -> QuerySet[Any]:
    booked = _receipts().filter(
        reference=OuterRef("money_reference"), amount=OuterRef("amount_minor")
    )
    return _delivered().exclude(Exists(booked))


def _delivered_without_subscription(now: datetime) -> QuerySet[Any]:
    started = subscriptions().filter(
        reference=OuterRef("reference"),
        user=OuterRef("user_id"),
        package_history=OuterRef("package_history_id"),
    )
    return _delivered().exclude(Exists(started))


def _credits_nobody_paid(now: datetime) -> QuerySet[Any]:
    return _purchases().exclude(Exists(_delivered().filter(reference=OuterRef("reference"))))


def _money_nobody_paid(now: datetime) -> QuerySet[Any]:
    paid = _delivered().filter(money_reference=OuterRef("reference"))
    return _receipts().exclude(Exists(paid))


def _not_where_events_lead(now: datetime) -> QuerySet[Any]:
    last = PaymentEvent.objects.filter(
        payment=OuterRef("pk"), to_status=OuterRef("status"), version=OuterRef("version")
    )
    payments = PaymentTransaction.objects.annotate(events_count=Count("events"))
    return payments.exclude(Exists(last), events_count=F("version"))


def _astray(now: datetime) -> QuerySet[Any]:
    """Select events that do not go on from the one before, or that make no allowed move."""
    earlier = PaymentEvent.objects.filter(
        payment=OuterRef("payment"), version=OuterRef("version") - 1
    )
    before = Coalesce(Subquery(earlier.values("to_status")), Value(""))
    created = Q(from_status="", to_status=PaymentStatus.INITIATED)
    noted = Q(to_status=F("from_status"))  # a remark leaves the status as it is
    moved = [Q(from_status=one, to_status__in=others) for one, others in MOVES.items()]
    allowed = reduce(or_, moved, created | noted)
    return PaymentEvent.objects.annotate(before=before).exclude(allowed, from_status=F("before"))


CHECKS = (
    Check(
        "payments_follow_their_events",
        "Every payment has one event for each version, and the last leads to its status.",
        PaymentTransaction.objects.all,
        _not_where_events_lead,
    ),
    Check(
        "events_are_allowed_moves",
        "Every event goes on from the one before it, by a move of the table.",
        PaymentEvent.objects.all,
        _astray,
    ),
    Check(
        "paid_is_delivered",
        "Every paid purchase is delivered within five minutes.",
        _payments,
        _paid_and_not_delivered,
    ),
    Check(
        "deliveries_granted_credits",
        "Every delivered purchase has its grant in the ledger: its buyer, its credits.",
        _delivered,
        _delivered_without_credits,
    ),
    Check(
        "deliveries_booked_money",
        "Every delivered purchase has its money in the ledger.",
        _delivered,
        _delivered_without_money,
    ),
    Check(
        "deliveries_started_a_subscription",
        "Every delivered purchase has its subscription: its buyer, its package version.",
        _delivered,
        _delivered_without_subscription,
    ),
    Check(
        "bought_credits_were_paid",
        "Every grant of bought credits belongs to one delivered purchase.",
        _purchases,
        _credits_nobody_paid,
    ),
    Check(
        "booked_money_was_paid",
        "Every receipt of money belongs to one delivered purchase.",
        _receipts,
        _money_nobody_paid,
    ),
)
