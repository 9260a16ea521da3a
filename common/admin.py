"""What every admin screen starts from, and the screens of the kernel's own tables."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as UnfoldModelAdmin

from common import outbox
from common.errors import DomainError
from common.models import EventDelivery, OutboxEvent


class ModelAdmin(UnfoldModelAdmin):
    """The project's look, and pages that stay quick."""

    list_per_page = 50
    show_full_result_count = False


class ReadOnlyAdmin(ModelAdmin):
    """A window, not a door: rows change through services."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def admin_link(model: type[Model] | str, pk: UUID | int | str, text: object) -> SafeString:
    """A link to the admin page of one row of ``model`` (a class or ``"app.Model"``)."""
    meta = (apps.get_model(model) if isinstance(model, str) else model)._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[pk])
    return format_html('<a href="{}">{}</a>', url, text)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "request_id", "created_at")
    list_filter = ("type", "created_at")
    search_fields = ("id", "request_id")
    ordering = ("-created_at", "-id")


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnlyAdmin):
    """Dead deliveries wait here until someone replays them."""

    list_display = ("id", "event_link", "handler", "status", "attempts", "next_attempt_at")
    list_filter = ("status", "handler")
    search_fields = ("event__id", "handler", "last_error")
    list_select_related = ("event",)
    ordering = ("-next_attempt_at", "-id")
    actions = ("replay",)

    @admin.display(description="event")
    def event_link(self, row: EventDelivery) -> SafeString:
        return admin_link(OutboxEvent, row.event_id, row.event.type)

    @admin.action(description="Replay the dead ones")
    def replay(self, request: HttpRequest, rows: QuerySet[EventDelivery]) -> None:
        try:
            count = outbox.replay(delivery_ids=list(rows.values_list("pk", flat=True)))
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, f"{count} deliveries will run again now.")
