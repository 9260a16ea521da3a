"""The door to the ledger. ``post_batch`` takes a list; the others are lists of one."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from common.errors import Invalid
from common.ids import uuid7
from wallets import selectors
from wallets.enums import GrantSource, TransactionKind
from wallets.errors import HoldClosed, HoldNotFound, InsufficientCredits, ReferenceReused
from wallets.operations import (
    CaptureHold,
    ExpireGrants,
    ExpireHold,
    Grant,
    LimitOverdraft,
    Operation,
    Outcome,
    PlaceHold,
    ReceiveMoney,
    ReleaseHold,
    Reverse,
    Spend,
    Transfer,
)
from wallets.planning.checks import MAX_AMOUNT
from wallets.posting import post_batch

__all__ = [
    "MAX_AMOUNT", "CaptureHold", "Grant", "HoldClosed", "HoldNotFound", "InsufficientCredits",
    "Operation", "Outcome", "PlaceHold", "ReferenceReused", "ReleaseHold", "Reverse", "Spend",
    "Transfer", "adjust_credits", "capture_hold", "expire_grants", "expire_holds", "grant_credits",
    "place_hold", "post_batch", "record_money_received", "release_hold", "reverse_transaction",
    "set_overdraft_limit", "spend_credits", "transfer_credits",
]  # fmt: skip

REASON_MAX_LENGTH = 300
SWEEP_LIMIT = 500  # rows a transaction


def grant_credits(  # noqa: PLR0913 -- the facts of a lot
    *,
    user_id: UUID,
    amount: int,
    source: GrantSource,
    reference: str,
    expires_at: datetime | None = None,
    priority: int = 0,
    cost_minor: int = 0,
    cost_currency: str = "",
    memo: str = "",
    actor_id: UUID | None = None,
) -> Outcome:
    """Give a user a new lot of credits. What the wallet owes is taken from it at once.

    Args:
        amount: whole credits, 1 or more.
        expires_at: a lot that is past it on arrival expires at once.
        priority: among lots that expire together the lower burns first.
        cost_minor: what was paid for the lot, in minor units of ``cost_currency``.

    Raises:
        Invalid: a value is out of range.
        NotFound: there is no such user.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(
        Grant(
            user_id=user_id,
            amount=amount,
            source=source,
            reference=reference,
            expires_at=expires_at,
            priority=priority,
            cost_minor=cost_minor,
            cost_currency=cost_currency,
            memo=memo,
            actor_id=actor_id,
        )
    )


def spend_credits(
    *, user_id: UUID, amount: int, reference: str, allow_partial: bool = False, memo: str = ""
) -> Outcome:
    """Take credits for usage: all of ``amount``, or with ``allow_partial`` what there is.

    Raises:
        InsufficientCredits: there is less, and part of it would not do.
        Invalid: a value is out of range.
        NotFound: there is no such user.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(
        Spend(
            user_id=user_id,
            amount=amount,
            reference=reference,
            allow_partial=allow_partial,
            memo=memo,
        )
    )


def adjust_credits(
    *, user_id: UUID, amount: int, reason: str, actor_id: UUID, reference: str
) -> Outcome:
    """Correct a wallet by hand: give credits, or take them when ``amount`` is negative.

    Raises:
        InsufficientCredits: there is less to take.
        Invalid: ``amount`` is 0, the reason is missing or too long, a value is out of range.
        NotFound: there is no such user.
        ReferenceReused: the reference did something else before.
    """
    memo = _reason(reason)
    if amount > 0:
        return grant_credits(
            user_id=user_id,
            amount=amount,
            source=GrantSource.ADJUSTMENT,
            reference=reference,
            memo=memo,
            actor_id=actor_id,
        )
    if amount == 0:
        raise Invalid("An adjustment changes something.", field="amount")
    return _post_one(
        Spend(
            user_id=user_id,
            amount=-amount,
            kind=TransactionKind.ADJUSTMENT,
            reference=reference,
            memo=memo,
            actor_id=actor_id,
        )
    )


def transfer_credits(
    *, sender_id: UUID, receiver_id: UUID, amount: int, reference: str, memo: str = ""
) -> Outcome:
    """Send paid credits to another user; their lots keep expiry and cost. Answers for the sender.

    Raises:
        InsufficientCredits: fewer paid credits are available.
        Invalid: sender and receiver are one, or a value is out of range.
        NotFound: there is no such user.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(
        Transfer(
            sender_id=sender_id,
            receiver_id=receiver_id,
            amount=amount,
            reference=reference,
            memo=memo,
        )
    )


