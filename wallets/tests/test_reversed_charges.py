from datetime import timedelta

import pytest

from common import clock
from wallets.enums import GrantSource
from wallets.models import Entry, Grant, GrantBurn, Transaction
from wallets.services import adjust_credits, capture_hold, expire_grants, set_overdraft_limit
from wallets.tests.factories import TOMORROW, figures, give, hold, open_lots, reverse, spend

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon", "books_are_right")]


def allow_overdraft(user, limit):
    set_overdraft_limit(user_id=user.id, limit=limit, actor_id=user.id, reason="Trusted")


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
