"""Proves the books, over the whole database. Each check names the rows that are wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

NAMED_ROWS = 20  # a check names this many culprits, and counts them all

# A hold may stay this long after its time: one sweep, with room for a slow one.
SWEEP_GRACE = timedelta(minutes=5)


class Culprit(NamedTuple):
    row: str
    detail: str


class Check(NamedTuple):
    """A promise, and the SQL that selects ``(row, detail)`` wherever it is broken."""

    name: str
    promise: str
    table: str
    culprits: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found: how many rows it looked at, how many are wrong, and some of those."""

    check: Check
    rows: int
    wrong: int
    culprits: list[Culprit]

    @property
    def is_failure(self) -> bool:
        return self.wrong > 0 and not self.check.is_warning


CHECKS = (
    Check(
        "transactions_balance",
        "Every transaction's entries sum to zero for each asset, and move its amount.",
        "wallets_transaction",
        """
        SELECT t.id, format('%s %s says %s, its entries move %s and are off by %s',
            t.kind, t.reference, t.amount, coalesce(moved.amount, 0), coalesce(moved.gap, 0))
        FROM wallets_transaction t LEFT JOIN (
            SELECT transaction_id, sum(gained) AS amount, max(abs(gap)) AS gap FROM (
                SELECT e.transaction_id, a.asset, sum(e.amount) AS gap,
                    coalesce(sum(e.amount) FILTER (WHERE e.amount > 0), 0) AS gained
                FROM wallets_entry e JOIN wallets_account a ON a.id = e.account_id
                GROUP BY e.transaction_id, a.asset
            ) AS by_asset GROUP BY transaction_id
        ) AS moved ON moved.transaction_id = t.id
        WHERE coalesce(moved.amount, 0) <> t.amount OR coalesce(moved.gap, 0) <> 0
        """,
    ),
    Check(
        "balances_equal_entries",
        "Every wallet's balance is the sum of its entries.",
        "wallets_account",
        """
        SELECT a.id, format('balance %s of %s entries; there are %s entries that sum to %s',
            a.balance, a.entry_count, coalesce(e.entries, 0), coalesce(e.amount, 0))
        FROM wallets_account a LEFT JOIN (
            SELECT account_id, count(*) AS entries, sum(amount) AS amount
            FROM wallets_entry GROUP BY account_id
        ) AS e ON e.account_id = a.id
        WHERE a.owner_id IS NOT NULL AND (a.balance, a.entry_count)
            IS DISTINCT FROM (coalesce(e.amount, 0), coalesce(e.entries, 0))
        """,
    ),
    Check(
        "entries_form_a_chain",
        "Every wallet's entries are numbered without gaps, and each carries the running balance.",
        "wallets_entry",
        """
        SELECT id, format('account %s: position %s with balance %s; expected %s with %s',
            account_id, position, balance_after, expected_position, expected_balance)
        FROM (
            SELECT id, account_id, position, balance_after,
                row_number() OVER running AS expected_position,
                sum(amount) OVER running AS expected_balance
            FROM wallets_entry WHERE position IS NOT NULL
            WINDOW running AS (PARTITION BY account_id ORDER BY position)
        ) AS chain
        WHERE position <> expected_position OR balance_after <> expected_balance
        """,
    ),
    Check(
        "system_accounts_cache_nothing",
        "System accounts are their entries and nothing else.",
        "wallets_account",
        """
        SELECT id, format('%s %s: balance %s, held %s', kind, asset, balance, held)
        FROM wallets_account
        WHERE owner_id IS NULL AND (balance, held, overdraft_limit, entry_count) <> (0, 0, 0, 0)
        UNION ALL
        SELECT e.id, format('entry on %s %s with position %s', a.kind, a.asset, e.position)
        FROM wallets_entry e JOIN wallets_account a ON a.id = e.account_id
        WHERE (a.owner_id IS NULL) <> (e.position IS NULL)
        """,
    ),
    Check(
        "held_equals_open_holds",
        "What a wallet holds is the sum of its open holds.",
        "wallets_account",
        """
        SELECT a.id, format('held %s, open holds %s', a.held, coalesce(h.amount, 0))
        FROM wallets_account a LEFT JOIN (
            SELECT account_id, sum(amount) AS amount FROM wallets_hold
            WHERE status = 'open' GROUP BY account_id
        ) AS h ON h.account_id = a.id
        WHERE a.held <> coalesce(h.amount, 0)
        """,
    ),
    Check(
        "holds_end_once",
        "A captured hold has its charge, a released one its release, an open one neither.",
        "wallets_hold",
        """
        SELECT h.id, format('%s is %s: captured %s, charged %s, released %s', h.reference,
            h.status, h.captured, charge.amount, release.id IS NOT NULL)
        FROM wallets_hold h
        LEFT JOIN wallets_transaction charge ON charge.hold_id = h.id AND charge.kind = 'usage'
        LEFT JOIN wallets_transaction release ON release.hold_id = h.id AND release.kind = 'release'
        WHERE (h.status = 'captured') AND (charge.id IS NULL OR charge.amount < h.captured)
            OR (h.status = 'released') <> (release.id IS NOT NULL)
            OR (h.status = 'open' AND charge.id IS NOT NULL)
        """,
    ),
    Check(
        "grants_equal_balances",
        "The open lots of a wallet sum to its balance, or to nothing while it owes.",
        "wallets_account",
        """
        SELECT a.id, format('balance %s, open lots %s', a.balance, coalesce(g.remaining, 0))
        FROM wallets_account a LEFT JOIN (
            SELECT account_id, sum(remaining) AS remaining FROM wallets_grant GROUP BY account_id
        ) AS g ON g.account_id = a.id
        WHERE greatest(a.balance, 0) <> coalesce(g.remaining, 0)
        """,
    ),
    Check(
        "grants_equal_burns",
        "What is left of a lot is its amount without what was burned and not given back.",
        "wallets_grant",
        """
        SELECT g.id, format('%s left of %s, burned %s', g.remaining, g.amount,
            coalesce(b.amount, 0))
        FROM wallets_grant g LEFT JOIN (
            SELECT grant_id, sum(amount) AS amount FROM wallets_grantburn GROUP BY grant_id
        ) AS b ON b.grant_id = g.id
        WHERE g.remaining <> g.amount - coalesce(b.amount, 0)
        """,
    ),
    Check(
        "lots_move_with_entries",
        "Every transaction opens and burns lots by as much as it moves the balance above zero.",
        "wallets_entry",
        """
        SELECT e.id, format('transaction %s moves account %s by %s to %s, its lots by %s',
            e.transaction_id, e.account_id, e.amount, e.balance_after, coalesce(l.amount, 0))
        FROM wallets_entry e LEFT JOIN (
            SELECT transaction_id, account_id, sum(amount) AS amount FROM (
                SELECT transaction_id, account_id, amount FROM wallets_grant
                UNION ALL
                SELECT b.transaction_id, g.account_id, -b.amount
                FROM wallets_grantburn b JOIN wallets_grant g ON g.id = b.grant_id
            ) AS moves GROUP BY transaction_id, account_id
        ) AS l ON l.transaction_id = e.transaction_id AND l.account_id = e.account_id
        WHERE e.position IS NOT NULL AND coalesce(l.amount, 0)
            <> greatest(e.balance_after, 0) - greatest(e.balance_after - e.amount, 0)
        """,
    ),
    Check(
        "reversals_match",
        "A reversal moves what the original moved; what it could not move is its shortfall.",
        "wallets_transaction",
        """
        SELECT r.id, format('moves %s and misses %s of the %s of %s', r.amount, r.shortfall,
            original.amount, original.id)
        FROM wallets_transaction r JOIN wallets_transaction original ON original.id = r.reverses_id
        WHERE r.amount + r.shortfall <> original.amount
            OR r.account_id IS DISTINCT FROM original.account_id
        """,
    ),
)
STALE_HOLDS = Check(
    "no_hold_outlives_its_time",
    "No hold is open longer than its time and one sweep.",
    "wallets_hold",
    """
    SELECT id, reference || ' expired at ' || expires_at
    FROM wallets_hold WHERE status = 'open' AND expires_at < %(stale_before)s
    """,
    is_warning=True,
)


def verify(*, now: datetime) -> Iterator[Finding]:
    """Run every check, one after the other, on one snapshot of the database."""
    with _snapshot():
        for check in CHECKS:
            yield _run(check)
        yield _run(STALE_HOLDS, stale_before=now - SWEEP_GRACE)


@contextmanager
def _snapshot() -> Iterator[None]:
    """See one moment: what is committed meanwhile must not look like a fault."""
    is_own = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_own:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")  # the whole ledger takes its time
        yield


def _run(check: Check, **parameters: datetime) -> Finding:
    named = f"SELECT *, count(*) OVER () FROM ({check.culprits}) AS culprits LIMIT {NAMED_ROWS}"  # noqa: S608 -- constants
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {check.table}")  # noqa: S608 -- constants
        rows: int = cursor.fetchone()[0]
        cursor.execute(named, parameters or None)
        found = cursor.fetchall()
    return Finding(
        check=check,
        rows=rows,
        wrong=found[0][2] if found else 0,
        culprits=[Culprit(str(row), detail) for row, detail, _ in found],
    )
