from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from django.db.models import Q

from common import clock
from common.fields import EncryptedJSONField
from common.ids import uuid7
from common.models import SoftDeleteModel, TimestampedModel
from common.money import Currency
from payments.enums import EventSource, GatewayName, PaymentStatus, WebhookVerdict

OPEN = (PaymentStatus.INITIATED, PaymentStatus.PENDING, PaymentStatus.REQUIRES_ACTION)


def exactly_when(condition: Q, fact: Q) -> Q:
    """``fact`` holds for the rows of ``condition`` and for no others."""
    return (condition & fact) | (~condition & ~fact)


class PaymentMethod(SoftDeleteModel):
    """A merchant account at a gateway, as customers choose it."""

    name = models.CharField(max_length=100, validators=[validators.MinLengthValidator(2)])
    value = models.CharField("gateway", max_length=20, choices=GatewayName.choices)
    description = models.CharField(max_length=500, blank=True)
    currencies = ArrayField(models.CharField(max_length=3, choices=Currency.choices))
    credentials = EncryptedJSONField(editable=False)
    is_test = models.BooleanField(default=False, help_text="No real money moves.")
    is_active = models.BooleanField(default=True)
    sequence = models.PositiveIntegerField(default=0)

    class Meta(SoftDeleteModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["value", "is_test"],
                condition=Q(deleted_at__isnull=True),
                name="one_living_method_per_gateway_and_mode",
            ),
            models.CheckConstraint(
                condition=Q(currencies__contained_by=Currency.values) & ~Q(currencies=[]),
                name="payment_method_has_known_currencies",
            ),
            models.CheckConstraint(
                condition=Q(value__in=GatewayName.values), name="payment_method_has_known_gateway"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PaymentTransaction(TimestampedModel):
    """One purchase and its money. What was offered is frozen here; ``payments.state`` moves it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="+")
    is_test = models.BooleanField(help_text="No real money moves.")
    idempotency_key = models.CharField(max_length=255, help_text="Of the call that started it.")

    package_history = models.ForeignKey(
        "catalog.PackageHistory", on_delete=models.PROTECT, related_name="+"
    )
    plan = models.ForeignKey("catalog.Plan", on_delete=models.PROTECT, related_name="+")
    package_plan_id = models.UUIDField(help_text="The line of the package version that was sold.")
    package_name = models.CharField(max_length=100)
    plan_name = models.CharField(max_length=100)
    duration_days = models.PositiveIntegerField()
    credits = models.BigIntegerField(help_text="Whole credits.")
    credits_valid_days = models.PositiveIntegerField(null=True, help_text="Empty: no expiry.")
    amount_minor = models.BigIntegerField(help_text="Minor units.")
    currency = models.CharField(max_length=3, choices=Currency.choices)

    status = models.CharField(
        max_length=20, choices=PaymentStatus.choices, default=PaymentStatus.INITIATED
    )
    version = models.PositiveIntegerField(default=1, help_text="Of its newest event.")
    gateway_reference = models.CharField(  # noqa: DJ001 -- null is unknown; "" would match itself
        max_length=100, null=True, help_text="The gateway's id, once it is known."
    )
    gateway_status = models.CharField(max_length=50, blank=True, help_text="The gateway's word.")
    failure_code = models.CharField(max_length=50, blank=True)
    failure_message = models.CharField(max_length=200, blank=True)
    return_url = models.CharField(max_length=500)
    cancel_url = models.CharField(max_length=500)
    checkout_url = models.CharField(max_length=1000, blank=True, help_text="Where to pay.")
    expires_at = models.DateTimeField(null=True, help_text="When the gateway closes the checkout.")
    paid_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    fulfilled_at = models.DateTimeField(null=True, help_text="When the purchase was delivered.")
    quarantined_at = models.DateTimeField(null=True)
    quarantine_reason = models.CharField(max_length=50, blank=True)
    checked_at = models.DateTimeField(null=True, help_text="When the gateway was last asked.")
    next_check_at = models.DateTimeField(null=True)
    checks_count = models.PositiveSmallIntegerField(
        default=0, help_text="How many of the scheduled checks are behind it."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "idempotency_key"], name="payment_once_per_user_and_key"
            ),
            models.UniqueConstraint(
                fields=["payment_method", "gateway_reference"],
                name="payment_once_per_method_and_gateway_reference",
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_is_of_money"),
            models.CheckConstraint(
                condition=Q(credits__gte=0), name="payment_buys_no_negative_credits"
            ),
            models.CheckConstraint(
                condition=Q(status__in=PaymentStatus.values), name="payment_status_is_one_we_know"
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(status=PaymentStatus.SUCCEEDED), Q(paid_at__isnull=False)),
                name="payment_succeeded_exactly_when_paid",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(status=PaymentStatus.FAILED), Q(failed_at__isnull=False)),
                name="payment_failed_exactly_when_dated",
            ),
            models.CheckConstraint(
                condition=Q(paid_at__isnull=True) | Q(gateway_reference__isnull=False),
                name="payment_succeeded_only_at_a_gateway",
            ),
            models.CheckConstraint(
                condition=Q(fulfilled_at__isnull=True) | Q(paid_at__isnull=False),
                name="payment_fulfilled_only_when_paid",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(quarantined_at__isnull=False), ~Q(quarantine_reason="")),
                name="payment_quarantined_exactly_for_a_reason",
            ),
            models.CheckConstraint(
                condition=exactly_when(
                    Q(status__in=OPEN, quarantined_at__isnull=True),
                    Q(next_check_at__isnull=False),
                ),
                name="payment_open_exactly_when_a_check_is_due",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="payment_of_user_idx"),
            models.Index(
                fields=["next_check_at"],
                condition=Q(next_check_at__isnull=False),
                name="payment_check_due_idx",
            ),
            models.Index(
                fields=["quarantined_at"],
                condition=Q(quarantined_at__isnull=False),
                name="payment_quarantined_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package_name}, {self.plan_name} ({self.status})"

    @property
    def is_open(self) -> bool:
        """Whether the gateway may still take the money in the ordinary way."""
        return self.status in OPEN

    @property
    def is_quarantined(self) -> bool:
        return self.quarantined_at is not None


class PaymentEvent(models.Model):
    """One thing that happened to a payment. Appended, never changed: a trigger refuses it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(PaymentTransaction, on_delete=models.PROTECT, related_name="events")
    version = models.PositiveIntegerField()
    from_status = models.CharField(
        max_length=20, choices=PaymentStatus.choices, blank=True, help_text="Empty: its creation."
    )
    to_status = models.CharField(max_length=20, choices=PaymentStatus.choices)
    source = models.CharField(max_length=20, choices=EventSource.choices)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the system.",
    )
    reason = models.CharField(max_length=50)
    evidence = models.JSONField(default=dict, help_text="What the gateway said.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "version"], name="event_once_per_payment_version"
            ),
            models.CheckConstraint(
                condition=~Q(to_status=PaymentStatus.SUCCEEDED) | ~Q(evidence={}),
                name="event_of_success_has_evidence",
            ),
            models.CheckConstraint(
                condition=Q(source__in=EventSource.values), name="event_source_is_one_we_know"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.from_status or 'nothing'} to {self.to_status}"


class WebhookEvent(models.Model):
    """The inbox: a webhook whose signature held, stored before it was acknowledged."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment_method = models.ForeignKey(PaymentMethod, on_delete=models.PROTECT, related_name="+")
    gateway_event_id = models.CharField(max_length=100)
    event_type = models.CharField(max_length=100)
    gateway_reference = models.CharField(max_length=100, help_text="The payment that it names.")
    headers = models.JSONField(help_text="Those that the signature covers, and the signature.")
    body = models.TextField(help_text="As it came.")
    received_at = models.DateTimeField(default=clock.now)
    processed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=20, choices=WebhookVerdict.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["payment_method", "gateway_event_id"],
                name="webhook_once_per_method_and_event",
            ),
            models.CheckConstraint(
                condition=exactly_when(Q(processed_at__isnull=False), ~Q(verdict="")),
                name="webhook_processed_exactly_with_a_verdict",
            ),
        ]
        indexes = [
            models.Index(
                fields=["received_at"],
                condition=Q(processed_at__isnull=True),
                name="webhook_unprocessed_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.gateway_event_id}"
