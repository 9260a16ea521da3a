"""What can be asked of the ledger, and what it answers.

Every operation carries a ``reference``: the business key that makes it happen
once. A repeat with the same content is answered with the first outcome; the
same reference with other content is refused. Content is what moves: who, how
much, why and at what cost. Memo, actor and times are not part of it, so that a
retry that computes its deadline anew is still a retry.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import ClassVar
from uuid import UUID

from common.errors import DomainError
from wallets.enums import GrantSource, TransactionKind

REFERENCE_MAX_LENGTH = 200
MEMO_MAX_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(ABC):
    reference: str

    verb: ClassVar[str]

    @abstractmethod
    def content(self) -> tuple[object, ...]:
        """Everything that makes it this operation and no other."""

    def fingerprint(self) -> str:
        """32 hexadecimal digits that differ when the content does."""
        text = "\x1f".join(map(str, (self.verb, *self.content())))
        return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting(Asked):
    memo: str = ""
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant(Posting):
    """Give ``amount`` credits as a new lot. Among equal lots the lower ``priority`` burns first."""

    verb = "grant"

    user_id: UUID
    amount: int
    source: GrantSource
    expires_at: datetime | None = None
    priority: int = 0
    cost_minor: int = 0
    cost_currency: str = ""

    def content(self) -> tuple[object, ...]:
        return (self.user_id, self.amount, self.source, self.cost_minor, self.cost_currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend(Posting):
    """Take ``amount`` credits: all or nothing, or with ``allow_partial`` what there is."""

    verb = "spend"

    user_id: UUID
    amount: int
    kind: TransactionKind = TransactionKind.USAGE
    allow_partial: bool = False

    def content(self) -> tuple[object, ...]:
        return (self.user_id, self.amount, self.kind, self.allow_partial)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceHold(Asked):
    """Reserve ``amount`` credits until ``expires_at``. The reference is the hold's name."""

    verb = "hold"

    user_id: UUID
    amount: int
    expires_at: datetime

    def content(self) -> tuple[object, ...]:
        return (self.user_id, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureHold(Posting):
    """Charge ``amount`` credits against a hold and free what is left of it.

    More than was held comes from what is available; what is not there either
    is the outcome's ``shortfall``. A hold that was released or has expired can
    still be charged once, and then all of it comes from what is available.
    """

    verb = "capture"

    hold_reference: str
    amount: int

    def content(self) -> tuple[object, ...]:
        return (self.hold_reference, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold(Posting):
    """Free everything that a hold reserves."""

    verb = "release"

    hold_reference: str

    def content(self) -> tuple[object, ...]:
        return (self.hold_reference,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Posting):
    """Move ``amount`` paid credits to another user; promotional ones never leave."""

    verb = "transfer"

    sender_id: UUID
    receiver_id: UUID
    amount: int

    def content(self) -> tuple[object, ...]:
        return (self.sender_id, self.receiver_id, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Posting):
    """Undo a transaction by a new one.

    A charge gives its lots back. A grant takes back what is unspent and
    records the rest as shortfall. A transfer comes back whole or not at all.
    """

    verb = "reverse"

    transaction_id: UUID

    def content(self) -> tuple[object, ...]:
        return (self.transaction_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveMoney(Posting):
    """Book money that a gateway collected for us."""

    verb = "receive"

    amount_minor: int
    currency: str

    def content(self) -> tuple[object, ...]:
        return (self.amount_minor, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOverdraft(Posting):
    """Let a wallet go down to ``-limit``."""

    verb = "overdraft"

    user_id: UUID
    limit: int

    def content(self) -> tuple[object, ...]:
        return (self.user_id, self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireHold:
    """The sweep's: close a hold that is past its time."""

    hold_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireGrants:
    """The sweep's: expire what is due in a wallet."""

    user_id: UUID


Referenced = (
    Grant
    | Spend
    | PlaceHold
    | CaptureHold
    | ReleaseHold
    | Transfer
    | Reverse
    | ReceiveMoney
    | LimitOverdraft
)
Operation = Referenced | ExpireHold | ExpireGrants


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one operation.

    Args:
        error: why it was refused; nothing moved then.
        amount: what was really moved, held or freed.
        shortfall: what was asked for and could not be taken.
        balance: of the wallet concerned (a transfer: the sender's), after the operation;
            of a replay: now.
        available: the part of ``balance`` that no hold reserves.
        replayed: the reference was known, and nothing moved this time.
    """

    error: DomainError | None = None
    transaction_id: UUID | None = None
    hold_id: UUID | None = None
    amount: int = 0
    shortfall: int = 0
    balance: int = 0
    available: int = 0
    replayed: bool = False
