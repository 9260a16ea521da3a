"""How holds are planned: place, capture, release, expire."""

from common.errors import Invalid
from common.ids import uuid7
from wallets.enums import HoldChange, HoldStatus, TransactionKind
from wallets.errors import HoldClosed, InsufficientCredits
from wallets.operations import CaptureHold, ExpireHold, PlaceHold, ReleaseHold
from wallets.planning.batch import Batch
from wallets.planning.checks import check_amount
from wallets.planning.moves import charge
from wallets.planning.state import Done, HoldState, row_for


def place(batch: Batch, operation: PlaceHold) -> Done:
    check_amount(operation.amount)
    if operation.expires_at <= batch.now:
        raise Invalid("A hold ends in the future.", field="expires_at")
    wallet = batch.wallet(operation.user_id)
    if operation.amount > wallet.spendable:
        raise InsufficientCredits(
            "Not enough credits.", available=wallet.spendable, required=operation.amount
        )

    hold = HoldState(
        id=uuid7(),
        account_id=wallet.id,
        reference=operation.reference,
        fingerprint=operation.fingerprint(),
        amount=operation.amount,
        status=HoldStatus.OPEN,
        expires_at=operation.expires_at,
    )
    wallet.held += hold.amount
    batch.books.holds[hold.reference] = hold
    batch.plan.new_holds.append(hold)
    batch.touch(wallet, kind=HoldChange.PLACED, reference=hold.reference)
    return Done(hold_id=hold.id, account_id=wallet.id, amount=hold.amount)


def capture(batch: Batch, operation: CaptureHold) -> Done:
    check_amount(operation.amount, minimum=0)
    hold, wallet = batch.hold(operation.hold_reference)
    if hold.is_charged:
        raise HoldClosed("The hold was captured before.", status=hold.status)

    # A hold that somebody released, or the sweep expired, reserves nothing any more.
    is_open = hold.status == HoldStatus.OPEN
    reserved = hold.amount if is_open else 0
    moved = min(operation.amount, wallet.spendable + reserved)
    row = row_for(
        operation,
        TransactionKind.USAGE,
        account_id=wallet.id,
        amount=moved,
        shortfall=operation.amount - moved,
        hold_id=hold.id,
    )
    hold.is_charged = True
    if is_open:
        hold.captured = min(moved, reserved)
        batch.close_hold(hold, wallet, HoldStatus.CAPTURED)
    if is_open or moved:
        charge(batch, row, wallet)
    return batch.record(row)


def release(batch: Batch, operation: ReleaseHold) -> Done:
    hold, wallet = batch.hold(operation.hold_reference)
    if hold.status != HoldStatus.OPEN:
        raise HoldClosed("The hold is closed already.", status=hold.status)

    row = row_for(operation, TransactionKind.RELEASE, account_id=wallet.id, hold_id=hold.id)
    batch.close_hold(hold, wallet, HoldStatus.RELEASED)
    batch.touch(wallet, kind=row.kind, reference=row.reference)
    return batch.record(row)


def expire(batch: Batch, operation: ExpireHold) -> Done:
    """Close a hold past its time; one that somebody closed in the meantime is left alone."""
    hold, wallet = batch.hold(operation.hold_reference)
    if hold.status != HoldStatus.OPEN or hold.expires_at > batch.now:
        return Done(hold_id=hold.id, account_id=wallet.id)

    batch.close_hold(hold, wallet, HoldStatus.EXPIRED)
    batch.touch(wallet, kind=HoldChange.EXPIRED, reference=hold.reference)
    return Done(hold_id=hold.id, account_id=wallet.id, amount=hold.amount)
