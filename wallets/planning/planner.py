"""Decides what every operation of a batch does, in arrival order, in memory.

A refused operation leaves no trace: every handler checks before it changes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from common.errors import DomainError
from wallets import operations as asked
from wallets.errors import ReferenceReused
from wallets.operations import Operation, Outcome, PlaceHold
from wallets.planning import holds, moves, reversals
from wallets.planning.batch import Batch
from wallets.planning.checks import check_memo, check_reference
from wallets.planning.state import Books, Done, Plan

_HANDLERS: dict[type, Callable[[Batch, Any], Done]] = {
    asked.Grant: moves.grant,
    asked.Spend: moves.spend,
    asked.Transfer: moves.transfer,
    asked.ReceiveMoney: moves.receive_money,
    asked.LimitOverdraft: moves.limit_overdraft,
    asked.PlaceHold: holds.place,
    asked.CaptureHold: holds.capture,
    asked.ReleaseHold: holds.release,
    asked.Reverse: reversals.reverse,
}


def plan_batch(
    operations: Sequence[Operation], *, books: Books, now: datetime
) -> tuple[list[Outcome], Plan]:
    """Decide the outcome of each operation, and the rows that make them true."""
    batch = Batch(books, now)
    return [_outcome(batch, operation) for operation in operations], batch.plan


def _outcome(batch: Batch, operation: Operation) -> Outcome:
    try:
        done, replayed = _carry_out(batch, operation)
    except DomainError as error:
        return Outcome(error=error)
    wallet = batch.books.wallets.get(done.account_id) if done.account_id else None
    if wallet and not replayed:
        batch.expire_due(wallet)  # a hold that closed, or a lot that came back, may be due
    return Outcome(
        transaction_id=done.transaction_id,
        hold_id=done.hold_id,
        amount=done.amount,
        shortfall=done.shortfall,
        balance=wallet.balance if wallet else 0,
        available=wallet.available if wallet else 0,
        replayed=replayed,
    )


def _carry_out(batch: Batch, operation: Operation) -> tuple[Done, bool]:
    if isinstance(operation, asked.ExpireHold):
        return holds.expire(batch, operation), False
    if isinstance(operation, asked.ExpireGrants):
        return _expire_grants(batch, operation), False
    check_reference(operation.reference)
    if not isinstance(operation, PlaceHold):
        check_memo(operation.memo)
    earlier = _done_before(batch, operation)
    if earlier is None:
        return _HANDLERS[type(operation)](batch, operation), False
    if earlier.fingerprint != operation.fingerprint():
        raise ReferenceReused(
            "This reference did something else before.",
            field="reference",
            reference=operation.reference,
        )
    return earlier, True


def _done_before(batch: Batch, operation: asked.Referenced) -> Done | None:
    """Find what the reference did before. Holds have references of their own."""
    if not isinstance(operation, PlaceHold):
        return batch.books.posted.get(operation.reference)
    hold = batch.books.holds.get(operation.reference)
    if hold is None:
        return None
    return Done(hold.fingerprint, None, hold.id, hold.account_id, hold.amount)


def _expire_grants(batch: Batch, operation: asked.ExpireGrants) -> Done:
    wallet = batch.books.wallet_of_user[operation.user_id]
    return Done(account_id=wallet.id, amount=batch.expire_due(wallet))
