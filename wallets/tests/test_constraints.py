"""What the database itself refuses, through the ORM and through raw SQL."""

import pytest
from django.db.models import F

from common.ids import uuid7
from wallets.enums import AccountKind
from wallets.models import Account, Entry, Grant, GrantBurn, Hold, Transaction
from wallets.planning.state import SystemAccount
from wallets.services import capture_hold, reverse_transaction
from wallets.tests.database import refused, sql
from wallets.tests.factories import FAR, NOON, new_reference

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"balance": 19}, "account_not_overdrawn"),
        ({"held": 61}, "account_not_overdrawn"),
        ({"balance": F("balance") - 61}, "account_not_overdrawn"),
        ({"held": -1}, "account_held_and_limit_not_negative"),
        ({"overdraft_limit": -1}, "account_held_and_limit_not_negative"),
        ({"entry_count": -1}, "account_held_and_limit_not_negative"),
        ({"kind": "usage"}, "account_owned_exactly_when_wallet"),
        ({"kind": "piggy_bank"}, "account_kind_is_one_we_know|account_owned_exactly_when_wallet"),
        ({"owner": None}, "account_owned_exactly_when_wallet|system_account_caches_nothing"),
    ],
)
def test_wallet_that_breaks_a_rule_is_refused(books, change, constraint):
    with refused(constraint):
        Account.objects.filter(pk=books.pk).update(**change)


def test_wallet_overdrawn_by_raw_sql_is_refused(books):
    with refused("account_not_overdrawn"):
        sql("UPDATE wallets_account SET balance = -1 WHERE id = %s", books.pk)


def test_wallet_of_a_user_exists_once(books, user):
    with refused("account_once_per_owner_kind_and_asset"):
        Account.objects.create(owner=user, kind=AccountKind.WALLET, asset="CREDIT")


def test_system_account_exists_once(books):
    with refused("system_account_once_per_kind_and_asset"):
        Account.objects.create(kind=AccountKind.USAGE, asset="CREDIT")


def test_system_account_that_caches_a_balance_is_refused(books):
    with refused("system_account_caches_nothing"):
        Account.objects.filter(kind=AccountKind.USAGE).update(balance=5)


def make_transaction(**terms):
    terms = {
        "kind": "usage",
        "reference": new_reference(),
        "fingerprint": "",
        "amount": 0,
        "shortfall": 0,
    } | terms
    return Transaction.objects.create(**terms)


@pytest.mark.parametrize(
    ("terms", "constraint"),
    [
        ({"reference": "usage:1"}, "transaction_once_per_reference"),
        ({"amount": -1}, "transaction_amounts_not_negative"),
        ({"shortfall": -1}, "transaction_amounts_not_negative"),
        ({"kind": "theft"}, "transaction_kind_is_one_we_know"),
        ({"kind": "reversal"}, "transaction_reverses_exactly_when_reversal"),
    ],
)
def test_transaction_that_breaks_a_rule_is_refused(books, terms, constraint):
    with refused(constraint):
        make_transaction(**terms)


def test_transaction_that_reverses_without_being_a_reversal_is_refused(books):
    with refused("transaction_reverses_exactly_when_reversal"):
        make_transaction(reverses=Transaction.objects.get(reference="usage:1"))


def test_transaction_is_reversed_once(books):
    charge = Transaction.objects.get(reference="usage:1")
    reverse_transaction(transaction_id=charge.id, reason="Oops", actor_id=None)

    with refused("reverses_id"):
        make_transaction(kind="reversal", reverses=charge)


def test_hold_is_charged_once(books):
    capture_hold(hold_reference="hold:1", amount=5, reference="usage:2")

    with refused("hold_charged_and_released_at_most_once"):
        make_transaction(hold=Hold.objects.get())


def entries(transaction_row, *moves):
    return [
        Entry(
            transaction=transaction_row,
            account_id=SystemAccount(AccountKind(kind)).id,
            amount=amount,
        )
        for kind, amount in moves
    ]


def test_balanced_entries_are_accepted_and_unbalanced_ones_refused(books):
    row = make_transaction()
    with refused(f"entries of transaction {row.id} do not sum to zero"):
        Entry.objects.bulk_create(entries(row, ("usage", 5), ("credits_sold", -4)))

    Entry.objects.bulk_create(entries(row, ("usage", 5), ("credits_sold", -5)))


