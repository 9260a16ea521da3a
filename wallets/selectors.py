from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypedDict
from uuid import UUID

from django.db.models import (
    BigIntegerField,
    Count,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, Greatest, Least
from django_stubs_ext import Annotations

from common import clock
from wallets import locking
from wallets.enums import CREDIT, AccountKind, HoldStatus, TransactionKind
from wallets.models import Account, Entry, Grant, Hold, Transaction


@dataclass(frozen=True, slots=True)
class Balance:
    """Whole credits. ``available`` is what no hold reserves."""

    balance: int
    held: int
    available: int


@dataclass(frozen=True, slots=True)
class Received:
    """Money that was booked as revenue: in minor units, and in how many receipts."""

    currency: str
    amount_minor: int
    count: int


def wallets() -> QuerySet[Account]:
    """Select the wallets of users, without the accounts of the system."""
    return Account.objects.filter(kind=AccountKind.WALLET, asset=CREDIT)


def wallet_of(*, user_id: UUID) -> Account | None:
    """Find a user's wallet; there is none while nothing ever happened in it."""
    return wallets().filter(owner_id=user_id).first()


class _Figures(TypedDict):
    balance_at: int
    available_at: int


def wallets_at(at: datetime) -> QuerySet[Annotated[Account, Annotations[_Figures]]]:
    """Select wallets with their ``balance_at``, ``available_at`` and ``open_grants``.

    A lot that is past its time is gone, whether or not the sweep has been
    there; only what an open hold still needs of it stays in the balance.
    """
    due = (
        Grant.objects.filter(account=OuterRef("pk"), is_open=True, expires_at__lte=at)
        .values("account")
        .values(total=Sum("remaining", output_field=BigIntegerField()))
    )
    nothing = Value(0, output_field=BigIntegerField())
    expirable = Greatest(nothing, Least(Coalesce(Subquery(due), nothing), F("balance") - F("held")))
    open_grants = Grant.objects.filter(
        Q(expires_at__gt=at) | Q(expires_at=None), is_open=True
    ).order_by(F("expires_at").asc(nulls_last=True), "created_at", "id")
    return (
        wallets()
        .annotate(balance_at=F("balance") - expirable)
        .annotate(available_at=F("balance_at") - F("held"))
        .prefetch_related(Prefetch("grants", queryset=open_grants, to_attr="open_grants"))
    )


def balances_of(user_ids: Collection[UUID], *, at: datetime | None = None) -> dict[UUID, Balance]:
    """Tell what each of ``user_ids`` has at ``at``, now unless told. No wallet is zero."""
    rows = wallets_at(at or clock.now()).filter(owner_id__in=user_ids)
    balances = dict.fromkeys(user_ids, Balance(0, 0, 0))
    for owner_id, *figures in rows.values_list("owner_id", "balance_at", "held", "available_at"):
        balances[owner_id] = Balance(*figures)
    return balances


def total_in_wallets() -> Balance:
    """Add up all wallets, lots that are past their time but not swept yet included."""
    total = wallets().aggregate(balance=Coalesce(Sum("balance"), 0), held=Coalesce(Sum("held"), 0))
    balance, held = int(total["balance"]), int(total["held"])
    return Balance(balance, held, balance - held)


def money_received(*, since: datetime) -> list[Received]:
    """What was booked as revenue since then, by currency; a currency without any is absent."""
    rows = (
        Entry.objects.filter(account__kind=AccountKind.REVENUE, created_at__gte=since)
        .values("account__asset")
        .annotate(total=Sum("amount"), receipts=Count("pk", filter=Q(amount__gt=0)))
        .order_by("account__asset")
    )
    return [Received(row["account__asset"], int(row["total"]), row["receipts"]) for row in rows]


def lock_wallets(*, user_ids: Collection[UUID]) -> None:
    """Lock the wallets of ``user_ids`` until the end of the transaction; create what is missing.

    For whoever counts something per user before posting in the same
    transaction: all users at once, or the order of the locks is lost.

    Raises:
        TransactionManagementError: there is no transaction.
    """
    locking.lock(user_ids=set(user_ids))


def wallet_entries() -> QuerySet[Entry]:
    """Everything that ever changed the balance of a wallet."""
    return Entry.objects.filter(position__isnull=False, account__asset=CREDIT)


def transactions_for(user_id: UUID) -> QuerySet[Entry]:
    """Select a user's statement: every change of the wallet, the latest first."""
    return (
        wallet_entries()
        .filter(account__owner_id=user_id)
        .select_related("transaction")
        .order_by("-created_at", "-id")
    )


def transactions_of_kind(kind: TransactionKind) -> QuerySet[Transaction]:
    """Select everything that was ever posted for one reason."""
    return Transaction.objects.filter(kind=kind)


def due_holds(*, at: datetime, limit: int) -> list[str]:
    """Find holds past their time whose wallets nobody is busy with; their references.

    Their wallets are locked. Nothing is waited for, so this order of locking is safe too.
    """
    rows = (
        Hold.objects.filter(status=HoldStatus.OPEN, expires_at__lte=at)
        .select_related("account")
        .select_for_update(of=("account",), skip_locked=True, no_key=True)
        .order_by("expires_at")[:limit]
    )
    return [hold.reference for hold in rows]


def users_with_due_grants(*, at: datetime, limit: int) -> list[UUID]:
    """Find owners of wallets with lots past their time that no hold needs, as ``due_holds``."""
    due = Grant.objects.filter(is_open=True, expires_at__lte=at)
    rows = (
        wallets()
        .filter(balance__gt=F("held"), pk__in=due.values("account_id"))
        .select_for_update(skip_locked=True, no_key=True)[:limit]
    )
    return [wallet.owner_id for wallet in rows if wallet.owner_id]
