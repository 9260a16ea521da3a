from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from accounts.auth import signed_in
from common.admin import ModelAdmin, ReadOnlyAdmin, ReadOnlyInline, admin_link, search_link
from common.admin_columns import money_column
from common.errors import Conflict, DomainError
from payments.admin_forms import PaymentMethodForm
from payments.enums import EventSource
from payments.models import PaymentEvent, PaymentMethod, PaymentTransaction, WebhookEvent
from payments.services.settlement import refresh_payment
from payments.services.webhooks import process_again
from wallets.selectors import wallet_of

AMOUNT = money_column("amount_minor", "currency", "amount")
FEW = 20  # the gateway is asked for each, while the page waits


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ModelAdmin):
    """How customers may pay. Credentials are written here and shown nowhere."""

    form = PaymentMethodForm
    list_display = (
        "name", "value", "currencies", "is_test", "is_active", "sequence", "deleted_at",
    )  # fmt: skip
    list_filter = ("value", "is_test", "is_active", ("deleted_at", admin.EmptyFieldListFilter))
    search_fields = ("id", "name", "description")
    ordering = ("sequence", "id")
    fields = (
        "name", "value", "description", "currencies", "is_test", "is_active", "sequence",
        "base_url", "secret_key", "webhook_secret", "webhook_path",
    )  # fmt: skip
    readonly_fields = ("webhook_path",)
    actions = ("trash", "restore")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentMethod]:
        return PaymentMethod.all_objects.order_by(*self.ordering)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="webhook path")
    def webhook_path(self, method: PaymentMethod) -> str:
        return reverse("payment-webhook", args=[method.pk])

    @admin.action(description="Move to the trash")
    def trash(self, request: HttpRequest, queryset: QuerySet[PaymentMethod]) -> None:
        for method in queryset.filter(deleted_at__isnull=True):
            method.soft_delete()
            self.log_change(request, method, "Trashed.")

    @admin.action(description="Restore from the trash")
    def restore(self, request: HttpRequest, queryset: QuerySet[PaymentMethod]) -> None:
        for method in queryset.filter(deleted_at__isnull=False):
            try:
                method.restore()
            except Conflict as error:
                self.message_user(request, f"{method}: {error.message}", messages.ERROR)
            else:
                self.log_change(request, method, "Restored.")


class PaymentEventInline(ReadOnlyInline):
    """The timeline of a payment."""

    model = PaymentEvent
    fields = (
        "version", "created_at", "from_status", "to_status", "source", "actor", "reason",
        "evidence",
    )  # fmt: skip
    ordering = ("version",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentEvent]:
        events: QuerySet[PaymentEvent] = super().get_queryset(request)
        return events.select_related("actor")


@admin.register(PaymentTransaction)
class PaymentTransactionAdmin(ReadOnlyAdmin):
    """A window, not a door: payments change through ``payments.services``."""

    list_display = (
        "created_at", "user_link", AMOUNT, "status", "package_name", "quarantine_reason",
        "fulfilled_at", "payment_method", "is_test",
    )  # fmt: skip
    list_filter = (
        "status",
        ("quarantined_at", admin.EmptyFieldListFilter),
        ("fulfilled_at", admin.EmptyFieldListFilter),
        "currency",
        "is_test",
        "payment_method",
        "created_at",
    )
    search_fields = ("id", "gateway_reference", "user__email", "package_name")
    list_select_related = ("user", "payment_method")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fieldsets = (  # without the checkout's address: whoever has it can pay
        (None, {"fields": (
            "id", "user_link", AMOUNT, "status", "payment_method", "is_test",
            "wallet", "subscription", "ledger", "webhooks",
        )}),
        ("Trouble", {"fields": (
            "failure_code", "failure_message", "quarantine_reason", "quarantined_at",
        )}),
        ("What was bought", {"fields": (
            "package_history", "package_name", "plan_name", "duration_days", "credits",
            "credits_valid_days",
        )}),
        ("At the gateway", {"fields": (
            "gateway_reference", "gateway_status", "expires_at", "checked_at", "checks_count",
            "next_check_at",
        )}),
        ("Course", {"fields": (
            "version", "created_at", "paid_at", "fulfilled_at", "failed_at", "updated_at",
            "idempotency_key", "return_url", "cancel_url",
        )}),
    )  # fmt: skip
    readonly_fields = ("user_link", "wallet", "subscription", "ledger", "webhooks")
    inlines = (PaymentEventInline,)
    actions = ("check_now",)

    @admin.display(description="user", ordering="user__email")
    def user_link(self, payment: PaymentTransaction) -> str:
        return admin_link("accounts.User", payment.user_id, payment.user.email)

    @admin.display(description="wallet")
    def wallet(self, payment: PaymentTransaction) -> str:
        wallet = wallet_of(user_id=payment.user_id)
        return (
            admin_link("wallets.Account", wallet.pk, f"{wallet.available:,} credits available")
            if wallet
            else "-"
        )

    @admin.display(description="subscription")
    def subscription(self, payment: PaymentTransaction) -> str:
        return search_link("catalog.Subscription", f"payment:{payment.pk}", "What it started")

    @admin.display(description="ledger")
    def ledger(self, payment: PaymentTransaction) -> str:
        return search_link("wallets.Transaction", f"payment:{payment.pk}", "What it posted")

    @admin.display(description="webhooks")
    def webhooks(self, payment: PaymentTransaction) -> str:
        reference = payment.gateway_reference
        return search_link(WebhookEvent, reference, "What came in") if reference else "-"

    @admin.action(description="Check with the gateway now")
    def check_now(self, request: HttpRequest, queryset: QuerySet[PaymentTransaction]) -> None:
        for payment in queryset[:FEW]:
            try:
                result = refresh_payment(
                    payment_id=payment.pk,
                    source=EventSource.ADMIN,
                    actor_id=signed_in(request).id,
                )
            except DomainError as error:
                self.message_user(request, f"{payment.pk}: {error.message}", messages.ERROR)
            else:
                self.log_change(request, payment, f"Checked with the gateway: {result}.")
                self.message_user(request, f"{payment.pk}: {result}", messages.SUCCESS)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    """What gateways reported, and the only thing to do about it: follow it up again."""

    list_display = (
        "received_at", "event_type", "verdict", "processed_at", "payment_method",
        "gateway_reference", "gateway_event_id",
    )  # fmt: skip
    list_filter = (
        "verdict",
        ("processed_at", admin.EmptyFieldListFilter),
        "payment_method",
        "event_type",
        "received_at",
    )
    search_fields = ("id", "gateway_event_id", "gateway_reference")
    list_select_related = ("payment_method",)
    date_hierarchy = "received_at"
    ordering = ("-received_at", "-id")
    fields = (  # without the body: it holds the address of the checkout
        "id", "event_type", "gateway_event_id", "gateway_reference", "payments",
        "payment_method", "verdict", "received_at", "processed_at", "headers",
    )  # fmt: skip
    readonly_fields = ("payments",)
    actions = ("process_again",)

    @admin.display(description="payment")
    def payments(self, event: WebhookEvent) -> str:
        return search_link(PaymentTransaction, event.gateway_reference, "The payment")

    @admin.action(description="Process again")
    def process_again(self, request: HttpRequest, queryset: QuerySet[WebhookEvent]) -> None:
        count = process_again(webhook_event_ids=list(queryset.values_list("pk", flat=True)))
        self.message_user(request, f"{count} will be processed again.", messages.SUCCESS)
