"""Writes what a batch decided: one statement for each table, whatever its size.

Rows go over as one array for each column. References are inserted in their
order, so that two batches that fight over the same ones queue instead of
deadlocking.
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from wallets.planning.state import EntryRow, Plan, SystemAccount


class _Statement(NamedTuple):
    """SQL that takes ``%(now)s`` and an array for each of ``columns``."""

    columns: tuple[str, ...]
    sql: str


_SYSTEM_ACCOUNTS = _Statement(
    ("id", "kind", "asset"),
    """
    INSERT INTO wallets_account
        (id, kind, asset, balance, held, overdraft_limit, entry_count, created_at, updated_at)
    SELECT fresh.id, fresh.kind, fresh.asset, 0, 0, 0, 0, %(now)s, %(now)s
    FROM unnest(%(id)s::uuid[], %(kind)s::text[], %(asset)s::text[]) AS fresh (id, kind, asset)
    ON CONFLICT DO NOTHING
    """,
)
_TRANSACTIONS = _Statement(
    ("id", "kind", "reference", "fingerprint", "account_id", "hold_id", "reverses_id", "amount",
     "shortfall", "memo", "actor_id"),
    """
    INSERT INTO wallets_transaction (id, kind, reference, fingerprint, account_id, hold_id,
        reverses_id, amount, shortfall, memo, actor_id, created_at)
    SELECT fresh.*, %(now)s
    FROM unnest(%(id)s::uuid[], %(kind)s::text[], %(reference)s::text[], %(fingerprint)s::text[],
        %(account_id)s::uuid[], %(hold_id)s::uuid[], %(reverses_id)s::uuid[],
        %(amount)s::bigint[], %(shortfall)s::bigint[], %(memo)s::text[], %(actor_id)s::uuid[]
    ) AS fresh
    """,
)  # fmt: skip
_ENTRIES = _Statement(
    EntryRow._fields,
    """
    INSERT INTO wallets_entry
        (id, transaction_id, account_id, amount, balance_after, position, created_at)
    SELECT fresh.*, %(now)s
    FROM unnest(%(id)s::uuid[], %(transaction_id)s::uuid[], %(account)s::uuid[],
        %(amount)s::bigint[], %(balance_after)s::bigint[], %(position)s::bigint[]) AS fresh
    """,
)
_NEW_LOTS = _Statement(
    ("id", "account_id", "transaction_id", "source", "is_promotional", "amount", "remaining",
     "cost_minor", "cost_currency", "expires_at", "priority"),
    """
    INSERT INTO wallets_grant (id, account_id, transaction_id, source, is_promotional, amount,
        remaining, cost_minor, cost_currency, expires_at, priority, created_at, updated_at)
    SELECT fresh.*, %(now)s, %(now)s
    FROM unnest(%(id)s::uuid[], %(account_id)s::uuid[], %(transaction_id)s::uuid[],
        %(source)s::text[], %(is_promotional)s::boolean[], %(amount)s::bigint[],
        %(remaining)s::bigint[], %(cost_minor)s::bigint[], %(cost_currency)s::text[],
        %(expires_at)s::timestamptz[], %(priority)s::smallint[]) AS fresh
    """,
)  # fmt: skip
_BURNS = _Statement(
    ("transaction_id", "lot_id", "amount"),
    """
    INSERT INTO wallets_grantburn (transaction_id, grant_id, amount)
    SELECT * FROM unnest(%(transaction_id)s::uuid[], %(lot_id)s::uuid[], %(amount)s::bigint[])
    """,
)
_NEW_HOLDS = _Statement(
    ("id", "account_id", "reference", "fingerprint", "amount", "captured", "status", "expires_at"),
    """
    INSERT INTO wallets_hold (id, account_id, reference, fingerprint, amount, captured, status,
        expires_at, closed_at, created_at, updated_at)
    SELECT fresh.*, CASE WHEN fresh.status <> 'open' THEN %(now)s::timestamptz END,
        %(now)s, %(now)s
    FROM unnest(%(id)s::uuid[], %(account_id)s::uuid[], %(reference)s::text[],
        %(fingerprint)s::text[], %(amount)s::bigint[], %(captured)s::bigint[],
        %(status)s::text[], %(expires_at)s::timestamptz[]
    ) AS fresh (id, account_id, reference, fingerprint, amount, captured, status, expires_at)
    """,
)
_CLOSED_HOLDS = _Statement(
    ("id", "captured", "status"),
    """
    UPDATE wallets_hold AS hold SET captured = changed.captured, status = changed.status,
        closed_at = %(now)s, updated_at = %(now)s
    FROM unnest(%(id)s::uuid[], %(captured)s::bigint[], %(status)s::text[])
        AS changed (id, captured, status)
    WHERE hold.id = changed.id
    """,
)
_BURNED_LOTS = _Statement(
    ("id", "remaining"),
    """
    UPDATE wallets_grant AS lot SET remaining = changed.remaining, updated_at = %(now)s
    FROM unnest(%(id)s::uuid[], %(remaining)s::bigint[]) AS changed (id, remaining)
    WHERE lot.id = changed.id
    """,
)
_WALLETS = _Statement(
    ("id", "balance", "held", "overdraft_limit", "entry_count"),
    """
    UPDATE wallets_account AS account SET balance = changed.balance, held = changed.held,
        overdraft_limit = changed.overdraft_limit, entry_count = changed.entry_count,
        updated_at = %(now)s
    FROM unnest(%(id)s::uuid[], %(balance)s::bigint[], %(held)s::bigint[],
        %(overdraft_limit)s::bigint[], %(entry_count)s::bigint[]
    ) AS changed (id, balance, held, overdraft_limit, entry_count)
    WHERE account.id = changed.id
    """,
)


class _AccountRow(NamedTuple):
    id: UUID
    kind: str
    asset: str


def write_plan(plan: Plan, *, now: datetime) -> None:
    """Make a plan true, in the transaction that holds its locks."""
    entries, system_accounts = _named_accounts(plan.entries)
    new_lots = {lot.id for lot in plan.new_lots}
    new_holds = {hold.id for hold in plan.new_holds}
    burned = [lot for lot in plan.lots.values() if lot.id not in new_lots]
    closed = [hold for hold in plan.closed_holds.values() if hold.id not in new_holds]

    _write(_SYSTEM_ACCOUNTS, system_accounts, now)
    _write(_NEW_HOLDS, sorted(plan.new_holds, key=attrgetter("reference")), now)
    _write(_TRANSACTIONS, sorted(plan.transactions, key=attrgetter("reference")), now)
    _write(_ENTRIES, entries, now)
    _write(_NEW_LOTS, plan.new_lots, now)
    _write(_BURNS, plan.burns, now)
    _write(_CLOSED_HOLDS, closed, now)
    _write(_BURNED_LOTS, burned, now)
    _write(_WALLETS, list(plan.wallets.values()), now)


def _named_accounts(entries: Sequence[EntryRow]) -> tuple[list[EntryRow], list[_AccountRow]]:
    """Entries with ids for their system accounts, and those accounts in the order of their ids."""
    named = {entry.account for entry in entries if isinstance(entry.account, SystemAccount)}
    ids = {account: account.id for account in named}
    rows = sorted(_AccountRow(ids[account], *account) for account in named)
    return [
        entry._replace(account=ids[entry.account])
        if isinstance(entry.account, SystemAccount)
        else entry
        for entry in entries
    ], rows


def _write(statement: _Statement, rows: Sequence[Any], now: datetime) -> None:
    if not rows:
        return
    arrays = zip(*map(attrgetter(*statement.columns), rows), strict=True)
    parameters: dict[str, Any] = dict(zip(statement.columns, map(list, arrays), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, parameters | {"now": now})
