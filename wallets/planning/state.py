"""What a batch knows and what it decides. Plain objects: no database, no clock.

States that were read have plain strings where the enums stand; they are equal.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from common.ids import uuid7
from wallets.enums import CREDIT, AccountKind, GrantSource, HoldStatus, TransactionKind
from wallets.operations import Posting


@dataclass(slots=True, eq=False)
class LotState:
    """A grant, while a batch burns it."""

    id: UUID
    account_id: UUID
    transaction_id: UUID
    source: GrantSource
    is_promotional: bool
    amount: int
    remaining: int
    cost_minor: int
    cost_currency: str
    expires_at: datetime | None
    priority: int
    created_at: datetime


@dataclass(slots=True, eq=False)
class WalletState:
    """A user's account, locked. ``lots`` are the open ones in burn order."""

    id: UUID
    user_id: UUID
    balance: int
    held: int
    overdraft_limit: int
    entry_count: int
    lots: list[LotState] = field(default_factory=list)

    @property
    def available(self) -> int:
        return self.balance - self.held

    @property
    def spendable(self) -> int:
        """What may be taken now, the overdraft included."""
        return self.balance - self.held + self.overdraft_limit


@dataclass(slots=True, eq=False)
class HoldState:
    """A hold. ``is_charged``: a capture has settled it, in time or late."""

    id: UUID
    account_id: UUID
    reference: str
    fingerprint: str
    amount: int
    status: HoldStatus
    expires_at: datetime
    is_charged: bool = False
    captured: int = 0


class Done(NamedTuple):
    """What an operation did, now or when its reference was first used."""

    fingerprint: str = ""
    transaction_id: UUID | None = None
    hold_id: UUID | None = None
    account_id: UUID | None = None
    amount: int = 0
    shortfall: int = 0


@dataclass(slots=True, eq=False)
class OriginalState:
    """A transaction that somebody wants to reverse."""

    id: UUID
    kind: TransactionKind
    account_id: UUID | None
    amount: int
    is_reversed: bool
    entries: list[tuple[UUID, int]] = field(default_factory=list)
    burns: list[tuple[UUID, int]] = field(default_factory=list)
    lot_ids: list[UUID] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Books:
    """Everything that the operations of a batch may touch, read under its locks."""

    wallets: dict[UUID, WalletState] = field(default_factory=dict)
    lots: dict[UUID, LotState] = field(default_factory=dict)
    holds: dict[str, HoldState] = field(default_factory=dict)
    posted: dict[str, Done] = field(default_factory=dict)
    originals: dict[UUID, OriginalState] = field(default_factory=dict)
    wallet_of_user: dict[UUID, WalletState] = field(default_factory=dict)

    def add_wallet(self, wallet: WalletState) -> None:
        self.wallets[wallet.id] = wallet
        self.wallet_of_user[wallet.user_id] = wallet


_SYSTEM_ACCOUNTS = UUID("0190d9f4-66a8-7f6e-9f43-2f1c6f1b7a50")


class SystemAccount(NamedTuple):
    """An account of the house. Its id is the same in every installation."""

    kind: AccountKind
    asset: str = CREDIT

    @property
    def id(self) -> UUID:
        return uuid5(_SYSTEM_ACCOUNTS, f"{self.kind}:{self.asset}")


class TransactionRow(NamedTuple):
    id: UUID
    kind: TransactionKind
    reference: str
    fingerprint: str
    account_id: UUID | None
    amount: int
    shortfall: int = 0
    hold_id: UUID | None = None
    reverses_id: UUID | None = None
    memo: str = ""
    actor_id: UUID | None = None


def row_for(  # noqa: PLR0913 -- the columns that differ between operations
    operation: Posting,
    kind: TransactionKind,
    *,
    account_id: UUID | None = None,
    amount: int = 0,
    shortfall: int = 0,
    hold_id: UUID | None = None,
    reverses_id: UUID | None = None,
) -> TransactionRow:
    """Make the transaction by which ``operation`` is remembered."""
    return TransactionRow(
        id=uuid7(),
        kind=kind,
        reference=operation.reference,
        fingerprint=operation.fingerprint(),
        account_id=account_id,
        amount=amount,
        shortfall=shortfall,
        hold_id=hold_id,
        reverses_id=reverses_id,
        memo=operation.memo,
        actor_id=operation.actor_id,
    )


class EntryRow(NamedTuple):
    id: UUID
    transaction_id: UUID
    account: UUID | SystemAccount
    amount: int
    balance_after: int | None
    position: int | None


class BurnRow(NamedTuple):
    transaction_id: UUID
    lot_id: UUID
    amount: int


@dataclass(slots=True, eq=False)
class Plan:
    """Rows to write, in arrival order, and the states that changed."""

    transactions: list[TransactionRow] = field(default_factory=list)
    entries: list[EntryRow] = field(default_factory=list)
    burns: list[BurnRow] = field(default_factory=list)
    new_lots: list[LotState] = field(default_factory=list)
    new_holds: list[HoldState] = field(default_factory=list)
    closed_holds: dict[UUID, HoldState] = field(default_factory=dict)
    wallets: dict[UUID, WalletState] = field(default_factory=dict)
    lots: dict[UUID, LotState] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
