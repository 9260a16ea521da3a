from datetime import timedelta

import pytest

from common.ids import uuid7
from wallets import selectors
from wallets.selectors import Balance
from wallets.services import spend_credits
from wallets.tests.factories import FAR, give, hold, wallet

pytestmark = pytest.mark.django_db


def test_wallet_of_user_is_found_once_something_happened(user):
    assert selectors.wallet_of(user_id=user.id) is None

    give(user, 10)

    assert selectors.wallet_of(user_id=user.id) == wallet(user)


def test_balances_of_users_are_read_in_one_query(user, other_user, django_assert_num_queries):
    give(user, 100)
    hold(user, 30, expires_at=FAR)
    stranger = uuid7()

    with django_assert_num_queries(1):
        balances = selectors.balances_of([user.id, other_user.id, stranger])

    nothing = Balance(balance=0, held=0, available=0)
    assert balances == {
        user.id: Balance(balance=100, held=30, available=70),
        other_user.id: nothing,
        stranger: nothing,
    }


@pytest.mark.parametrize(("held", "left"), [(0, 40), (30, 40), (60, 60)])
def test_balances_leave_out_what_expired_before_any_sweep(user, held, left):
    give(user, 100, expires_at=FAR)
    give(user, 40)
    if held:
        hold(user, held, expires_at=FAR)

    before = selectors.balances_of([user.id], at=FAR - timedelta(microseconds=1))
    after = selectors.balances_of([user.id], at=FAR)

    assert before[user.id] == Balance(balance=140, held=held, available=140 - held)
    assert after[user.id] == Balance(balance=left, held=held, available=left - held)


def test_statement_has_a_users_own_changes_the_latest_first(user, other_user):
    give(user, 100)
    give(other_user, 7)
    spend_credits(user_id=user.id, amount=30, reference="usage:1")

    statement = selectors.transactions_for(user.id)

    assert [(entry.amount, entry.transaction.kind) for entry in statement] == [
        (-30, "usage"),
        (100, "purchase"),
    ]
