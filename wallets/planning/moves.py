"""How operations that move value at once are planned: grant, spend, transfer, money, limits."""

from uuid import UUID

from common.errors import Invalid
from common.ids import uuid7
from common.money import Currency
from wallets.enums import AccountKind, GrantSource, TransactionKind
from wallets.errors import InsufficientCredits, OverdraftInUse
from wallets.operations import Grant, LimitOverdraft, ReceiveMoney, Spend, Transfer
from wallets.planning import lots
from wallets.planning.batch import Batch
from wallets.planning.checks import check_amount, check_room
from wallets.planning.state import (
    Done,
    LotState,
    SystemAccount,
    TransactionRow,
    WalletState,
    row_for,
)

# Which system account carries the other side.
COUNTERPARTS = {
    TransactionKind.PURCHASE: SystemAccount(AccountKind.CREDITS_SOLD),
    TransactionKind.INITIAL_PACKAGE: SystemAccount(AccountKind.PROMOTIONS),
    TransactionKind.BONUS: SystemAccount(AccountKind.PROMOTIONS),
    TransactionKind.ADJUSTMENT: SystemAccount(AccountKind.ADJUSTMENTS),
    TransactionKind.USAGE: SystemAccount(AccountKind.USAGE),
}
SPENDING_KINDS = frozenset({TransactionKind.USAGE, TransactionKind.ADJUSTMENT})
PRIORITIES = range(-(2**15), 2**15)  # a 16-bit column


def grant(batch: Batch, operation: Grant) -> Done:
    _check_grant(operation)
    wallet = batch.wallet(operation.user_id)
    check_room(wallet, operation.amount)

    kind = TransactionKind(operation.source.value)
    row = row_for(operation, kind, account_id=wallet.id, amount=operation.amount)
    batch.add_lots(wallet, [_new_lot(batch, operation, wallet, row.id)])
    batch.move(row, source=COUNTERPARTS[row.kind], target=wallet)
    batch.touch(wallet, delta=row.amount, kind=row.kind, reference=row.reference)
    return batch.record(row)


def _check_grant(operation: Grant) -> None:
    check_amount(operation.amount)
    if operation.source == GrantSource.TRANSFER:
        raise Invalid("Only a transfer makes lots of this source.", field="source")
    if operation.priority not in PRIORITIES:
        raise Invalid("Must be a 16-bit integer.", field="priority")
    check_amount(operation.cost_minor, minimum=0, field="cost_minor")
    if operation.cost_currency not in {"", *Currency.values}:
        raise Invalid("Not a currency we know.", field="cost_currency")
    if operation.cost_minor and not operation.cost_currency:
        raise Invalid("A cost needs its currency.", field="cost_currency")


def _new_lot(batch: Batch, operation: Grant, wallet: WalletState, transaction_id: UUID) -> LotState:
    return LotState(
        id=uuid7(),
        account_id=wallet.id,
        transaction_id=transaction_id,
        source=operation.source,
        is_promotional=operation.source.is_promotional,
        amount=operation.amount,
        remaining=operation.amount,
        cost_minor=operation.cost_minor,
        cost_currency=operation.cost_currency,
        expires_at=operation.expires_at,
        priority=operation.priority,
        created_at=batch.now,
    )


def spend(batch: Batch, operation: Spend) -> Done:
    check_amount(operation.amount)
    if operation.kind not in SPENDING_KINDS:
        raise Invalid("Credits are spent on usage or taken by adjustment.", field="kind")
    wallet = batch.wallet(operation.user_id)
    if operation.amount > wallet.spendable and not operation.allow_partial:
        raise InsufficientCredits(
            "Not enough credits.", available=wallet.spendable, required=operation.amount
        )

    moved = min(operation.amount, wallet.spendable)
    row = row_for(
        operation,
        operation.kind,
        account_id=wallet.id,
        amount=moved,
        shortfall=operation.amount - moved,
    )
    if moved:
        charge(batch, row, wallet)
    return batch.record(row)


