from django.db import transaction

from common.errors import Conflict, NotFound
from simulator.enums import PaymentStatus
from simulator.models import Merchant, Refund
from simulator.services.moves import lock_payment, move_payment
from simulator.state import REFUNDABLE


class PaymentNotRefundable(Conflict):
    code = "payment_not_refundable"


class RefundExceedsPayment(Conflict):
    code = "refund_exceeds_payment"


@transaction.atomic
def refund_payment(
    *, merchant: Merchant, payment_id: str, amount: int | None = None, reason: str = ""
) -> Refund:
    """Give ``amount`` back, or all that is left. May be repeated until nothing is.

    Args:
        amount: minor units, 1 or more.

    Raises:
        NotFound: the merchant has no such payment.
        PaymentNotRefundable: it was never paid, or everything has gone back.
        RefundExceedsPayment: less than ``amount`` is left.
    """
    # The lock makes every refund of one payment wait its turn, so the sum cannot race.
    payment = lock_payment(payment_id=payment_id)
    if payment.merchant_id != merchant.id:
        raise NotFound("There is no such payment.")
    if payment.status not in REFUNDABLE:
        raise PaymentNotRefundable(f"A payment that is {payment.status} cannot be refunded.")

    remaining = payment.amount - payment.amount_refunded
    wanted = remaining if amount is None else amount
    if wanted > remaining:
        raise RefundExceedsPayment(
            "Less than that is left to refund.", field="amount", remaining=remaining
        )

    refund = Refund.objects.create(payment=payment, amount=wanted, reason=reason)
    move_payment(
        payment=payment,
        to=(PaymentStatus.REFUNDED if wanted == remaining else PaymentStatus.PARTIALLY_REFUNDED),
        refund=refund,
        amount_refunded=payment.amount_refunded + wanted,
    )
    return refund
