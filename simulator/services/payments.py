import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from common import clock
from common.errors import Conflict
from simulator.cards import THREE_D_SECURE_FAILED, Card
from simulator.enums import CardOutcome, ChallengeOutcome, PaymentStatus
from simulator.models import Merchant, Payment
from simulator.services.moves import lock_payment, move_payment
from simulator.state import OPEN

TOKEN_BYTES = 32


class ReferenceTaken(Conflict):
    code = "reference_taken"


@transaction.atomic
def create_payment(  # noqa: PLR0913 -- the fields of the resource
    *,
    merchant: Merchant,
    amount: int,
    currency: str,
    reference: str,
    return_url: str,
    cancel_url: str,
    description: str = "",
    customer_email: str = "",
    metadata: dict[str, str] | None = None,
) -> Payment:
    """Open a payment that waits for its customer on the hosted page.

    Args:
        amount: minor units, 1 to 99,999,999.
        reference: the merchant's own id, used once.

    Raises:
        ReferenceTaken: the merchant used ``reference`` before.
    """
    now = clock.now()
    payment = Payment(
        merchant=merchant,
        amount=amount,
        currency=currency,
        reference=reference,
        description=description,
        customer_email=customer_email,
        metadata=metadata or {},
        return_url=return_url,
        cancel_url=cancel_url,
        checkout_token=secrets.token_urlsafe(TOKEN_BYTES),
        created_at=now,
        expires_at=now + timedelta(seconds=settings.SIMULATOR_PAYMENT_TTL_SECONDS),
    )
    _insert(payment)
    return payment


def _insert(payment: Payment) -> None:
    try:
        with transaction.atomic():
            payment.save(force_insert=True)
    except IntegrityError as error:
        raise ReferenceTaken(
            "Another payment of yours has this reference.", field="reference"
        ) from error


@transaction.atomic
def submit_card(*, payment_id: str, card: Card) -> Payment:
    """Pay with ``card``. A payment that no longer waits for a card stays as it is.

    Returns:
        The payment as it stands now: whoever submits twice sees the first result.

    Raises:
        NotFound: there is no such payment.
    """
    payment = _lock_unexpired(payment_id)
    if payment.status != PaymentStatus.PENDING:
        return payment
    to = {
        CardOutcome.APPROVE: PaymentStatus.SUCCEEDED,
        CardOutcome.DECLINE: PaymentStatus.FAILED,
        CardOutcome.CHALLENGE: PaymentStatus.REQUIRES_ACTION,
    }[card.outcome]
    move_payment(
        payment=payment,
        to=to,
        card_brand=card.brand,
        card_last4=card.last4,
        failure_code=card.code,
        failure_message=card.message,
    )
    return payment


@transaction.atomic
def answer_challenge(*, payment_id: str, outcome: ChallengeOutcome) -> Payment:
    """End the 3-D Secure challenge, once. A payment that has none open stays as it is.

    Returns:
        The payment as it stands now.

    Raises:
        NotFound: there is no such payment.
    """
    payment = _lock_unexpired(payment_id)
    if payment.status != PaymentStatus.REQUIRES_ACTION:
        return payment
    if outcome == ChallengeOutcome.COMPLETE:
        move_payment(payment=payment, to=PaymentStatus.SUCCEEDED)
    else:
        code, message = THREE_D_SECURE_FAILED
        move_payment(
            payment=payment, to=PaymentStatus.FAILED, failure_code=code, failure_message=message
        )
    return payment


@transaction.atomic
def cancel_payment(*, payment_id: str) -> Payment:
    """Let the customer walk away. A payment that is no longer open stays as it is.

    Returns:
        The payment as it stands now.

    Raises:
        NotFound: there is no such payment.
    """
    payment = _lock_unexpired(payment_id)
    if payment.status in OPEN:
        move_payment(payment=payment, to=PaymentStatus.CANCELED)
    return payment


@transaction.atomic
def expire_payments(*, limit: int) -> int:
    """Close open payments whose time is up, oldest first.

    Returns:
        How many expired.
    """
    due = (
        Payment.objects.select_for_update(skip_locked=True)
        .filter(status__in=OPEN, expires_at__lte=clock.now())
        .order_by("expires_at", "id")[:limit]
    )
    expired = list(due)
    for payment in expired:
        move_payment(payment=payment, to=PaymentStatus.EXPIRED)
    return len(expired)


def _lock_unexpired(payment_id: str) -> Payment:
    # The sweep may be seconds late; nobody pays after the time that we announced.
    payment = lock_payment(payment_id=payment_id)
    if payment.status in OPEN and payment.expires_at <= clock.now():
        move_payment(payment=payment, to=PaymentStatus.EXPIRED)
    return payment
