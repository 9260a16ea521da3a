from django.conf import settings
from django.db import models
from django.db.models import F, Q

from billing.models.prices import AiModel
from billing.models.sessions import UsageSession
from common import clock
from common.ids import uuid7


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
