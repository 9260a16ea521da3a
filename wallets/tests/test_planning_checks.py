"""What the planner refuses before it moves anything: no database."""

from uuid import UUID

import pytest

from common.errors import Invalid, NotFound
from wallets.enums import GrantSource
from wallets.operations import Grant, PlaceHold, Transfer
from wallets.planning.checks import MAX_AMOUNT, MAX_BALANCE
from wallets.planning.planner import plan_batch
from wallets.tests.books import errors, make_books, make_lot, spend
from wallets.tests.factories import NOON, TOMORROW


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": MAX_AMOUNT + 1}, "amount"),
        ({"source": GrantSource.TRANSFER}, "source"),
        ({"priority": 2**15}, "priority"),
        ({"cost_minor": -1}, "cost_minor"),
        ({"cost_minor": 5}, "cost_currency"),
        ({"cost_minor": 5, "cost_currency": "XXX"}, "cost_currency"),
        ({"reference": ""}, "reference"),
        ({"reference": "x" * 201}, "reference"),
        ({"reference": "a\x00b"}, "reference"),
        ({"reference": "a\ud800b"}, "reference"),
        ({"memo": "x" * 501}, "memo"),
        ({"memo": "a\x00b"}, "memo"),
    ],
)
def test_grant_with_a_value_out_of_range_is_refused_and_names_it(terms, field):
    books, wallet = make_books()
    terms = {"amount": 1, "source": GrantSource.BONUS, "reference": "g"} | terms

    outcomes, plan = plan_batch([Grant(user_id=wallet.user_id, **terms)], books=books, now=NOON)

    assert (errors(outcomes), outcomes[0].error.field) == ([Invalid], field)
    assert (plan.transactions, wallet.balance) == ([], 0)


def test_reference_and_memo_may_hold_any_script():
    books, wallet = make_books(make_lot(10))

    outcomes, _ = plan_batch(
        [spend(wallet, 1, "usage:কথা", memo="emoji \U0001f600")], books=books, now=NOON
    )

    assert errors(outcomes) == [type(None)]


def test_wallet_never_holds_more_than_the_column_can_count():
    books, wallet = make_books()
    wallet.balance = MAX_BALANCE - 1
    grant = Grant(user_id=wallet.user_id, amount=2, source=GrantSource.BONUS, reference="g")

    outcomes, _ = plan_batch([grant], books=books, now=NOON)

    assert errors(outcomes) == [Invalid]


@pytest.mark.parametrize("side", ["sender_id", "receiver_id"])
def test_transfer_with_an_unknown_user_names_the_side(side):
    books, wallet = make_books(make_lot(10))
    sides = {"sender_id": wallet.user_id, "receiver_id": wallet.user_id} | {side: UUID(int=1)}

    outcomes, _ = plan_batch([Transfer(amount=1, reference="t", **sides)], books=books, now=NOON)

    assert (errors(outcomes), outcomes[0].error.field) == ([NotFound], side)


def test_same_content_has_the_same_fingerprint_whatever_the_memo_and_times():
    terms = {"user_id": UUID(int=1), "amount": 5, "reference": "h"}

    first = PlaceHold(expires_at=NOON, **terms)
    retry = PlaceHold(expires_at=TOMORROW, **terms)
    other = PlaceHold(expires_at=NOON, **(terms | {"amount": 6}))

    assert first.fingerprint() == retry.fingerprint() != other.fingerprint()