def charge(batch: Batch, row: TransactionRow, wallet: WalletState) -> None:
    """Take the row's amount out of a wallet: lots first, then the overdraft."""
    batch.burn(wallet, row.amount, row.id)
    batch.move(row, source=wallet, target=COUNTERPARTS[row.kind])
    batch.touch(wallet, delta=-row.amount, kind=row.kind, reference=row.reference)


def transfer(batch: Batch, operation: Transfer) -> Done:
    check_amount(operation.amount)
    if operation.sender_id == operation.receiver_id:
        raise Invalid("Credits cannot be sent to oneself.", field="receiver_id")
    sender = batch.wallet(operation.sender_id, field_name="sender_id")
    receiver = batch.wallet(operation.receiver_id, field_name="receiver_id")
    paid = sum(lot.remaining for lot in sender.lots if not lot.is_promotional)
    transferable = max(0, min(sender.available, paid))
    if operation.amount > transferable:
        raise InsufficientCredits(
            "Not enough credits that can be sent; credits that were given cannot.",
            available=transferable,
            required=operation.amount,
        )
    check_room(receiver, operation.amount)

    kind = TransactionKind.TRANSFER
    row = row_for(operation, kind, account_id=sender.id, amount=operation.amount)
    batch.add_lots(receiver, _leave(batch, row, sender, receiver))
    batch.move(row, source=sender, target=receiver)
    batch.touch(sender, delta=-row.amount, kind=row.kind, reference=row.reference)
    batch.touch(receiver, delta=row.amount, kind=row.kind, reference=row.reference)
    return batch.record(row)


def _leave(
    batch: Batch, row: TransactionRow, sender: WalletState, receiver: WalletState
) -> list[LotState]:
    """Burn the sender's paid lots; the lots that mirror what left, for the receiver."""
    mirrored = []
    for lot, portion in lots.portions(sender, row.amount, paid_only=True):
        mirrored.append(_mirror(batch, lot, portion, receiver.id, row.id))
        batch.burn_lot(lot, portion, row.id)
    lots.drop_empty(sender)
    return mirrored


def _mirror(
    batch: Batch, lot: LotState, portion: int, receiver_account_id: UUID, transaction_id: UUID
) -> LotState:
    return LotState(
        id=uuid7(),
        account_id=receiver_account_id,
        transaction_id=transaction_id,
        source=GrantSource.TRANSFER,
        is_promotional=GrantSource.TRANSFER.is_promotional,
        amount=portion,
        remaining=portion,
        cost_minor=lots.cost_of_portion(lot, portion),
        cost_currency=lot.cost_currency,
        expires_at=lot.expires_at,
        priority=lot.priority,
        created_at=batch.now,
    )


def receive_money(batch: Batch, operation: ReceiveMoney) -> Done:
    check_amount(operation.amount_minor, field="amount_minor")
    if operation.currency not in Currency.values:
        raise Invalid("Not a currency we know.", field="currency")

    row = row_for(operation, TransactionKind.RECEIPT, amount=operation.amount_minor)
    batch.move(
        row,
        source=SystemAccount(AccountKind.GATEWAY_CLEARING, operation.currency),
        target=SystemAccount(AccountKind.REVENUE, operation.currency),
    )
    return batch.record(row)


def limit_overdraft(batch: Batch, operation: LimitOverdraft) -> Done:
    check_amount(operation.limit, minimum=0, field="limit")
    wallet = batch.wallet(operation.user_id)
    if wallet.available + operation.limit < 0:
        raise OverdraftInUse(
            "The wallet already owes or holds more than that.",
            field="limit",
            available=wallet.available,
        )

    wallet.overdraft_limit = operation.limit
    batch.plan.wallets[wallet.id] = wallet
    return batch.record(row_for(operation, TransactionKind.OVERDRAFT, account_id=wallet.id))
