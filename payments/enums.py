from django.db import models


class GatewayName(models.TextChoices):
    """The payment service providers that we speak to; ``PaymentMethod.value``."""

    SIMULATOR = "simulator", "Simulator"


class PaymentStatus(models.TextChoices):
    """Where a payment stands. ``payments.state`` lists the allowed moves."""

    INITIATED = "initiated"
    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


class EventSource(models.TextChoices):
    """Who made us look at a payment."""

    CHECKOUT = "checkout"
    WEBHOOK = "webhook"
    RETURN = "return", "Browser return"
    STATUS_QUERY = "status_query"
    RECONCILIATION = "reconciliation"
    ADMIN = "admin", "Staff"


class SettlementResult(models.TextChoices):
    """What one piece of evidence did to a payment."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    QUARANTINED = "quarantined"


class WebhookVerdict(models.TextChoices):
    """What processing a stored webhook came to."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    QUARANTINED = "quarantined"
    UNKNOWN_PAYMENT = "unknown_payment"
