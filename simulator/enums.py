from django.db.models import TextChoices


class PaymentStatus(TextChoices):
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class EventType(TextChoices):
    """What a merchant is told about."""

    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_EXPIRED = "payment.expired"
    REFUND_SUCCEEDED = "refund.succeeded"


class DeliveryState(TextChoices):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class CardOutcome(TextChoices):
    """What the simulated issuer does with a card."""

    APPROVE = "approve"
    DECLINE = "decline"
    CHALLENGE = "challenge"


class ChallengeOutcome(TextChoices):
    """What the cardholder does on the 3-D Secure page."""

    COMPLETE = "complete"
    FAIL = "fail"
