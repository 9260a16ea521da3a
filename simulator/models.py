from django.db import models
from django.db.models import F, Q

from common import clock
from common.fields import EncryptedJSONField
from common.ids import uuid7
from common.models import TimestampedModel
from simulator import ids
from simulator.enums import DeliveryState, EventType, PaymentStatus
from simulator.state import OPEN
from simulator.web_addresses import MAX_LENGTH, validate_web_address

MAX_AMOUNT = 99_999_999  # minor units


class Merchant(TimestampedModel):
    """Someone who takes money through the simulator. The key itself is kept nowhere."""

    name = models.CharField(max_length=100)
    secret_key_hash = models.CharField(max_length=64, help_text="SHA-256, hexadecimal.")
    secret_key_prefix = models.CharField(max_length=16)
    webhook_url = models.CharField(max_length=MAX_LENGTH, validators=[validate_web_address])
    webhook_secret = EncryptedJSONField()
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="simulated_merchant_name_taken_once"),
            models.UniqueConstraint(
                fields=["secret_key_hash"], name="simulated_merchant_key_of_one_merchant"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Payment(models.Model):
    """One attempt to collect an amount. Only brand and last four of a card are ever kept."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.payment_id, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="payments")
    amount = models.BigIntegerField(help_text="Minor units.")
    amount_refunded = models.BigIntegerField(default=0, help_text="Minor units.")
    currency = models.CharField(max_length=3)
    status = models.CharField(
        max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.PENDING
    )
    version = models.PositiveIntegerField(default=1, help_text="Grows with every move.")
    reference = models.CharField(max_length=100, help_text="The merchant's own id.")
    description = models.CharField(max_length=500, blank=True)
    customer_email = models.EmailField(blank=True)
    metadata = models.JSONField(default=dict)
    return_url = models.CharField(max_length=MAX_LENGTH)
    cancel_url = models.CharField(max_length=MAX_LENGTH)
    checkout_token = models.CharField(max_length=64)
    card_brand = models.CharField(max_length=20, blank=True)
    card_last4 = models.CharField(max_length=4, blank=True)
    failure_code = models.CharField(max_length=50, blank=True)
    failure_message = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "reference"],
                name="simulated_payment_reference_once_per_merchant",
            ),
            models.CheckConstraint(
                condition=Q(amount__gte=1, amount__lte=MAX_AMOUNT),
                name="simulated_payment_amount_in_range",
            ),
            models.CheckConstraint(
                condition=Q(amount_refunded__gte=0, amount_refunded__lte=F("amount")),
                name="simulated_payment_refunded_within_amount",
            ),
            models.CheckConstraint(
                condition=Q(status=PaymentStatus.REFUNDED, amount_refunded=F("amount"))
                | Q(
                    status=PaymentStatus.PARTIALLY_REFUNDED,
                    amount_refunded__gt=0,
                    amount_refunded__lt=F("amount"),
                )
                | (
                    ~Q(status__in=[PaymentStatus.REFUNDED, PaymentStatus.PARTIALLY_REFUNDED])
                    & Q(amount_refunded=0)
                ),
                name="simulated_payment_status_tells_what_is_refunded",
            ),
            models.CheckConstraint(
                condition=Q(card_brand="", card_last4="")
                | (~Q(card_brand="") & Q(card_last4__regex=r"^[0-9]{4}$")),
                name="simulated_payment_card_has_brand_and_last4",
            ),
            models.CheckConstraint(
                condition=(Q(status=PaymentStatus.FAILED) & ~Q(failure_code=""))
                | (~Q(status=PaymentStatus.FAILED) & Q(failure_code="")),
                name="simulated_payment_has_reason_exactly_when_failed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(status__in=OPEN),
                name="simulated_payment_open_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Refund(models.Model):
    """Money given back. Rows are appended, never changed."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.refund_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField(help_text="Minor units of the payment's currency.")
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=1), name="simulated_refund_gives_something"
            ),
        ]

    def __str__(self) -> str:
        return self.id


class StoredReply(models.Model):
    """The first answer to a keyed call, given again to every repeat of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="+")
    route = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=64, help_text="SHA-256, hexadecimal.")
    body = models.TextField(help_text="JSON, kept as text so that a repeat gets the same bytes.")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "stored replies"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "route", "key"], name="simulated_reply_once_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"


class WebhookEvent(models.Model):
    """A fact for the merchant, written in the transaction that made it true."""

    id = models.CharField(primary_key=True, max_length=40, default=ids.event_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    type = models.CharField(max_length=40, choices=EventType.choices)
    body = models.TextField(help_text="The JSON that is sent, byte for byte.")
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class WebhookDelivery(TimestampedModel):
    """How far an event has got on its way to the merchant's address."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.PROTECT, related_name="delivery")
    state = models.CharField(
        max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, help_text="Set while a worker sends it.")
    last_status_code = models.PositiveSmallIntegerField(null=True)
    response_excerpt = models.CharField(
        max_length=500, blank=True, help_text="What came back, or why nothing did."
    )

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(state=DeliveryState.PENDING) | Q(leased_until__isnull=True),
                name="simulated_delivery_leased_only_while_pending",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state=DeliveryState.PENDING),
                name="simulated_delivery_due_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} ({self.state})"
