"""Reads what a batch needs, in a number of statements that does not depend on its size."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from wallets.locking import lock
from wallets.operations import (
    CaptureHold,
    ExpireGrants,
    ExpireHold,
    Grant,
    LimitOverdraft,
    Operation,
    PlaceHold,
    ReleaseHold,
    Reverse,
    Spend,
    Transfer,
)
from wallets.planning.checks import is_storable
from wallets.planning.lots import burn_rank
from wallets.planning.state import Books, Done, HoldState, LotState, OriginalState

# Whose accounts a hold or a transaction concerns never changes: safe to read before the locks.
_ACCOUNTS_OF_HOLDS = "SELECT account_id FROM wallets_hold WHERE reference = ANY(%s)"
_ACCOUNTS_OF_ORIGINALS = """
SELECT transaction_id, account_id FROM wallets_entry
WHERE transaction_id = ANY(%(ids)s::uuid[])
UNION
SELECT id, account_id FROM wallets_transaction
WHERE id = ANY(%(ids)s::uuid[]) AND account_id IS NOT NULL
"""

_POSTED = """
SELECT reference, fingerprint, id, hold_id, account_id, amount, shortfall
FROM wallets_transaction WHERE reference = ANY(%s)
"""

_HOLDS = """
SELECT id, account_id, reference, fingerprint, amount, status, expires_at,
    status = 'captured' OR (status <> 'open' AND EXISTS (
        SELECT 1 FROM wallets_transaction
        WHERE hold_id = wallets_hold.id AND kind = 'usage'
    ))
FROM wallets_hold WHERE reference = ANY(%s)
"""

_LOT_COLUMNS = """
id, account_id, transaction_id, source, is_promotional, amount, remaining, cost_minor,
cost_currency, expires_at, priority, created_at
"""
_OPEN_LOTS = f"""
SELECT {_LOT_COLUMNS} FROM wallets_grant WHERE account_id = ANY(%s::uuid[]) AND is_open
"""  # noqa: S608 -- constants
_LOTS_OF_ORIGINALS = f"""
SELECT {_LOT_COLUMNS} FROM wallets_grant
WHERE transaction_id = ANY(%(ids)s::uuid[]) OR id IN (
    SELECT grant_id FROM wallets_grantburn WHERE transaction_id = ANY(%(ids)s::uuid[])
)
"""  # noqa: S608 -- constants

_ORIGINALS = """
SELECT original.id, original.kind, original.account_id, original.amount,
    EXISTS (SELECT 1 FROM wallets_transaction WHERE reverses_id = original.id)
FROM wallets_transaction AS original WHERE original.id = ANY(%s::uuid[])
"""
_ENTRIES_OF_ORIGINALS = """
SELECT transaction_id, account_id, amount FROM wallets_entry
WHERE transaction_id = ANY(%s::uuid[])
"""
_BURNS_OF_ORIGINALS = """
SELECT transaction_id, grant_id, amount FROM wallets_grantburn
WHERE transaction_id = ANY(%s::uuid[])
"""


class _Wanted(NamedTuple):
    """What the operations of a batch refer to."""

    user_ids: set[UUID]
    references: set[str]
    hold_references: set[str]
    closing_references: set[str]
    original_ids: set[UUID]


def load_books(operations: Sequence[Operation]) -> Books:
    """Lock every wallet that ``operations`` may touch, then read what they may need."""
    wanted = _wanted(operations)
    accounts_of_originals = _accounts_of_originals(wanted)
    account_ids = _accounts_of_holds(wanted).union(*accounts_of_originals.values())
    books = Books()
    for wallet in lock(user_ids=wanted.user_ids, account_ids=account_ids):
        books.add_wallet(wallet)
    for reference, *done in _rows(_POSTED, list(wanted.references)):
        books.posted[reference] = Done(*done)
    for row in _rows(_HOLDS, list(wanted.hold_references)):
        hold = HoldState(*row)
        books.holds[hold.reference] = hold
    _add_lots(books, _rows(_OPEN_LOTS, list(books.wallets)))
    _load_originals(books, list(accounts_of_originals))
    for wallet in books.wallets.values():
        wallet.lots.sort(key=burn_rank)
    return books


def _wanted(operations: Iterable[Operation]) -> _Wanted:
    wanted = _Wanted(set(), set(), set(), set(), set())
    for operation in operations:
        match operation:
            case Grant() | Spend() | PlaceHold() | LimitOverdraft() | ExpireGrants():
                wanted.user_ids.add(operation.user_id)
            case Transfer():
                wanted.user_ids.update((operation.sender_id, operation.receiver_id))
            case Reverse():
                wanted.original_ids.add(operation.transaction_id)
            case CaptureHold() | ReleaseHold() | ExpireHold():
                if is_storable(operation.hold_reference):
                    wanted.closing_references.add(operation.hold_reference)
        _add_reference(wanted, operation)
    wanted.hold_references.update(wanted.closing_references)
    return wanted


def _add_reference(wanted: _Wanted, operation: Operation) -> None:
    if isinstance(operation, ExpireHold | ExpireGrants) or not is_storable(operation.reference):
        return
    if isinstance(operation, PlaceHold):
        wanted.hold_references.add(operation.reference)
    else:
        wanted.references.add(operation.reference)


def _accounts_of_holds(wanted: _Wanted) -> set[UUID]:
    return {row[0] for row in _rows(_ACCOUNTS_OF_HOLDS, list(wanted.closing_references))}


def _accounts_of_originals(wanted: _Wanted) -> dict[UUID, set[UUID]]:
    """Map each transaction to reverse, as far as there is one, to the accounts it moved."""
    accounts: dict[UUID, set[UUID]] = {}
    ids = list(wanted.original_ids)
    for transaction_id, account_id in _rows(_ACCOUNTS_OF_ORIGINALS, {"ids": ids} if ids else {}):
        accounts.setdefault(transaction_id, set()).add(account_id)
    return accounts


def _load_originals(books: Books, ids: list[UUID]) -> None:
    for row in _rows(_ORIGINALS, ids):
        original = OriginalState(*row)
        books.originals[original.id] = original
    for transaction_id, account_id, amount in _rows(_ENTRIES_OF_ORIGINALS, ids):
        books.originals[transaction_id].entries.append((account_id, amount))
    for transaction_id, grant_id, amount in _rows(_BURNS_OF_ORIGINALS, ids):
        books.originals[transaction_id].burns.append((grant_id, amount))
    lots = _rows(_LOTS_OF_ORIGINALS, {"ids": ids} if ids else {})
    for lot in _add_lots(books, lots):
        if lot.transaction_id in books.originals:
            books.originals[lot.transaction_id].lot_ids.append(lot.id)


def _add_lots(books: Books, rows: Iterable[tuple[Any, ...]]) -> list[LotState]:
    """Add lots once each: a lot that is both open and part of an original is one object."""
    lots = []
    for row in rows:
        lot = books.lots.get(row[0])
        if lot is None:
            lot = LotState(*row)
            books.lots[lot.id] = lot
            if lot.remaining:
                books.wallets[lot.account_id].lots.append(lot)
        lots.append(lot)
    return lots


def _rows(sql: str, parameters: list[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement whose parameters are one list, or named ones."""
    if not parameters:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters if isinstance(parameters, dict) else [parameters])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
