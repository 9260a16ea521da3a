"""What the rate card is made of: models and their token prices, the credit price, the margin."""

from decimal import Decimal

from django.core import validators
from django.db import models
from django.db.models import Q

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
        verbose_name = "AI model"
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
