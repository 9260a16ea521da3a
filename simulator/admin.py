from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from common.admin import ModelAdmin, ReadOnlyAdmin, admin_link
from simulator.currencies import format_amount
from simulator.models import Merchant, Payment, Refund, StoredReply, WebhookDelivery, WebhookEvent
from simulator.services.webhooks import resend_deliveries


@admin.register(Merchant)
class MerchantAdmin(ModelAdmin):
    """Made by ``manage.py create_merchant``, which shows the keys; they are never shown again."""

    list_display = ("name", "secret_key_prefix", "webhook_url", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "secret_key_prefix", "webhook_url")
    fields = ("name", "webhook_url", "is_active", "secret_key_prefix", "created_at", "updated_at")
    readonly_fields = ("secret_key_prefix", "created_at", "updated_at")
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Merchant | None = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """A window: payments change on the hosted page and through the API."""

    list_display = (
        "created_at", "merchant_link", "in_words", "status", "card_last4", "reference", "id",
    )  # fmt: skip
    list_filter = ("status", "currency", "merchant", "created_at")
    search_fields = ("id", "reference", "customer_email")
    list_select_related = ("merchant",)
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    fields = (  # without the checkout's token: whoever has it can pay
        "id", "merchant_link", "in_words", "refunded", "status", "version", "reference",
        "description", "customer_email", "metadata", "return_url", "cancel_url", "card_brand",
        "card_last4", "failure_code", "failure_message", "created_at", "expires_at",
    )  # fmt: skip
    readonly_fields = ("merchant_link", "in_words", "refunded")

    @admin.display(description="amount", ordering="amount")
    def in_words(self, payment: Payment) -> str:
        return format_amount(amount=payment.amount, currency=payment.currency)

    @admin.display(description="refunded", ordering="amount_refunded")
    def refunded(self, payment: Payment) -> str:
        return format_amount(amount=payment.amount_refunded, currency=payment.currency)

    @admin.display(description="merchant")
    def merchant_link(self, payment: Payment) -> str:
        return admin_link(Merchant, payment.merchant_id, payment.merchant.name)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "payment_link", "in_words", "reason", "id")
    fields = ("id", "payment_link", "in_words", "reason", "created_at")
    readonly_fields = ("payment_link", "in_words")
    list_select_related = ("payment",)
    search_fields = ("id", "payment__id", "payment__reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")

    @admin.display(description="payment")
    def payment_link(self, refund: Refund) -> str:
        return admin_link(Payment, refund.payment_id, refund.payment_id)

    @admin.display(description="amount", ordering="amount")
    def in_words(self, refund: Refund) -> str:
        return format_amount(amount=refund.amount, currency=refund.payment.currency)


@admin.register(StoredReply)
class StoredReplyAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "route", "key", "merchant")
    search_fields = ("key", "route")
    list_select_related = ("merchant",)
    ordering = ("-created_at", "-id")
    exclude = ("body",)  # it holds a checkout token


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "type", "payment_link", "id")
    list_filter = ("type", "created_at")
    search_fields = ("id", "payment__id", "payment__reference")
    date_hierarchy = "created_at"
    ordering = ("-created_at", "-id")
    exclude = ("body",)  # it holds a checkout token

    @admin.display(description="payment")
    def payment_link(self, event: WebhookEvent) -> str:
        return admin_link(Payment, event.payment_id, event.payment_id)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """What was sent, and the only thing that staff may do about it: send it again."""

    list_display = (
        "created_at", "event_type", "state", "attempts", "last_status_code", "next_attempt_at",
        "event_link",
    )  # fmt: skip
    list_filter = ("state", "event__type", "created_at")
    search_fields = ("event__id", "event__payment__id", "event__payment__reference")
    list_select_related = ("event",)
    ordering = ("-created_at", "-id")
    actions = ("send_again",)

    @admin.display(description="event")
    def event_link(self, delivery: WebhookDelivery) -> str:
        return admin_link(WebhookEvent, delivery.event_id, delivery.event_id)

    @admin.display(description="type")
    def event_type(self, delivery: WebhookDelivery) -> str:
        return delivery.event.type

    @admin.action(description="Send again")
    def send_again(self, request: HttpRequest, chosen: QuerySet[WebhookDelivery]) -> None:
        ids = list(chosen.values_list("pk", flat=True))
        count = resend_deliveries(delivery_ids=ids)
        messages.success(request, f"{count} will be sent again; those under way go on as they are.")
