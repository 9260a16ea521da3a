"""What is written stays: the database refuses to change it or lose it."""

import pytest

from wallets.models import Entry, Grant, GrantBurn, Hold, Transaction
from wallets.services import capture_hold
from wallets.tests.database import refused, sql
from wallets.tests.factories import NOON

pytestmark = pytest.mark.django_db

APPEND_ONLY = {
    Transaction: {"memo": "Rewritten"},
    Entry: {"amount": 7},
    GrantBurn: {"amount": 7},
}


@pytest.mark.parametrize("model", APPEND_ONLY)
def test_append_only_row_refuses_change_and_deletion_through_the_orm(books, model):
    with refused("the books are only added to"):
        model.objects.update(**APPEND_ONLY[model])
    with refused("the books are only added to"):
        model.objects.all()._raw_delete("default")
    with refused("the books are only added to"):
        model.objects.first().save()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallets_transaction SET memo = 'Rewritten'",
        "UPDATE wallets_entry SET amount = 7",
        "UPDATE wallets_grantburn SET amount = 7",
        "DELETE FROM wallets_transaction",
        "DELETE FROM wallets_entry",
        "DELETE FROM wallets_grantburn",
        "DELETE FROM wallets_grant",
        "DELETE FROM wallets_hold",
    ],
)
def test_books_refuse_change_and_deletion_by_raw_sql(books, statement):
    with refused("the books are only added to"):
        sql(statement)


@pytest.mark.parametrize("table", ["transaction", "entry", "grantburn", "grant", "hold"])
def test_books_refuse_truncation(books, table):
    # Events of deferred constraints would refuse it first.
    sql("SET CONSTRAINTS ALL IMMEDIATE")

    with refused("TRUNCATE of .* is refused"):
        sql(f"TRUNCATE wallets_{table} CASCADE")


@pytest.mark.parametrize("model", [Grant, Hold])
def test_lot_and_hold_refuse_deletion_through_the_orm(books, model):
    with refused("the books are only added to"):
        model.objects.all()._raw_delete("default")


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 200},
        {"expires_at": NOON},
        {"source": "bonus"},
        {"is_promotional": True},
        {"cost_minor": 5, "cost_currency": "USD"},
        {"priority": 9},
    ],
)
def test_lot_keeps_its_terms(books, change):
    with refused("the books are only added to"):
        Grant.objects.update(**change)


def test_lot_refuses_new_terms_by_raw_sql_but_not_a_new_rest(books):
    with refused("the books are only added to"):
        sql("UPDATE wallets_grant SET amount = amount + 1")

    sql("UPDATE wallets_grant SET remaining = remaining - 1")


@pytest.mark.parametrize(
    "change", [{"amount": 30}, {"reference": "hold:2"}, {"expires_at": NOON}, {"fingerprint": "x"}]
)
def test_open_hold_keeps_its_terms(books, change):
    with refused("the books are only added to"):
        Hold.objects.update(**change)


def test_closed_hold_never_changes_again(books):
    capture_hold(hold_reference="hold:1", amount=5, reference="usage:2")

    with refused("the books are only added to"):
        Hold.objects.update(captured=6)
    with refused("the books are only added to"):
        sql("UPDATE wallets_hold SET status = 'open', closed_at = NULL, captured = 0")
