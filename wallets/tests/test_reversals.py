from datetime import timedelta

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from wallets.enums import GrantSource
from wallets.errors import AlreadyReversed, NotReversible, TransferSpent
from wallets.models import Entry, Transaction
from wallets.operations import Reverse
from wallets.services import (
    capture_hold,
    post_batch,
    record_money_received,
    release_hold,
    reverse_transaction,
    transfer_credits,
)
from wallets.tests.factories import NOON, TOMORROW, figures, give, hold, open_lots, reverse, spend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "books_are_right")]


def test_reversed_grant_takes_back_what_is_unspent_and_records_the_rest(user):
    purchase = give(user, 100)
    give(user, 50, source=GrantSource.ADJUSTMENT)
    spend(user, 80)

    outcome = reverse(purchase)

    assert (outcome.amount, outcome.shortfall, figures(user)) == (70, 30, (0, 0))
    assert Transaction.objects.get(id=outcome.transaction_id).shortfall == 30


def test_reversed_grant_leaves_what_is_held(user):
    purchase = give(user, 100)
    hold(user, 60, expires_at=TOMORROW)

    outcome = reverse(purchase)

    assert (outcome.amount, outcome.shortfall, figures(user)) == (40, 60, (60, 60))


def test_reversed_grant_that_is_all_spent_moves_nothing_and_is_remembered(user):
    purchase = give(user, 100)
    spend(user, 100)

    first = reverse(purchase)
    again = reverse(purchase)

    assert (first.amount, first.shortfall) == (0, 100)
    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)
    assert not Entry.objects.filter(transaction_id=first.transaction_id).exists()


def test_reversed_grant_that_expired_takes_nothing_back(user):
    purchase = give(user, 100, expires_at=TOMORROW)
    clock.advance(timedelta(days=1))

    outcome = reverse(purchase)

    assert (outcome.amount, outcome.shortfall, figures(user)) == (0, 100, (0, 0))


@pytest.fixture
def sent(user, other_user):
    """10 of 25 credits, out of two lots, sent to the other user."""
    give(user, 5, expires_at=TOMORROW)
    give(user, 20)
    return transfer_credits(
        sender_id=user.id, receiver_id=other_user.id, amount=10, reference="transfer:1"
    )


def test_reversed_transfer_comes_back_whole(user, other_user, sent):
    outcome = reverse(sent)

    assert (outcome.amount, outcome.balance) == (10, 25)
    assert (figures(user), figures(other_user)) == ((25, 0), (0, 0))
    assert (open_lots(user), open_lots(other_user)) == ([5, 20], [])


def test_reversed_transfer_after_expiry_is_refused(sent, user, other_user):
    clock.advance(timedelta(days=1))

    with pytest.raises(TransferSpent):
        reverse(sent)

    assert (figures(user), figures(other_user)) == ((15, 0), (5, 0))


@pytest.mark.parametrize("use", ["spend", "hold"])
def test_reversed_transfer_that_the_receiver_used_is_refused(other_user, sent, use):
    if use == "spend":
        spend(other_user, 1)
    else:
        hold(other_user, 1, expires_at=TOMORROW)
    before = figures(other_user)

    with pytest.raises(TransferSpent):
        reverse(sent)

    assert figures(other_user) == before


def test_reversed_money_goes_back_from_revenue_to_clearing():
    received = record_money_received(amount_minor=1250, currency="USD", reference="payment:1")

    outcome = reverse(received)

    entries = Entry.objects.filter(transaction_id=outcome.transaction_id)
    assert set(entries.values_list("account__kind", "amount")) == {
        ("gateway_clearing", 1250),
        ("revenue", -1250),
    }


def test_reversal_replayed_returns_first_outcome(user):
    purchase = give(user, 100)
    first = reverse(purchase)

    again = reverse(purchase)

    assert (again.transaction_id, again.amount, again.replayed) == (first.transaction_id, 100, True)
    assert figures(user) == (0, 0)


def test_reversal_under_another_reference_is_refused(user):
    purchase = give(user, 100)
    give(user, 100)
    by_hand = [
        Reverse(transaction_id=purchase.transaction_id, reference=reference)
        for reference in ("r1", "r2")
    ]

    outcomes = post_batch(by_hand) + post_batch(
        [Reverse(transaction_id=purchase.transaction_id, reference="r3")]
    )

    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        AlreadyReversed,
        AlreadyReversed,
    ]
    assert figures(user) == (100, 0)


def test_reversal_of_a_reversal_is_refused(user):
    outcome = reverse(give(user, 100))

    with pytest.raises(NotReversible):
        reverse(outcome)


def test_reversal_of_an_expiry_a_release_or_a_charge_of_nothing_is_refused(user):
    give(user, 100, expires_at=NOON)
    expiry = Transaction.objects.get(kind="expiry").id
    give(user, 100)
    released = release_hold(hold_reference=hold(user, 1, expires_at=TOMORROW), reference="r")
    nothing = capture_hold(
        hold_reference=hold(user, 1, expires_at=TOMORROW), amount=0, reference="c"
    )

    for transaction_id in (expiry, released.transaction_id, nothing.transaction_id):
        with pytest.raises(NotReversible):
            reverse_transaction(transaction_id=transaction_id, reason="Oops", actor_id=None)


def test_reversal_of_unknown_transaction_is_not_found():
    with pytest.raises(NotFound) as caught:
        reverse_transaction(transaction_id=uuid7(), reason="Oops", actor_id=None)

    assert caught.value.field == "transaction_id"


def test_reversal_without_reason_is_invalid(user):
    purchase = give(user, 100)

    with pytest.raises(Invalid) as caught:
        reverse_transaction(transaction_id=purchase.transaction_id, reason=" ", actor_id=None)

    assert (caught.value.field, figures(user)) == ("reason", (100, 0))
