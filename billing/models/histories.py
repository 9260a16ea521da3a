"""What every price was after each of its changes."""

from django.conf import settings
from django.db import models

from billing.models.prices import AiModel, BillingSetting, CreditsProfit
from common import clock
from common.ids import uuid7


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
        verbose_name = "AI model history"
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