def place_hold(*, user_id: UUID, amount: int, reference: str, expires_at: datetime) -> Outcome:
    """Reserve credits until ``expires_at``. The reference names the hold from then on.

    Raises:
        InsufficientCredits: there is less.
        Invalid: ``expires_at`` is past, or a value is out of range.
        NotFound: there is no such user.
        ReferenceReused: the reference held something else before.
    """
    return _post_one(
        PlaceHold(user_id=user_id, amount=amount, reference=reference, expires_at=expires_at)
    )


def capture_hold(*, hold_reference: str, amount: int, reference: str, memo: str = "") -> Outcome:
    """Charge ``amount`` against a hold and free the rest of it. 0 frees all of it.

    More than was held comes from what is available, and what is not there
    either is the outcome's ``shortfall``. A hold that was released or has
    expired is still charged once, from what is available.

    Raises:
        HoldClosed: it was captured before, under another reference.
        HoldNotFound: nobody placed it.
        Invalid: a value is out of range.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(
        CaptureHold(hold_reference=hold_reference, amount=amount, reference=reference, memo=memo)
    )


def release_hold(*, hold_reference: str, reference: str, memo: str = "") -> Outcome:
    """Free everything that a hold reserves.

    Raises:
        HoldClosed: it was captured, released or has expired before.
        HoldNotFound: nobody placed it.
        Invalid: a value is out of range.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(ReleaseHold(hold_reference=hold_reference, reference=reference, memo=memo))


def reverse_transaction(*, transaction_id: UUID, reason: str, actor_id: UUID | None) -> Outcome:
    """Undo a transaction, once. A repeat is answered with the first outcome.

    A charge gives its lots back; a grant takes back what is unspent, and the
    rest is the outcome's ``shortfall``; a transfer comes back whole.

    Raises:
        Invalid: the reason is missing or too long.
        NotFound: there is no such transaction.
        NotReversible: it moved nothing, or is itself a reversal or an expiry.
        TransferSpent: the receiver no longer has what was sent.
    """
    return _post_one(
        Reverse(
            transaction_id=transaction_id,
            reference=f"reversal:{transaction_id}",
            memo=_reason(reason),
            actor_id=actor_id,
        )
    )


def record_money_received(
    *, amount_minor: int, currency: str, reference: str, memo: str = ""
) -> Outcome:
    """Book money that a gateway collected for us, in minor units of ``currency``.

    Raises:
        Invalid: a value is out of range.
        ReferenceReused: the reference did something else before.
    """
    return _post_one(
        ReceiveMoney(amount_minor=amount_minor, currency=currency, reference=reference, memo=memo)
    )


def set_overdraft_limit(*, user_id: UUID, limit: int, actor_id: UUID, reason: str) -> Outcome:
    """Let a wallet's available credits go down to ``-limit``. The books keep who and why.

    Raises:
        Invalid: the limit is negative, or the reason is missing or too long.
        NotFound: there is no such user.
        OverdraftInUse: the wallet owes or holds more than that already.
    """
    return _post_one(
        LimitOverdraft(
            user_id=user_id,
            limit=limit,
            reference=f"overdraft:{uuid7()}",
            memo=f"Limit {limit}: {_reason(reason)}",
            actor_id=actor_id,
        )
    )


@transaction.atomic
def expire_holds(*, now: datetime) -> int:
    """Close up to ``SWEEP_LIMIT`` holds past their time; return how many. Skips busy wallets."""
    references = selectors.due_holds(at=now, limit=SWEEP_LIMIT)
    outcomes = post_batch([ExpireHold(hold_reference=name) for name in references], now=now)
    return sum(1 for outcome in outcomes if outcome.amount)


@transaction.atomic
def expire_grants(*, now: datetime) -> int:
    """Expire what is due in up to ``SWEEP_LIMIT`` wallets; return how many. Skips busy ones."""
    user_ids = selectors.users_with_due_grants(at=now, limit=SWEEP_LIMIT)
    outcomes = post_batch([ExpireGrants(user_id=user_id) for user_id in user_ids], now=now)
    return sum(1 for outcome in outcomes if outcome.amount)


def _reason(reason: str) -> str:
    stripped = reason.strip()
    if not 1 <= len(stripped) <= REASON_MAX_LENGTH:
        raise Invalid(f"A reason has 1 to {REASON_MAX_LENGTH} characters.", field="reason")
    return stripped


def _post_one(operation: Operation) -> Outcome:
    outcome = post_batch([operation])[0]
    if outcome.error is not None:
        raise outcome.error
    return outcome
