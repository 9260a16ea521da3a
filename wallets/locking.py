"""The only way to lock wallets: all of a batch in one statement, in the order of their ids."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from accounts.models import User
from common import clock
from common.ids import uuid7
from wallets.enums import CREDIT, AccountKind
from wallets.planning.state import WalletState

# In the order of the owners, so that two batches that create the same wallets do not
# wait for each other. Joined to the users: an unknown one gets no wallet.
_CREATE_MISSING = f"""
INSERT INTO wallets_account
    (id, owner_id, kind, asset, balance, held, overdraft_limit, entry_count, created_at, updated_at)
SELECT wanted.id, wanted.owner_id, %(kind)s, %(asset)s, 0, 0, 0, 0, %(now)s, %(now)s
FROM unnest(%(ids)s::uuid[], %(user_ids)s::uuid[]) AS wanted (id, owner_id)
JOIN {User._meta.db_table} AS owner ON owner.id = wanted.owner_id
WHERE NOT EXISTS (
    SELECT 1 FROM wallets_account AS account
    WHERE account.owner_id = wanted.owner_id AND account.kind = %(kind)s
        AND account.asset = %(asset)s
)
ORDER BY wanted.owner_id
ON CONFLICT DO NOTHING
"""  # noqa: S608 -- a table name of ours

# NO KEY: rows that refer to a wallet may still be inserted by others meanwhile.
_LOCK = """
SELECT id, owner_id, balance, held, overdraft_limit, entry_count
FROM wallets_account
WHERE (owner_id = ANY(%(user_ids)s::uuid[]) AND kind = %(kind)s AND asset = %(asset)s)
    OR (id = ANY(%(account_ids)s::uuid[]) AND owner_id IS NOT NULL)
ORDER BY id
FOR NO KEY UPDATE
"""


def lock(*, user_ids: Collection[UUID], account_ids: Collection[UUID] = ()) -> list[WalletState]:
    """Create the wallets that users still lack, and lock them and ``account_ids``.

    Raises:
        TransactionManagementError: there is no transaction that could hold the locks.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("Wallets are locked inside a transaction.")
    wanted: dict[str, Any] = {
        "user_ids": list(user_ids),
        "account_ids": list(account_ids),
        "kind": AccountKind.WALLET.value,
        "asset": CREDIT,
    }
    with connection.cursor() as cursor:
        if user_ids:
            ids = [uuid7() for _ in user_ids]
            cursor.execute(_CREATE_MISSING, {**wanted, "ids": ids, "now": clock.now()})
        cursor.execute(_LOCK, wanted)
        return [WalletState(*row) for row in cursor.fetchall()]