def test_unbalanced_entry_by_raw_sql_is_refused(books):
    row = make_transaction()

    with refused("do not sum to zero"):
        sql(
            "INSERT INTO wallets_entry (id, transaction_id, account_id, amount, created_at)"
            " VALUES (%s, %s, %s, 5, now())",
            uuid7(),
            row.id,
            SystemAccount(AccountKind.USAGE).id,
        )


def test_entries_of_two_assets_do_not_balance_each_other(books):
    usd = Account.objects.create(kind=AccountKind.REVENUE, asset="USD")
    row = make_transaction()
    mixed = [*entries(row, ("usage", 5)), Entry(transaction=row, account=usd, amount=-5)]

    with refused("do not sum to zero"):
        Entry.objects.bulk_create(mixed)


def test_more_entries_for_a_transaction_that_has_its_own_are_refused(books):
    charge = Transaction.objects.get(reference="usage:1")

    with refused(f"transaction {charge.id} already has its entries"):
        Entry.objects.bulk_create(entries(charge, ("usage", 5), ("credits_sold", -5)))


@pytest.mark.parametrize(
    ("terms", "constraint"),
    [
        ({"amount": 0}, "entry_moves_something"),
        ({"position": 7}, "entry_has_balance_exactly_with_position"),
        ({"balance_after": 7}, "entry_has_balance_exactly_with_position"),
        ({"position": 0, "balance_after": 7}, "entry_has_balance_exactly_with_position"),
        ({"position": 2, "balance_after": 7}, "entry_once_per_position_of_a_wallet"),
    ],
)
def test_entry_that_breaks_a_rule_is_refused(books, terms, constraint):
    row = make_transaction()
    terms = {"transaction": row, "account": books, "amount": 5} | terms

    with refused(constraint):
        Entry.objects.bulk_create([Entry(**terms), *entries(row, ("usage", -5))])


@pytest.mark.parametrize(
    ("terms", "constraint"),
    [
        ({"amount": 0, "remaining": 0}, "grant_amount_positive"),
        ({"remaining": -1}, "grant_remaining_within_amount"),
        ({"remaining": 11}, "grant_remaining_within_amount"),
        ({"source": "theft"}, "grant_source_is_one_we_know"),
        ({"cost_minor": 5}, "grant_cost_has_currency"),
        ({"cost_minor": -5, "cost_currency": "USD"}, "grant_cost_has_currency"),
    ],
)
def test_grant_that_breaks_a_rule_is_refused(books, terms, constraint):
    terms = {
        "account": books,
        "transaction": Transaction.objects.get(kind="purchase"),
        "source": "bonus",
        "is_promotional": True,
        "amount": 10,
        "remaining": 10,
        "cost_minor": 0,
        "priority": 0,
    } | terms

    with refused(constraint):
        Grant.objects.create(**terms)


def test_burn_of_nothing_and_a_second_burn_of_one_transaction_are_refused(books):
    burn = GrantBurn.objects.get()

    with refused("burn_takes_something"):
        GrantBurn.objects.create(transaction=burn.grant.transaction, grant=burn.grant, amount=0)
    with refused("burn_once_per_transaction_and_grant"):
        GrantBurn.objects.create(transaction=burn.transaction, grant=burn.grant, amount=1)


@pytest.mark.parametrize(
    ("terms", "constraint"),
    [
        ({"reference": "hold:1"}, "hold_once_per_reference"),
        ({"amount": 0}, "hold_amount_positive"),
        ({"captured": -1}, "hold_captured_within_amount"),
        ({"captured": 1}, "hold_captured_within_amount"),
        (
            {"captured": 11, "status": "captured", "closed_at": NOON},
            "hold_captured_within_amount",
        ),
        ({"status": "lost", "closed_at": NOON}, "hold_status_is_one_we_know"),
        ({"status": "released"}, "hold_closed_exactly_when_dated"),
        ({"closed_at": NOON}, "hold_closed_exactly_when_dated"),
    ],
)
def test_hold_that_breaks_a_rule_is_refused(books, terms, constraint):
    terms = {
        "account": books,
        "reference": "hold:2",
        "fingerprint": "",
        "amount": 10,
        "expires_at": FAR,
    } | terms

    with refused(constraint):
        Hold.objects.create(**terms)
