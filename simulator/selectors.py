import hashlib
import secrets

from django.db.models import QuerySet

from common.errors import NotFound
from simulator.models import Merchant, Payment, Refund


def key_hash(secret_key: str) -> str:
    """Keys are long and random, so one round of SHA-256 is enough and lets us look them up."""
    return hashlib.sha256(secret_key.encode()).hexdigest()


def merchant_with_key(*, secret_key: str) -> Merchant | None:
    """Whose key it is, suspended merchants included."""
    return Merchant.objects.filter(secret_key_hash=key_hash(secret_key)).first()


def get_payment(*, merchant: Merchant, payment_id: str) -> Payment:
    """Find a merchant's payment.

    Raises:
        NotFound: the merchant has no such payment.
    """
    payment = Payment.objects.filter(merchant=merchant, pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


def payments_with_reference(*, merchant: Merchant, reference: str) -> QuerySet[Payment]:
    return Payment.objects.filter(merchant=merchant, reference=reference)


def get_refund(*, merchant: Merchant, refund_id: str) -> Refund:
    """Find a merchant's refund.

    Raises:
        NotFound: the merchant has no such refund.
    """
    refund = (
        Refund.objects.select_related("payment")
        .filter(payment__merchant=merchant, pk=refund_id)
        .first()
    )
    if refund is None:
        raise NotFound("There is no such refund.")
    return refund


def get_checkout(*, payment_id: str, token: str) -> Payment:
    """Find the payment behind a hosted page.

    Raises:
        NotFound: no such payment, not its token, or its merchant is suspended.
    """
    payment = (
        Payment.objects.select_related("merchant")
        .filter(pk=payment_id, merchant__is_active=True)
        .first()
    )
    if payment is None or not secrets.compare_digest(
        payment.checkout_token.encode(), token.encode()
    ):
        raise NotFound("There is no such payment.")
    return payment
