from typing import Any

from common.admin import admin_link
from wallets.models import Account, Transaction


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
