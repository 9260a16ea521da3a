"""What every gateway does for us, and how it may fail."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from common.errors import DomainError, Invalid, Unavailable
from payments.enums import PaymentStatus

_CARD_NUMBER = re.compile(r"\d(?:[ -]?\d){11,18}")


class GatewayUnavailable(Unavailable):
    """No usable answer, so nothing is known. Asking again, with the same key, is safe."""

    code = "gateway_unavailable"


class GatewayProtocolError(GatewayUnavailable):
    """There was an answer, and it makes no sense. It proves nothing, a failure least of all."""


class GatewayRefused(DomainError):
    """The gateway understood, and will not do it."""

    code = "gateway_error"


class InvalidSignature(Invalid):
    """A webhook that the gateway did not sign, or signed too long ago."""

    code = "invalid_signature"


@dataclass(frozen=True, kw_only=True)
class CheckoutRequest:
    """What a gateway needs to open its checkout. ``payment_id`` is its idempotency key as well."""

    payment_id: UUID
    amount_minor: int
    currency: str
    description: str
    customer_email: str
    return_url: str
    cancel_url: str


@dataclass(frozen=True, kw_only=True)
class GatewayPayment:
    """A payment as the gateway tells it when we ask: the only thing that settles one.

    Args:
        reference: our payment id, as the gateway was given it.
        gateway_status: the gateway's own word for ``status``.
        amount_refunded_minor: what it has given back since, in minor units.
    """

    gateway_reference: str
    reference: str
    amount_minor: int
    currency: str
    is_test: bool
    status: PaymentStatus
    gateway_status: str
    amount_refunded_minor: int = 0
    failure_code: str = ""
    failure_message: str = ""
    checkout_url: str = ""
    expires_at: datetime | None = None

    def evidence(self) -> dict[str, Any]:
        """Say what goes on record: no card, and no address that lets its reader pay or look."""
        return {
            "gateway_reference": self.gateway_reference,
            "reference": self.reference,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "is_test": self.is_test,
            "gateway_status": self.gateway_status,
            "amount_refunded_minor": self.amount_refunded_minor,
            "failure_code": self.failure_code,
        }


@dataclass(frozen=True, kw_only=True)
class WebhookMessage:
    """A webhook whose signature holds. It says where to look, never what is true."""

    event_id: str
    event_type: str
    gateway_reference: str
    headers: dict[str, str]


class Gateway(Protocol):
    """One merchant account at one gateway. Calls end in time, and repeats charge nothing."""

    def create_checkout(self, request: CheckoutRequest) -> GatewayPayment:
        """Open the hosted checkout, or return the one that ``payment_id`` opened before.

        Raises:
            GatewayRefused: the gateway will not take this payment.
            GatewayUnavailable: whether it did is unknown.
        """
        ...

    def fetch_payment(
        self, *, gateway_reference: str | None, payment_id: UUID
    ) -> GatewayPayment | None:
        """Ask for a payment by the gateway's id or, before we know that, by ours.

        Returns:
            None when the gateway has no such payment.

        Raises:
            GatewayRefused: the gateway does not answer us, for instance to this key.
            GatewayUnavailable: nothing is known.
        """
        ...

    def parse_webhook(
        self, *, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> WebhookMessage:
        """Verify and read a webhook.

        Args:
            headers: by name in lower case.

        Raises:
            InvalidSignature: it is not the gateway's, too old, or not readable.
        """
        ...


def without_card_numbers(text: str, *, limit: int) -> str:
    """Foreign text, cut to ``limit`` characters, with anything like a card number blotted out.

    >>> without_card_numbers("Card 4242 4242 4242 4242 was declined.", limit=30)
    'Card [number] was declined.'
    """
    storable = text.replace("\x00", "").encode(errors="replace").decode()
    return _CARD_NUMBER.sub("[number]", storable)[:limit]
