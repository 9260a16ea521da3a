from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from django.db.models import F, Q

from billing.enums import SessionFlag, SessionState
from common import clock
from common.ids import uuid7
from common.models import TimestampedModel

SMALLEST_CREDIT_PRICE = Decimal("1e-12")  # the last decimal of the column

a_model_slug = validators.RegexValidator(
    r"^[a-z0-9]+([-._][a-z0-9]+)*\Z", "Use lowercase letters and digits, with - . _ between them."
)
long_enough = validators.MinLengthValidator(2)
not_negative = validators.MinValueValidator(0)
above_zero = validators.MinValueValidator(SMALLEST_CREDIT_PRICE)
at_most_100 = validators.MaxValueValidator(100)


class PriceRow(TimestampedModel):
    """Something the rate card is made of. Written by ``billing.services.prices`` alone."""

    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True


class AiModel(PriceRow):
    """A model that partners run, and what its tokens cost us. 0 is free, and must be said."""

    name = models.CharField(max_length=100, validators=[long_enough])
    value = models.CharField(max_length=100, validators=[long_enough, a_model_slug])
    provider = models.CharField(max_length=100, validators=[long_enough])
    input_token_price = models.DecimalField(
        max_digits=24, decimal_places=15, validators=[not_negative], help_text="USD per token."
    )
    output_token_price = models.DecimalField(
        max_digits=24, decimal_places=15, validators=[not_negative], help_text="USD per token."
    )
    is_initial = models.BooleanField(default=False, help_text="Prices usages that name no model.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="ai_model_once_per_name"),
            models.UniqueConstraint(fields=["value"], name="ai_model_once_per_value"),
            models.UniqueConstraint(
                fields=["is_initial"], condition=Q(is_initial=True), name="one_initial_ai_model"
            ),
            models.CheckConstraint(
                condition=Q(is_initial=False) | Q(is_active=True), name="initial_ai_model_is_active"
            ),
            models.CheckConstraint(
                condition=Q(input_token_price__gte=0, output_token_price__gte=0),
                name="ai_model_prices_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BillingSetting(PriceRow):
    """What a credit is worth. The initial one is in force."""

    credit_price = models.DecimalField(
        max_digits=24, decimal_places=12, validators=[above_zero], help_text="USD per credit."
    )
    is_initial = models.BooleanField(default=False, help_text="The one in force.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_initial"],
                condition=Q(is_initial=True),
                name="one_initial_billing_setting",
            ),
            models.CheckConstraint(
                condition=Q(is_initial=False) | Q(is_active=True),
                name="initial_billing_setting_is_active",
            ),
            models.CheckConstraint(condition=Q(credit_price__gt=0), name="credit_price_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.credit_price} USD per credit"


class CreditsProfit(PriceRow):
    """A part of the margin. The margin is the sum of all active ones."""

    name = models.CharField(max_length=100, validators=[long_enough])
    percentage = models.DecimalField(
        max_digits=5, decimal_places=2, validators=[not_negative, at_most_100]
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="credits_profit_once_per_name"),
            models.CheckConstraint(
                condition=Q(percentage__gte=0, percentage__lte=100),
                name="credits_profit_between_0_and_100",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.percentage} %"


class PriceHistory(models.Model):
    """A price row as it was after one change, its creation included. A trigger keeps it so."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField()
    snapshot = models.JSONField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class AiModelHistory(PriceHistory):
    ai_model = models.ForeignKey(AiModel, on_delete=models.PROTECT, related_name="histories")

    class Meta:
        verbose_name_plural = "AI model histories"
        constraints = [
            models.UniqueConstraint(
                fields=["ai_model", "version"], name="history_once_per_ai_model_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot['name']} v{self.version}"


class BillingSettingHistory(PriceHistory):
    billing_setting = models.ForeignKey(
        BillingSetting, on_delete=models.PROTECT, related_name="histories"
    )

    class Meta:
        verbose_name_plural = "billing setting histories"
        constraints = [
            models.UniqueConstraint(
                fields=["billing_setting", "version"],
                name="history_once_per_billing_setting_version",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot['credit_price']} USD per credit v{self.version}"


class CreditsProfitHistory(PriceHistory):
    credits_profit = models.ForeignKey(
        CreditsProfit, on_delete=models.PROTECT, related_name="histories"
    )

    class Meta:
        verbose_name_plural = "credits profit histories"
        constraints = [
            models.UniqueConstraint(
                fields=["credits_profit", "version"], name="history_once_per_credits_profit_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot['name']} v{self.version}"


class RateCard(models.Model):
    """Every price and endpoint at one moment. Equal content is one row; rows never change."""

    version = models.BigAutoField(primary_key=True)
    content = models.JSONField(help_text="Endpoints, models, credit price and profits.")
    content_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256, hexadecimal.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return f"Rate card {self.version}"


class UsageSession(models.Model):
    """One metered call, from the start that allowed it to the end that settled it."""

    usage_key = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    partner = models.ForeignKey("accounts.Partner", on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    feature_endpoint = models.ForeignKey(
        "catalog.FeatureEndpoint", on_delete=models.PROTECT, related_name="+"
    )
    feature_endpoint_value = models.CharField(max_length=100, help_text="As it was at the start.")
    subscription = models.ForeignKey(
        "catalog.Subscription", on_delete=models.PROTECT, null=True, related_name="+"
    )
    package_history = models.ForeignKey(
        "catalog.PackageHistory", on_delete=models.PROTECT, related_name="+"
    )
    rate_card = models.ForeignKey(RateCard, on_delete=models.PROTECT, related_name="+")
    config = models.JSONField(help_text="As resolved at the start.")
    options = ArrayField(models.CharField(max_length=100), default=list)
    word_count = models.PositiveIntegerField(null=True, help_text="As the partner last said.")
    state = models.CharField(max_length=10, choices=SessionState.choices, default=SessionState.OPEN)
    held_credits = models.BigIntegerField(help_text="0: there is no hold.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()

    settled_at = models.DateTimeField(null=True)
    request_hash = models.CharField(max_length=64, blank=True, help_text="Of the end that settled.")
    cost_credits = models.BigIntegerField(default=0, help_text="What the call costs, uncapped.")
    charged = models.BigIntegerField(default=0, help_text="What was really taken.")
    shortfall = models.BigIntegerField(default=0, help_text="What was owed and not there.")
    flags = ArrayField(models.CharField(max_length=20, choices=SessionFlag.choices), default=list)
    transaction = models.ForeignKey(
        "wallets.Transaction", on_delete=models.PROTECT, null=True, related_name="+"
    )
    balance_after = models.BigIntegerField(null=True)
    available_after = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state=SessionState.SETTLED,
                    settled_at__isnull=False,
                    balance_after__isnull=False,
                    available_after__isnull=False,
                )
                & ~Q(request_hash="")
                | Q(
                    state__in=[SessionState.OPEN, SessionState.EXPIRED],
                    settled_at__isnull=True,
                    request_hash="",
                    charged=0,
                    shortfall=0,
                    cost_credits=0,
                ),
                name="session_has_result_exactly_when_settled",
            ),
            models.CheckConstraint(
                condition=Q(cost_credits=F("charged") + F("shortfall"))
                | Q(
                    cost_credits__gt=F("charged") + F("shortfall"),
                    flags__contains=[SessionFlag.CAPPED],
                ),
                name="session_cost_is_charged_short_or_capped",
            ),
            models.CheckConstraint(
                condition=Q(charged__gte=0, shortfall__gte=0, held_credits__gte=0),
                name="session_credits_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(charged=0) | Q(transaction__isnull=False),
                name="session_charge_has_its_transaction",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "feature_endpoint", "created_at"], name="session_limits_idx"
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(state=SessionState.OPEN),
                name="session_running_out_idx",
            ),
            models.Index(fields=["created_at"], name="session_created_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.feature_endpoint_value} {self.usage_key}"

    @property
    def hold_reference(self) -> str:
        return f"usage-hold:{self.partner_id}:{self.usage_key}"

    @property
    def release_reference(self) -> str:
        return f"usage-release:{self.partner_id}:{self.usage_key}"

    @property
    def charge_reference(self) -> str:
        return f"usage:{self.partner_id}:{self.usage_key}"


class CreditsUsage(models.Model):
    """What one model used in a settled call. Appended, never changed: a trigger refuses it.

    The arithmetic behind the columns stands in ``billing.pricing``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(UsageSession, on_delete=models.PROTECT, related_name="usages")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField(help_text="In the report, from 0.")
    ai_model = models.ForeignKey(AiModel, on_delete=models.PROTECT, related_name="+")
    ai_model_value = models.CharField(max_length=100, help_text="As it was at the start.")
    input_tokens = models.BigIntegerField()
    output_tokens = models.BigIntegerField()
    input_token_price = models.DecimalField(max_digits=24, decimal_places=15)
    output_token_price = models.DecimalField(max_digits=24, decimal_places=15)
    credit_price = models.DecimalField(max_digits=24, decimal_places=12)
    profit_percentage = models.DecimalField(max_digits=12, decimal_places=2)
    input_credits = models.DecimalField(max_digits=40, decimal_places=12)
    output_credits = models.DecimalField(max_digits=40, decimal_places=12)
    base_credits = models.DecimalField(
        max_digits=40, decimal_places=12, help_text="What it costs us: before margin."
    )
    profit_credits = models.DecimalField(max_digits=40, decimal_places=12)
    cost_credits = models.DecimalField(
        max_digits=40, decimal_places=12, help_text="What it costs the customer: base and profit."
    )
    rounding_credits = models.DecimalField(
        max_digits=40, decimal_places=12, help_text="Of the whole call, on its last row."
    )
    base_price = models.DecimalField(
        max_digits=48, decimal_places=15, help_text="USD, what it costs us."
    )
    price = models.DecimalField(
        max_digits=60, decimal_places=24, help_text="USD, what it costs the customer, rounded up."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name = "credits usage"
        constraints = [
            models.UniqueConstraint(
                fields=["session", "position"], name="usage_once_per_session_position"
            ),
            models.CheckConstraint(
                condition=Q(input_tokens__gte=0, output_tokens__gte=0),
                name="usage_tokens_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(base_credits=F("input_credits") + F("output_credits"))
                & Q(cost_credits=F("base_credits") + F("profit_credits")),
                name="usage_credits_add_up",
            ),
            models.CheckConstraint(
                condition=Q(rounding_credits__gte=0), name="usage_rounding_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="usage_statement_idx"),
            models.Index(fields=["-created_at", "-id"], name="usage_newest_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.ai_model_value} {self.input_tokens}/{self.output_tokens}"
