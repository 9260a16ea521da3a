from datetime import timedelta
from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from common import clock
from common.ids import uuid7
from common.testing import run_concurrently
from wallets.enums import GrantSource
from wallets.models import Account, Entry, Grant, Hold, Transaction
from wallets.services import (
    capture_hold,
    record_money_received,
    reverse_transaction,
    spend_credits,
    transfer_credits,
)
from wallets.tests.factories import FAR, NOON, give, hold, wallet
from wallets.verification import CHECKS, NAMED_ROWS, STALE_HOLDS, verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(user, other_user):
    """A ledger in which every kind of row occurs."""
    give(user, 100, expires_at=FAR)
    give(user, 50, source=GrantSource.BONUS)
    spend_credits(user_id=user.id, amount=10, reference="usage:1")
    capture_hold(
        hold_reference=hold(user, 20, reference="captured", expires_at=FAR),
        amount=15,
        reference="usage:2",
    )
    hold(user, 5, reference="open", expires_at=FAR)
    transfer_credits(
        sender_id=user.id, receiver_id=other_user.id, amount=30, reference="transfer:1"
    )
    charge = Transaction.objects.get(reference="usage:1")
    reverse_transaction(transaction_id=charge.id, reason="Oops", actor_id=None)
    record_money_received(amount_minor=1250, currency="USD", reference="payment:1")
    return wallet(user)


