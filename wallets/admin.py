from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.decorators import action

from accounts.auth import signed_in
from common.admin import ReadOnlyAdmin, admin_link, list_link
from common.errors import DomainError
from wallets import services
from wallets.admin_forms import AdjustForm, OverdraftForm, ReasonForm
from wallets.admin_inlines import BurnInline, EntryInline, GrantInline
from wallets.admin_links import (
    GRANT_COST,
    entry_amount,
    entry_balance,
    owner_link,
    transaction_amount,
    transaction_link,
    wallet_column,
)
from wallets.enums import AccountKind
from wallets.models import Account, Entry, Grant, Hold, Transaction

FIGURES = tuple(wallet_column(name) for name in ("balance", "held", "available", "overdraft_limit"))


def _carry_out(
    request: HttpRequest, act: Callable[[], object], *, done: str, back: str
) -> HttpResponse:
    """Run a dialog's service, say how it went, and return to the page behind the dialog."""
    try:
        act()
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return HttpResponse(headers={"HX-Redirect": back})


class LedgerAdmin(ReadOnlyAdmin):
    """A window on the books. Keys are in the order of time, so no other index is needed."""

    ordering = ("-id",)
    show_full_result_count = False
    list_per_page = 50

    def has_ledger_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        user = signed_in(request)
        return user.is_active and user.is_staff

    def row(self, request: HttpRequest, object_id: str | None) -> Any:
        """Get what an address names.

        Raises:
            Http404: it names nothing.
        """
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        return row


