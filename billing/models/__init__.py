from billing.models.histories import (
    AiModelHistory,
    BillingSettingHistory,
    CreditsProfitHistory,
    PriceHistory,
)
from billing.models.prices import AiModel, BillingSetting, CreditsProfit, PriceRow
from billing.models.rate_cards import RateCard
from billing.models.sessions import UsageSession
from billing.models.usages import CreditsUsage

__all__ = [
    "AiModel",
    "AiModelHistory",
    "BillingSetting",
    "BillingSettingHistory",
    "CreditsProfit",
    "CreditsProfitHistory",
    "CreditsUsage",
    "PriceHistory",
    "PriceRow",
    "RateCard",
    "UsageSession",
]
