"""What merchants see of our rows: in answers, and in the webhooks that follow."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from simulator.cards import Card
from simulator.models import Payment, Refund
from simulator.web_addresses import with_query


def payment_object(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "object": "payment",
        "mode": "test",
        "amount": payment.amount,
        "currency": payment.currency,
        "status": payment.status,
        "reference": payment.reference,
        "description": payment.description,
        "amount_refunded": payment.amount_refunded,
        "card": _pair("brand", payment.card_brand, "last4", payment.card_last4),
        "failure": _pair("code", payment.failure_code, "message", payment.failure_message),
        "checkout_url": checkout_url(payment),
        "return_url": payment.return_url,
        "cancel_url": payment.cancel_url,
        "metadata": payment.metadata,
        "created_at": timestamp(payment.created_at),
        "expires_at": timestamp(payment.expires_at),
    }


def refund_object(refund: Refund) -> dict[str, Any]:
    return {
        "id": refund.id,
        "object": "refund",
        "payment": refund.payment_id,
        "amount": refund.amount,
        "currency": refund.payment.currency,
        "status": "succeeded",
        "reason": refund.reason,
        "created_at": timestamp(refund.created_at),
    }


def card_object(card: Card) -> dict[str, Any]:
    return {
        "number": card.number,
        "brand": card.brand,
        "meaning": card.meaning,
        "outcome": card.outcome,
        "failure": _pair("code", card.code, "message", card.message),
    }


def checkout_url(payment: Payment) -> str:
    """Address the hosted page; the merchant sends its customer there."""
    path = reverse("checkout", args=[payment.id], urlconf="simulator.urls")
    return with_query(settings.SIMULATOR_BASE_URL + path, token=payment.checkout_token)


def _pair(first: str, one: str, second: str, two: str) -> dict[str, str] | None:
    return {first: one, second: two} if one else None


def timestamp(at: datetime) -> str:
    """Write a moment in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
