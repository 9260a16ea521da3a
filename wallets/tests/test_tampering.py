"""Books changed behind the back of every trigger: found and named, or refused by a constraint."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from common import clock
from wallets.models import Entry, Grant, Hold, Transaction
from wallets.services import capture_hold, record_money_received, release_hold, spend_credits
from wallets.tests.factories import give, hold, wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(user):
    soon = clock.now() + timedelta(hours=1)
    give(user, 100)
    spend_credits(user_id=user.id, amount=10, reference="usage:1")
    spend_credits(user_id=user.id, amount=5, reference="usage:2")
    for name in ("captured", "released", "open"):
        hold(user, 20, reference=name, expires_at=soon)
    capture_hold(hold_reference="captured", amount=15, reference="usage:3")
    release_hold(hold_reference="released", reference="release:1")
    record_money_received(amount_minor=1250, currency="USD", reference="payment:1:money")
    return wallet(user)


def tamper(statement, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, parameters)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def report():
    """What the command says about wrong rows; it must fail."""
    out = StringIO()
    with pytest.raises(CommandError, match="checks failed"):
        call_command("verify_ledger", stdout=out)
    return out.getvalue()


def test_books_that_nobody_touched_pass(books):
    call_command("verify_ledger", stdout=StringIO())


def test_assets_do_not_balance_each_other(books):
    """An entry in dollars moved to the account of credits leaves both unbalanced."""
    row = Transaction.objects.get(reference="payment:1:money")
    sold = Entry.objects.filter(position=None, account__asset="CREDIT").first().account_id
    tamper(
        "UPDATE wallets_entry SET account_id = %s WHERE transaction_id = %s AND amount < 0",
        sold,
        row.id,
    )

    assert f"wallets_transaction {row.id}: receipt" in report()


def test_transaction_that_vanished_with_its_entries_is_missed(books):
    row = Transaction.objects.get(reference="usage:1")
    after = Entry.objects.get(account=books, transaction__reference="usage:2")
    tamper("DELETE FROM wallets_grantburn WHERE transaction_id = %s", row.id)
    tamper("DELETE FROM wallets_entry WHERE transaction_id = %s", row.id)
    tamper("DELETE FROM wallets_transaction WHERE id = %s", row.id)

    said = report()

    assert f"wallets_account {books.id}: balance 70 of 4 entries; there are 3" in said
    assert f"wallets_entry {after.id}: account {books.id}: position 3 with balance 85" in said


def test_both_sides_of_a_charge_changed_alike_are_found(books):
    """The transaction still balances; the running balance and the lots do not agree."""
    row = Transaction.objects.get(reference="usage:1")
    entry = Entry.objects.get(account=books, transaction=row)
    tamper("UPDATE wallets_entry SET amount = amount / 10 WHERE transaction_id = %s", row.id)
    tamper("UPDATE wallets_transaction SET amount = 1 WHERE id = %s", row.id)

    said = report()

    assert "transactions_balance: 6 rows, all right" in said
    assert f"wallets_account {books.id}: balance 70" in said
    assert f"wallets_entry {entry.id}" in said


def test_credits_moved_to_another_wallet_are_found(books, other_user):
    give(other_user, 1)
    entry = Entry.objects.get(account=books, transaction__reference="usage:1")
    target = wallet(other_user).id
    tamper(
        "UPDATE wallets_entry SET account_id = %s, position = 2, balance_after = -9 WHERE id = %s",
        target,
        entry.id,
    )

    said = report()

    assert f"wallets_account {books.id}: balance 70" in said
    assert f"wallets_account {target}: balance 1" in said


@pytest.mark.parametrize(
    ("reference", "name"), [("usage:3", "open"), ("release:1", "open"), ("release:1", "captured")]
)
def test_hold_that_ended_otherwise_or_twice_is_named(books, reference, name):
    other = Hold.objects.get(reference=name)
    tamper("UPDATE wallets_transaction SET hold_id = %s WHERE reference = %s", other.id, reference)

    assert f"wallets_hold {other.id}: {name} is" in report()


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE wallets_account SET balance = -1 WHERE owner_id IS NOT NULL", "account"),
        ("UPDATE wallets_account SET held = balance + 1 WHERE owner_id IS NOT NULL", "account"),
        ("UPDATE wallets_grant SET remaining = -1", "grant"),
        ("UPDATE wallets_grant SET remaining = amount + 1", "grant"),
    ],
)
def test_nothing_below_zero_can_be_written_at_all(books, statement, constraint):
    """Constraints hold even where triggers are switched off."""
    before = (wallet(books.owner).balance, Grant.objects.get().remaining)

    with pytest.raises(IntegrityError, match=f'check constraint "{constraint}'):
        tamper(statement)

    assert (wallet(books.owner).balance, Grant.objects.get().remaining) == before
