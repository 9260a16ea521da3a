"""How a transaction is undone."""

from uuid import UUID

from common.errors import NotFound
from common.ids import uuid7
from wallets.enums import GrantSource, TransactionKind
from wallets.errors import AlreadyReversed, NotReversible, TransferSpent
from wallets.operations import Reverse
from wallets.planning import lots
from wallets.planning.batch import Batch
from wallets.planning.state import (
    Done,
    LotState,
    OriginalState,
    TransactionRow,
    WalletState,
    row_for,
)

FINAL_KINDS = frozenset(
    {
        TransactionKind.EXPIRY,
        TransactionKind.OVERDRAFT,
        TransactionKind.RELEASE,
        TransactionKind.REVERSAL,
    }
)


def reverse(batch: Batch, operation: Reverse) -> Done:
    original = batch.books.originals.get(operation.transaction_id)
    if original is None:
        raise NotFound("There is no such transaction.", field="transaction_id")
    if original.kind in FINAL_KINDS or original.amount == 0:
        raise NotReversible("This transaction cannot be reversed.", field="transaction_id")
    if original.is_reversed:
        raise AlreadyReversed("The transaction was reversed before.")

    if original.kind == TransactionKind.RECEIPT:
        row = _return_money(batch, operation, original)
    elif original.kind == TransactionKind.TRANSFER:
        row = _return_transfer(batch, operation, original)
    elif original.lot_ids:
        row = _take_grant_back(batch, operation, original)
    else:
        row = _give_charge_back(batch, operation, original)
    original.is_reversed = True
    return batch.record(row)


def _row(
    operation: Reverse, original: OriginalState, amount: int, *, shortfall: int = 0
) -> TransactionRow:
    return row_for(
        operation,
        TransactionKind.REVERSAL,
        account_id=original.account_id,
        amount=amount,
        shortfall=shortfall,
        reverses_id=original.id,
    )


def _return_money(batch: Batch, operation: Reverse, original: OriginalState) -> TransactionRow:
    row = _row(operation, original, original.amount)
    taken, given = sorted(original.entries, key=lambda entry: entry[1])
    batch.move(row, source=given[0], target=taken[0])
    return row


def _take_grant_back(batch: Batch, operation: Reverse, original: OriginalState) -> TransactionRow:
    """Take what is unspent and not held; the rest of the grant is the shortfall."""
    wallet = _wallet(batch, original.account_id)
    lot = batch.books.lots[original.lot_ids[0]]
    amount = max(0, min(lot.remaining, wallet.available))
    row = _row(operation, original, amount, shortfall=original.amount - amount)
    if amount:
        batch.burn_lot(lot, amount, row.id)
        lots.drop_empty(wallet)
        batch.move(row, source=wallet, target=_other_side(original, wallet.id))
        batch.touch(wallet, delta=-amount, kind=row.kind, reference=row.reference)
    return row


def _give_charge_back(batch: Batch, operation: Reverse, original: OriginalState) -> TransactionRow:
    wallet = _wallet(batch, original.account_id)
    row = _row(operation, original, original.amount)
    _restore_lots(batch, row, original, wallet)
    batch.move(row, source=_other_side(original, wallet.id), target=wallet)
    batch.touch(wallet, delta=row.amount, kind=row.kind, reference=row.reference)
    return row


def _return_transfer(batch: Batch, operation: Reverse, original: OriginalState) -> TransactionRow:
    """Take the mirrored lots from the receiver, all of them or none.

    Raises:
        TransferSpent: some of them is spent, expired or held.
    """
    sender = _wallet(batch, original.account_id)
    receiver = _wallet(batch, _other_side(original, sender.id))
    mirrored = [batch.books.lots[lot_id] for lot_id in original.lot_ids]
    is_whole = all(lot.remaining == lot.amount for lot in mirrored)
    if not is_whole or receiver.available < original.amount:
        raise TransferSpent("The receiver no longer has all of what was sent.")

    row = _row(operation, original, original.amount)
    for lot in mirrored:
        batch.burn_lot(lot, lot.amount, row.id)
    lots.drop_empty(receiver)
    _restore_lots(batch, row, original, sender)
    batch.move(row, source=receiver, target=sender)
    batch.touch(receiver, delta=-row.amount, kind=row.kind, reference=row.reference)
    batch.touch(sender, delta=row.amount, kind=row.kind, reference=row.reference)
    return row


def _wallet(batch: Batch, account_id: UUID | None) -> WalletState:
    assert account_id is not None  # only money receipts are about no wallet
    wallet = batch.books.wallets[account_id]
    batch.expire_due(wallet)
    return wallet


def _other_side(original: OriginalState, account_id: UUID) -> UUID:
    return next(other for other, _ in original.entries if other != account_id)


def _restore_lots(
    batch: Batch, row: TransactionRow, original: OriginalState, wallet: WalletState
) -> None:
    """Give the lots back that ``original`` burned, so that they equal the balance to come.

    A wallet that owes by now pays from them first, in burn order. What had
    been taken beyond its lots, and was repaid since, comes back as a new lot
    that never expires.
    """
    given = dict(original.burns)
    missing = max(0, wallet.balance + row.amount) - max(0, wallet.balance) - sum(given.values())
    owed = max(0, -missing)
    for lot in sorted((batch.books.lots[lot_id] for lot_id in given), key=lots.burn_rank):
        kept = min(owed, given[lot.id])
        owed -= kept
        _give_back(batch, wallet, lot, given[lot.id] - kept, row.id)
    if missing > 0:
        _open_repaid_lot(batch, wallet, missing, row.id)


def _give_back(
    batch: Batch, wallet: WalletState, lot: LotState, amount: int, transaction_id: UUID
) -> None:
    if amount == 0:
        return
    was_empty = lot.remaining == 0
    batch.burn_lot(lot, -amount, transaction_id)
    if was_empty:
        lots.open_lot(wallet, lot)


def _open_repaid_lot(batch: Batch, wallet: WalletState, amount: int, transaction_id: UUID) -> None:
    lot = LotState(
        id=uuid7(),
        account_id=wallet.id,
        transaction_id=transaction_id,
        source=GrantSource.ADJUSTMENT,
        is_promotional=GrantSource.ADJUSTMENT.is_promotional,
        amount=amount,
        remaining=amount,
        cost_minor=0,
        cost_currency="",
        expires_at=None,
        priority=0,
        created_at=batch.now,
    )
    batch.books.lots[lot.id] = lot
    batch.plan.new_lots.append(lot)
    lots.open_lot(wallet, lot)
