"""What payments tells the rest of the system. Handlers live with whoever cares."""

from dataclasses import dataclass

from common.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class PaymentSucceeded(DomainEvent):
    """The gateway has the money, and everything about it matches."""

    type = "payments.payment_succeeded"

    payment_id: str
    user_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(DomainEvent):
    type = "payments.payment_failed"

    payment_id: str
    user_id: str
    code: str


@dataclass(frozen=True, kw_only=True)
class PaymentQuarantined(DomainEvent):
    """The gateway's account of a payment contradicts ours; staff must look."""

    type = "payments.payment_quarantined"

    payment_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class WebhookReceived(DomainEvent):
    """A verified webhook stands in the inbox."""

    type = "payments.webhook_received"

    webhook_event_id: str
