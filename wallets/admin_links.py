"""How the books are written on the pages of the back office."""

from typing import Any

from django.contrib import admin

from common.admin import admin_link
from common.admin_columns import Column, money, money_column, whole
from wallets.enums import CREDIT, AccountKind
from wallets.models import Account, Entry, Transaction

GRANT_COST = money_column("cost_minor", "cost_currency", "cost")


def owner_link(account: Account | None) -> Any:
    if account is None:
        return None
    if account.owner is None or account.owner_id is None:
        return f"{account.get_kind_display()} {account.asset}"
    return admin_link("accounts.user", account.owner_id, account.owner.email)


def transaction_link(transaction: Transaction | None) -> Any:
    if transaction is None:
        return None
    return admin_link("wallets.transaction", transaction.pk, transaction.reference)


def amount_of(amount: int | None, asset: str) -> str | None:
    """Credits as a whole number, money with its decimal places and currency."""
    if amount is None:
        return None
    return f"{amount:,}" if asset == CREDIT else money(amount, asset)


def wallet_column(name: str) -> Column:
    """A column of wallets; the system's accounts are their entries, and keep no such figure."""

    @admin.display(description=name.replace("_", " "))
    def column(account: Account) -> str | None:
        return whole(getattr(account, name)) if account.kind == AccountKind.WALLET else None

    column.__name__ = f"{name}_of_wallet"
    return column


@admin.display(description="amount", ordering="amount")
def entry_amount(entry: Entry) -> str | None:
    return amount_of(entry.amount, entry.account.asset)


@admin.display(description="balance after", ordering="balance_after")
def entry_balance(entry: Entry) -> str | None:
    return amount_of(entry.balance_after, entry.account.asset)


@admin.display(description="amount", ordering="amount")
def transaction_amount(transaction: Transaction) -> str | None:
    """In the asset of its entries; a transaction without any moved nothing."""
    entries = transaction.entries.all()
    asset = entries[0].account.asset if entries else CREDIT
    return amount_of(transaction.amount, asset)