@admin.register(Account)
class AccountAdmin(LedgerAdmin):
    """Wallets and system accounts. Staff change a wallet by an adjustment with a reason."""

    list_display = (
        "owner_link", "kind", "asset", *FIGURES,
        "updated_at",
    )  # fmt: skip
    list_display_links = ("kind",)
    list_filter = ("kind", "asset", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("id", "owner__email")
    fields = (
        "id", "owner_link", "kind", "asset", *FIGURES,
        "entry_count", "related", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields
    actions_detail = ("adjust_credits", "limit_overdraft")

    def has_wallet_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        account = self.row(request, object_id)  # the system's own change by posting alone
        return account.kind == AccountKind.WALLET and self.has_ledger_permission(request)

    @admin.display(description="Owner", ordering="owner__email")
    def owner_link(self, account: Account) -> Any:
        return owner_link(account)

    @admin.display(description="Everything about it")
    def related(self, account: Account) -> Any:
        lists = {Entry: "entries", Transaction: "transactions", Grant: "grants", Hold: "holds"}
        links = [
            (list_link(model, text, account__id__exact=account.pk),)
            for model, text in lists.items()
        ]
        return format_html_join(" · ", "{}", links)

    @action(  # type: ignore[untyped-decorator]  # the library is not typed
        description="Adjust credits",
        permissions=["wallet"],
        dialog={"title": "Adjust credits", "form_class": AdjustForm},
    )
    def adjust_credits(self, request: HttpRequest, form: AdjustForm, object_id: str) -> Any:
        return self._change_wallet(
            request,
            object_id,
            lambda user_id: services.adjust_credits(
                user_id=user_id,
                amount=form.cleaned_data["amount"],
                reason=form.cleaned_data["reason"],
                actor_id=signed_in(request).id,
                reference=f"adjustment:{form.cleaned_data['token']}",
            ),
        )

    @action(  # type: ignore[untyped-decorator]  # the library is not typed
        description="Limit overdraft",
        permissions=["wallet"],
        dialog={"title": "Limit overdraft", "form_class": OverdraftForm},
    )
    def limit_overdraft(self, request: HttpRequest, form: OverdraftForm, object_id: str) -> Any:
        return self._change_wallet(
            request,
            object_id,
            lambda user_id: services.set_overdraft_limit(
                user_id=user_id,
                limit=form.cleaned_data["limit"],
                actor_id=signed_in(request).id,
                reason=form.cleaned_data["reason"],
            ),
        )

    def _change_wallet(
        self, request: HttpRequest, object_id: str, act: Callable[[UUID], object]
    ) -> HttpResponse:
        wallet = self.row(request, object_id)
        return _carry_out(
            request,
            lambda: act(wallet.owner_id),
            done="Done, and written down with your name.",
            back=reverse("admin:wallets_account_change", args=[object_id]),
        )


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin):
    """What happened. A mistake is corrected by a reversal, which says why."""

    list_display = (
        "created_at", "kind", "wallet_link", transaction_amount, "shortfall", "reference", "actor",
    )  # fmt: skip
    list_filter = ("kind", "created_at")
    list_select_related = ("account__owner", "actor")
    search_fields = ("id", "reference", "account__owner__email")
    fields = (
        "id", "kind", "reference", "wallet_link", transaction_amount, "shortfall", "hold_link",
        "reverses_link", "reversed_by_link", "memo", "actor", "created_at",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (EntryInline, GrantInline, BurnInline)
    actions_detail = ("reverse_it",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("entries__account")

    @admin.display(description="Wallet of")
    def wallet_link(self, transaction: Transaction) -> Any:
        return owner_link(transaction.account)

    @admin.display(description="Hold")
    def hold_link(self, transaction: Transaction) -> Any:
        hold = transaction.hold
        return admin_link("wallets.hold", hold.pk, hold.reference) if hold else None

    @admin.display(description="Reverses")
    def reverses_link(self, transaction: Transaction) -> Any:
        return transaction_link(transaction.reverses)

    @admin.display(description="Reversed by")
    def reversed_by_link(self, transaction: Transaction) -> Any:
        return transaction_link(getattr(transaction, "reversed_by", None))

    @action(  # type: ignore[untyped-decorator]  # the library is not typed
        description="Reverse",
        permissions=["ledger"],
        dialog={"title": "Reverse the transaction", "form_class": ReasonForm},
    )
    def reverse_it(self, request: HttpRequest, form: ReasonForm, object_id: str) -> Any:
        transaction = self.row(request, object_id)
        return _carry_out(
            request,
            lambda: services.reverse_transaction(
                transaction_id=transaction.pk,
                reason=form.cleaned_data["reason"],
                actor_id=signed_in(request).id,
            ),
            done="Reversed, and written down with your name.",
            back=reverse("admin:wallets_transaction_change", args=[object_id]),
        )


@admin.register(Entry)
class EntryAdmin(LedgerAdmin):
    list_display = (
        "created_at", "account_link", entry_amount, entry_balance, "kind", "transaction_link",
    )  # fmt: skip
    list_filter = ("account__kind", "transaction__kind", "created_at")
    list_select_related = ("account__owner", "transaction")
    search_fields = ("id", "transaction__reference", "account__owner__email")
    fields = (
        "id", "account_link", entry_amount, entry_balance, "position", "transaction_link",
        "created_at",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="Account")
    def account_link(self, entry: Entry) -> Any:
        return owner_link(entry.account)

    @admin.display(description="Kind")
    def kind(self, entry: Entry) -> str:
        return entry.transaction.get_kind_display()

    @admin.display(description="Transaction")
    def transaction_link(self, entry: Entry) -> Any:
        return transaction_link(entry.transaction)


@admin.register(Grant)
class GrantAdmin(LedgerAdmin):
    list_display = (
        "created_at", "owner_link", "source", "amount", "remaining", "expires_at", "is_promotional",
    )  # fmt: skip
    list_filter = ("source", "is_open", "is_promotional", "expires_at", "created_at")
    list_select_related = ("account__owner",)
    search_fields = ("id", "account__owner__email", "transaction__reference")
    fields = (
        "id", "owner_link", "transaction_link", "source", "is_promotional", "amount", "remaining",
        GRANT_COST, "expires_at", "priority", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="Owner")
    def owner_link(self, grant: Grant) -> Any:
        return owner_link(grant.account)

    @admin.display(description="Transaction")
    def transaction_link(self, grant: Grant) -> Any:
        return transaction_link(grant.transaction)


@admin.register(Hold)
class HoldAdmin(LedgerAdmin):
    list_display = (
        "created_at", "owner_link", "status", "amount", "captured", "expires_at", "reference",
    )  # fmt: skip
    list_filter = ("status", "expires_at", "created_at")
    list_select_related = ("account__owner",)
    search_fields = ("id", "reference", "account__owner__email")
    fields = (
        "id", "reference", "owner_link", "status", "amount", "captured", "expires_at", "closed_at",
        "transactions", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description="Owner")
    def owner_link(self, hold: Hold) -> Any:
        return owner_link(hold.account)

    @admin.display(description="Transactions")
    def transactions(self, hold: Hold) -> Any:
        links = [(transaction_link(row),) for row in hold.transactions.order_by("id")]
        return format_html_join(", ", "{}", links) or None
