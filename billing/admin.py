import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.auth import signed_in
from billing.enums import SessionFlag
from billing.models import (
    AiModel,
    AiModelHistory,
    BillingSetting,
    BillingSettingHistory,
    CreditsProfit,
    CreditsProfitHistory,
    CreditsUsage,
    RateCard,
    UsageSession,
)
from billing.pricing import plain
from billing.services import prices
from common.admin import ModelAdmin, ReadOnlyAdmin, admin_link, search_link
from common.errors import DomainError


class PriceForm(forms.ModelForm[Any]):
    """Checks single fields; ``billing.services.prices`` knows who may be initial."""

    def _get_validation_exclusions(self) -> set[str]:
        # "Only one is initial" holds after the service has lowered the other's flag, not before.
        return super()._get_validation_exclusions() | {"is_initial"}  # type: ignore[misc, no-any-return]  # no stub


class PriceAdmin(ModelAdmin):
    """Saves through the services, which write the history and drop the rate card."""

    form = PriceForm
    ordering = ("-created_at", "-id")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # histories and usages refer to it; switch it off instead

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("version", "created_at", "updated_at") if obj else ()

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)  # type: ignore[no-any-return]
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())


@admin.register(AiModel)
class AiModelAdmin(PriceAdmin):
    list_display = (
        "name", "value", "provider", "input_price", "output_price", "is_active", "is_initial",
        "version",
    )  # fmt: skip
    list_filter = ("is_active", "is_initial", "provider")
    search_fields = ("id", "name", "value", "provider")

    @admin.display(description="USD per input token", ordering="input_token_price")
    def input_price(self, row: AiModel) -> str:
        return plain(row.input_token_price)

    @admin.display(description="USD per output token", ordering="output_token_price")
    def output_price(self, row: AiModel) -> str:
        return plain(row.output_token_price)

    def save_model(self, request: HttpRequest, obj: AiModel, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        actor_id = signed_in(request).id
        if change:
            prices.update_ai_model(ai_model_id=obj.pk, actor_id=actor_id, **form.cleaned_data)
        else:
            obj.pk = prices.create_ai_model(actor_id=actor_id, **form.cleaned_data).pk


@admin.register(BillingSetting)
class BillingSettingAdmin(PriceAdmin):
    list_display = ("price", "is_active", "is_initial", "version", "created_at")
    list_filter = ("is_active", "is_initial")
    search_fields = ("id",)

    @admin.display(description="USD per credit", ordering="credit_price")
    def price(self, row: BillingSetting) -> str:
        return plain(row.credit_price)

    def save_model(
        self,
        request: HttpRequest,
        obj: BillingSetting,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        actor_id = signed_in(request).id
        if change:
            prices.update_billing_setting(
                billing_setting_id=obj.pk, actor_id=actor_id, **form.cleaned_data
            )
        else:
            obj.pk = prices.create_billing_setting(actor_id=actor_id, **form.cleaned_data).pk


@admin.register(CreditsProfit)
class CreditsProfitAdmin(PriceAdmin):
    list_display = ("name", "percentage", "is_active", "version", "created_at")
    list_filter = ("is_active",)
    search_fields = ("id", "name")

    def save_model(
        self,
        request: HttpRequest,
        obj: CreditsProfit,
        form: Any,
        change: bool,  # noqa: FBT001 -- Django's signature
    ) -> None:
        actor_id = signed_in(request).id
        if change:
            prices.update_credits_profit(
                credits_profit_id=obj.pk, actor_id=actor_id, **form.cleaned_data
            )
        else:
            obj.pk = prices.create_credits_profit(actor_id=actor_id, **form.cleaned_data).pk


class PriceHistoryAdmin(ReadOnlyAdmin):
    list_filter = ("created_at",)
    list_select_related: tuple[str, ...] = ("actor",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")


@admin.register(AiModelHistory)
class AiModelHistoryAdmin(PriceHistoryAdmin):
    list_display = ("__str__", "ai_model", "version", "actor", "created_at")
    list_select_related = ("actor", "ai_model")
    search_fields = ("ai_model__id", "ai_model__name", "ai_model__value", "actor__email")


@admin.register(BillingSettingHistory)
class BillingSettingHistoryAdmin(PriceHistoryAdmin):
    list_display = ("__str__", "version", "actor", "created_at")
    search_fields = ("billing_setting__id", "actor__email")


@admin.register(CreditsProfitHistory)
class CreditsProfitHistoryAdmin(PriceHistoryAdmin):
    list_display = ("__str__", "credits_profit", "version", "actor", "created_at")
    list_select_related = ("actor", "credits_profit")
    search_fields = ("credits_profit__id", "credits_profit__name", "actor__email")


@admin.register(RateCard)
class RateCardAdmin(ReadOnlyAdmin):
    list_display = ("version", "content_hash", "created_at")
    list_filter = ("created_at",)
    search_fields = ("=version", "content_hash")
    ordering = ("-version",)
    fields = ("version", "created_at", "content_hash", "pretty_content")
    readonly_fields = fields

    @admin.display(description="Content")
    def pretty_content(self, row: RateCard) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(row.content, indent=2))


@admin.register(UsageSession)
class UsageSessionAdmin(ReadOnlyAdmin):
    """Where a call stands, with the way to its user, its charge and its usages."""

    list_display = (
        "created_at", "user_link", "feature_endpoint_value", "state", "held_credits",
        "cost_credits", "charged", "shortfall", "flags_in_words", "partner",
    )  # fmt: skip
    list_filter = ("state", "partner", "feature_endpoint_value", "created_at")
    list_select_related = ("user", "partner")
    search_fields = ("usage_key", "user__email", "feature_endpoint_value")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-usage_key")
    fieldsets = (
        (None, {"fields": (
            "usage_key", "user_link", "partner", "feature_endpoint", "feature_endpoint_value",
            "state", "usages_link", "transaction_link",
        )}),
        ("Credits", {"fields": (
            "held_credits", "cost_credits", "charged", "shortfall", "balance_after",
            "available_after", "flags_in_words",
        )}),
        ("Terms at the start", {"fields": (
            "package_history", "subscription", "rate_card_link", "config", "options", "word_count",
        )}),
        ("Course", {"fields": ("created_at", "expires_at", "settled_at", "request_hash")}),
    )  # fmt: skip
    readonly_fields = (
        "user_link", "transaction_link", "rate_card_link", "usages_link", "flags_in_words",
    )  # fmt: skip

    @admin.display(description="user", ordering="user__email")
    def user_link(self, row: UsageSession) -> str:
        return admin_link("accounts.user", row.user_id, row.user.email)

    @admin.display(description="ledger transaction")
    def transaction_link(self, row: UsageSession) -> str:
        if row.transaction_id is None:
            return "-"
        return admin_link("wallets.transaction", row.transaction_id, "What it posted")

    @admin.display(description="rate card")
    def rate_card_link(self, row: UsageSession) -> str:
        return admin_link("billing.ratecard", row.rate_card_id, f"Version {row.rate_card_id}")

    @admin.display(description="flags")
    def flags_in_words(self, row: UsageSession) -> str:
        return ", ".join(SessionFlag(flag).label for flag in row.flags) or "-"

    @admin.display(description="usages")
    def usages_link(self, row: UsageSession) -> SafeString:
        return search_link("billing.creditsusage", row.pk, f"{row.usages.count()} rows")


@admin.register(CreditsUsage)
class CreditsUsageAdmin(ReadOnlyAdmin):
    """What one model used and cost, with the way to its user, session and charge."""

    list_display = (
        "created_at", "user_link", "ai_model_value", "input_tokens", "output_tokens",
        "base_credits", "profit_credits", "cost_credits", "session_link",
    )  # fmt: skip
    list_filter = ("ai_model_value", "session__feature_endpoint_value", "created_at")
    list_select_related = ("user", "session")
    search_fields = ("session__usage_key", "user__email", "ai_model_value")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": (
            "id", "user_link", "session_link", "transaction_link", "ai_model", "ai_model_value",
            "position", "input_tokens", "output_tokens", "created_at",
        )}),
        ("Credits", {"fields": (
            "input_credits", "output_credits", "base_credits", "profit_credits",
            "cost_credits", "rounding_credits",
        )}),
        ("USD", {"fields": (
            "input_token_price", "output_token_price", "credit_price", "profit_percentage",
            "base_price", "price",
        )}),
    )  # fmt: skip
    readonly_fields = ("user_link", "session_link", "transaction_link")

    @admin.display(description="session", ordering="session")
    def session_link(self, row: CreditsUsage) -> str:
        text = row.session.feature_endpoint_value
        return admin_link("billing.usagesession", row.session_id, text)

    @admin.display(description="user", ordering="user__email")
    def user_link(self, row: CreditsUsage) -> str:
        return admin_link("accounts.user", row.user_id, row.user.email)

    @admin.display(description="ledger transaction")
    def transaction_link(self, row: CreditsUsage) -> str:
        key = row.session.transaction_id
        return admin_link("wallets.transaction", key, "What it posted") if key else "-"
