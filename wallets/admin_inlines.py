from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from common.admin import ReadOnlyInline, admin_link
from wallets.admin_links import GRANT_COST, entry_amount, entry_balance, owner_link
from wallets.models import Entry, Grant, GrantBurn


class EntryInline(ReadOnlyInline):
    model = Entry
    fields = ("account_owner", entry_amount, entry_balance, "position")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("account__owner")

    @admin.display(description="Account")
    def account_owner(self, entry: Entry) -> Any:
        return owner_link(entry.account)


class GrantInline(ReadOnlyInline):
    model = Grant
    fields = ("source", "amount", "remaining", GRANT_COST, "expires_at")


class BurnInline(ReadOnlyInline):
    model = GrantBurn
    fields = ("lot", "amount")

    @admin.display(description="Lot")
    def lot(self, burn: GrantBurn) -> Any:
        return admin_link("wallets.grant", burn.grant_id, burn.grant)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("grant")