def corrupt(statement, *parameters):
    """Change the books behind the back of every trigger and constraint."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def broken():
    """The names of the checks that fail, and the rows they name."""
    return {
        finding.check.name: [culprit.row for culprit in finding.culprits]
        for finding in verify(now=NOON)
        if finding.wrong
    }


def test_books_kept_by_the_services_are_right(books):
    assert broken() == {}


def test_every_check_says_how_many_rows_it_looked_at(books):
    rows = {finding.check.name: finding.rows for finding in verify(now=NOON)}

    assert set(rows) == {check.name for check in (*CHECKS, STALE_HOLDS)}
    assert rows["transactions_balance"] == Transaction.objects.count()
    assert rows["entries_form_a_chain"] == Entry.objects.count()
    assert rows["grants_equal_burns"] == Grant.objects.count()


def test_unbalanced_transaction_is_named(books):
    entry = Entry.objects.get(account=books, transaction__reference="usage:1")
    corrupt("UPDATE wallets_entry SET amount = amount - 1 WHERE id = %s", entry.id)

    found = broken()

    assert found["transactions_balance"] == [str(entry.transaction_id)]
    assert found["balances_equal_entries"] == [str(books.id)]
    assert str(entry.id) in found["entries_form_a_chain"]


def test_transaction_that_lost_its_entries_is_named(books):
    row = Transaction.objects.get(reference="payment:1")
    corrupt("DELETE FROM wallets_entry WHERE transaction_id = %s", row.id)

    assert broken() == {"transactions_balance": [str(row.id)]}


def test_wrong_balance_is_named(books):
    corrupt("UPDATE wallets_account SET balance = balance + 1 WHERE id = %s", books.id)

    assert broken() == {
        "balances_equal_entries": [str(books.id)],
        "grants_equal_balances": [str(books.id)],
    }


def test_wrong_running_balance_and_gap_are_named(books):
    last = Entry.objects.filter(account=books).order_by("position").last()
    corrupt("UPDATE wallets_entry SET position = 99 WHERE id = %s", last.id)

    assert broken() == {"entries_form_a_chain": [str(last.id)]}


def test_system_account_with_a_position_is_named(books):
    entry = Entry.objects.get(account__kind="revenue")
    corrupt("UPDATE wallets_entry SET position = 1, balance_after = amount WHERE id = %s", entry.id)

    assert broken()["system_accounts_cache_nothing"] == [str(entry.id)]


def test_wrong_held_amount_is_named(books):
    corrupt("UPDATE wallets_account SET held = held + 1 WHERE id = %s", books.id)

    assert broken() == {"held_equals_open_holds": [str(books.id)]}


@pytest.mark.parametrize(
    ("reference", "status"), [("captured", "released"), ("open", "captured"), ("open", "released")]
)
def test_hold_that_did_not_end_as_it_says_is_named(books, reference, status):
    closed = Hold.objects.get(reference=reference)
    corrupt(
        "UPDATE wallets_hold SET status = %s, captured = 0, closed_at = now() WHERE id = %s",
        status,
        closed.id,
    )

    assert broken()["holds_end_once"] == [str(closed.id)]


def test_lot_that_is_not_what_its_burns_left_is_named(books):
    lot = Grant.objects.filter(account=books, remaining__gt=0).first()
    corrupt("UPDATE wallets_grant SET remaining = remaining - 1 WHERE id = %s", lot.id)

    assert broken() == {
        "grants_equal_burns": [str(lot.id)],
        "grants_equal_balances": [str(books.id)],
    }


def test_transaction_whose_lots_did_not_move_with_it_is_named(books):
    charge = Transaction.objects.get(reference="usage:2")
    burn = charge.burns.get()
    corrupt("UPDATE wallets_grantburn SET amount = amount + 1 WHERE id = %s", burn.id)

    assert broken() == {
        "grants_equal_burns": [str(burn.grant_id)],
        "lots_move_with_entries": [str(charge.entries.get(account=books).id)],
    }


def test_reversal_that_moved_something_else_is_named(books):
    reversal = Transaction.objects.get(kind="reversal")
    corrupt("UPDATE wallets_transaction SET shortfall = 1 WHERE id = %s", reversal.id)

    assert broken() == {"reversals_match": [str(reversal.id)]}


def test_hold_older_than_its_time_and_a_sweep_is_a_warning(books):
    finding = [*verify(now=FAR + timedelta(minutes=6))][-1]

    assert [*verify(now=FAR + timedelta(minutes=4))][-1].wrong == 0
    assert (finding.wrong, finding.is_failure) == (1, False)
    assert finding.culprits[0].row == str(Hold.objects.get(reference="open").id)


def test_many_wrong_rows_are_counted_and_some_are_named(books, user):
    count = NAMED_ROWS + 5
    ids = [uuid7() for _ in range(count)]
    corrupt(
        "INSERT INTO wallets_transaction"
        " (id, kind, reference, fingerprint, amount, shortfall, memo, created_at)"
        " SELECT id, 'usage', id::text, '', 5, 0, '', now() FROM unnest(%s::uuid[]) AS id",
        ids,
    )

    finding = next(verify(now=NOON))

    assert (finding.wrong, len(finding.culprits)) == (count, NAMED_ROWS)


def test_command_on_right_books_lists_every_check(books):
    out = StringIO()

    with clock.frozen(NOON):
        call_command("verify_ledger", stdout=out)

    lines = out.getvalue().splitlines()
    assert len(lines) == len(CHECKS) + 2
    assert lines[0] == f"[1/11] transactions_balance: {Transaction.objects.count()} rows, all right"
    assert lines[-1] == "The books are right."


def test_command_on_wrong_books_names_the_row_and_fails(books):
    corrupt("UPDATE wallets_account SET held = held + 1 WHERE id = %s", books.id)
    out = StringIO()

    with pytest.raises(CommandError, match="1 of 11 checks failed"):
        call_command("verify_ledger", stdout=out)

    assert f"wallets_account {books.id}: held 6, open holds 5" in out.getvalue()


def test_command_with_an_old_hold_warns_and_succeeds(books):
    out = StringIO()

    with clock.frozen(FAR + timedelta(days=1)):
        call_command("verify_ledger", stdout=out)

    assert "1 wrong. No hold is open longer" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_checks_outside_a_transaction_see_one_snapshot(user):
    give(user, 10)
    checks = verify(now=NOON)

    first = next(checks)
    run_concurrently([partial(Account.objects.filter(owner=user).update, held=5)])

    assert [finding.wrong for finding in (first, *checks)] == [0] * 11
    assert broken() == {"held_equals_open_holds": [str(wallet(user).id)]}
