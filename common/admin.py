"""What every admin screen starts from, and the screens of the kernel's own tables."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import quote
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline

from common import outbox
from common.admin_columns import readable
from common.errors import DomainError
from common.models import EventDelivery, IdempotencyRecord, OutboxEvent

LINK_CLASSES = "text-primary-600 dark:text-primary-500"


class ModelAdmin(UnfoldModelAdmin):
    """The project's look, and pages that stay quick."""

    list_per_page = 50
    show_full_result_count = False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        names = super().get_list_display(request)
        return [readable(self.model, name, in_list=True) for name in names]


class ReadOnlyAdmin(ModelAdmin):
    """A window, not a door: rows change through services."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [
            (title, options | {"fields": self._readable(options["fields"])})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _readable(self, names: Iterable[Any]) -> list[Any]:
        return [readable(self.model, name, in_list=False) for name in names]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """A window on the rows that belong to this one; names its ``fields``."""

    extra = 0
    can_delete = False
    hide_title = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [readable(self.model, name, in_list=False) for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def admin_link(model: type[Model] | str, pk: UUID | int | str, text: object) -> SafeString:
    """A link to the admin page of one row of ``model`` (a class or ``"app.Model"``)."""
    return _link(reverse(_address_name(model, "change"), args=[quote(pk)]), text)


def search_link(model: type[Model] | str, words: UUID | str, text: object) -> SafeString:
    """A link to the admin's list of ``model``, searched for ``words``."""
    address = reverse(_address_name(model, "changelist"))
    return _link(f"{address}?{urlencode({'q': str(words)})}", text)


def list_link(model: type[Model] | str, text: object, **lookups: UUID | str) -> SafeString:
    """A link to the admin's list of ``model``, filtered by ``lookups``."""
    address = reverse(_address_name(model, "changelist"))
    return _link(
        f"{address}?{urlencode({name: str(value) for name, value in lookups.items()})}", text
    )


def _address_name(model: type[Model] | str, page: str) -> str:
    meta = (apps.get_model(model) if isinstance(model, str) else model)._meta
    return f"admin:{meta.app_label}_{meta.model_name}_{page}"


def _link(address: str, text: object) -> SafeString:
    return format_html('<a href="{}" class="{}">{}</a>', address, LINK_CLASSES, text)


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "type", "request_id", "id")
    list_filter = ("type", "created_at")
    search_fields = ("id", "request_id")
    ordering = ("-created_at", "-id")
    fields = ("id", "type", "payload", "request_id", "deliveries", "created_at")
    readonly_fields = ("deliveries",)

    @admin.display(description="deliveries")
    def deliveries(self, event: OutboxEvent) -> SafeString:
        return search_link(EventDelivery, event.pk, "Who has heard it")


@admin.register(EventDelivery)
class EventDeliveryAdmin(ReadOnlyAdmin):
    """Dead deliveries wait here until someone replays them."""

    list_display = ("handler", "event_link", "status", "attempts", "next_attempt_at", "done_at")
    list_filter = ("status", "handler")
    search_fields = ("event__id", "handler", "last_error")
    list_select_related = ("event",)
    ordering = ("-id",)
    fields = (
        "id", "event_link", "handler", "status", "attempts", "next_attempt_at", "last_error",
        "done_at",
    )  # fmt: skip
    readonly_fields = ("event_link",)
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


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Which keyed calls were answered. The answers are not shown: some open a checkout."""

    list_display = ("created_at", "scope", "key", "response_status", "locked_until")
    list_filter = ("response_status", "created_at")
    search_fields = ("id", "scope", "key")
    ordering = ("-id",)
    fields = ("id", "scope", "key", "request_hash", "response_status", "locked_until", "created_at")
