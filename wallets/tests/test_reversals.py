from datetime import timedelta

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from wallets.enums import GrantSource
from wallets.errors import AlreadyReversed, NotReversible, TransferSpent
from wallets.models import Entry, Grant, GrantBurn, Transaction
from wallets.operations import Reverse
from wallets.services import (
    adjust_credits,
    capture_hold,
    expire_grants,
    post_batch,
    record_money_received,
    release_hold,
    reverse_transaction,
    set_overdraft_limit,
    spend_credits,
    transfer_credits,
)
from wallets.tests.factories import NOON, figures, give, hold, open_lots
from wallets.verification import verify

pytestmark = pytest.mark.django_db

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def books_are_right():
    with clock.frozen(NOON):
        yield
        assert [finding.culprits for finding in verify(now=clock.now()) if finding.wrong] == []


def reverse(outcome, *, actor=None):
    return reverse_transaction(
        transaction_id=outcome.transaction_id,
        reason="A mistake",
        actor_id=actor.id if actor else None,
    )


def spend(user, amount, reference="usage:1"):
    return spend_credits(user_id=user.id, amount=amount, reference=reference)


def allow_overdraft(user, limit):
    set_overdraft_limit(user_id=user.id, limit=limit, actor_id=user.id, reason="Trusted")


# --- A charge ---------------------------------------------------------------


def test_reversed_charge_gives_its_lots_back(user, admin_user):
    give(user, 10, source=GrantSource.BONUS)
    give(user, 10)
    charge = spend(user, 15)

    outcome = reverse(charge, actor=admin_user)

    row = Transaction.objects.get(id=outcome.transaction_id)
    assert (outcome.amount, outcome.shortfall, figures(user)) == (15, 0, (20, 0))
    assert open_lots(user) == [10, 10]
    assert (row.kind, row.memo, row.actor) == ("reversal", "A mistake", admin_user)
    assert row.reverses_id == charge.transaction_id
    assert sorted(row.burns.values_list("amount", flat=True)) == [-10, -5]


def test_reversed_capture_gives_back_what_was_charged(user):
    give(user, 10)
    charge = capture_hold(
        hold_reference=hold(user, 6, expires_at=TOMORROW), amount=4, reference="usage:1"
    )

    reverse(charge)

    assert (figures(user), open_lots(user)) == ((10, 0), [10])


def test_reversed_deduction_gives_back_from_the_adjustments_account(user, admin_user):
    give(user, 10)
    taken = adjust_credits(
        user_id=user.id, amount=-4, reason="Oops", actor_id=admin_user.id, reference="a"
    )

    reverse(taken)

    adjustments = Entry.objects.filter(account__kind="adjustments").order_by("id")
    assert list(adjustments.values_list("amount", flat=True)) == [4, -4]
    assert figures(user) == (10, 0)


def test_reversed_charge_of_an_expired_lot_expires_again_at_once(user):
    give(user, 10, expires_at=TOMORROW)
    charge = spend(user, 4)
    clock.advance(timedelta(days=1))
    expire_grants(now=clock.now())

    outcome = reverse(charge)

    assert (outcome.amount, outcome.balance, figures(user)) == (4, 0, (0, 0))
    latest = Transaction.objects.order_by("id").values_list("kind", "amount").last()
    assert latest == ("expiry", 4)


def test_reversed_charge_pays_what_the_wallet_owes_first(user):
    give(user, 10)
    allow_overdraft(user, 100)
    charge = spend(user, 10)
    spend(user, 7, "usage:2")

    reverse(charge)

    assert (figures(user), open_lots(user)) == ((3, 0), [3])


def test_reversed_charge_that_only_lowers_the_debt_opens_no_lot(user):
    give(user, 10)
    allow_overdraft(user, 100)
    charge = spend(user, 10)
    spend(user, 30, "usage:2")

    reverse(charge)

    assert (figures(user), open_lots(user)) == ((-20, 0), [])
    assert GrantBurn.objects.count() == 1


def test_reversed_charge_on_credit_that_was_repaid_comes_back_as_a_new_lot(user):
    give(user, 10)
    allow_overdraft(user, 100)
    charge = spend(user, 15)
    give(user, 20)

    reverse(charge)

    repaid = Grant.objects.get(source=GrantSource.ADJUSTMENT)
    assert (figures(user), sorted(open_lots(user))) == ((30, 0), [5, 10, 15])
    assert (repaid.amount, repaid.expires_at, repaid.is_promotional) == (5, None, True)


# --- A grant ----------------------------------------------------------------


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


# --- A transfer -------------------------------------------------------------


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


# --- Money, and what is final -----------------------------------------------


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
