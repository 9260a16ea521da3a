from datetime import timedelta

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from common.models import OutboxEvent
from wallets.enums import GrantSource, TransactionKind
from wallets.errors import InsufficientCredits, OverdraftInUse, ReferenceReused
from wallets.models import Account, Entry, Grant, Transaction
from wallets.operations import Spend
from wallets.services import (
    adjust_credits,
    post_batch,
    record_money_received,
    set_overdraft_limit,
    spend_credits,
)
from wallets.tests.factories import figures, give, hold, new_reference, open_lots, wallet

pytestmark = pytest.mark.django_db


def spend(user, amount, **terms):
    reference = terms.pop("reference", None) or new_reference()
    return spend_credits(user_id=user.id, amount=amount, reference=reference, **terms)


def adjust(user, amount, *, actor, reason="Goodwill", reference=None):
    return adjust_credits(
        user_id=user.id,
        amount=amount,
        reason=reason,
        actor_id=actor.id,
        reference=reference or new_reference(),
    )


# --- Spending ---------------------------------------------------------------


def test_spend_lowers_balance_and_appends_entry(user):
    give(user, 100)

    outcome = spend(user, 30, reference="usage:1", memo="A poem")

    entry = Entry.objects.get(account__owner=user, amount__lt=0)
    assert (outcome.amount, outcome.balance, outcome.shortfall) == (30, 70, 0)
    assert (entry.amount, entry.balance_after, entry.position) == (-30, 70, 2)
    assert (entry.transaction.kind, entry.transaction.memo) == ("usage", "A poem")
    assert figures(user) == (70, 0)


def test_spend_publishes_what_changed(user):
    give(user, 100)

    spend(user, 30, reference="usage:1")

    event = OutboxEvent.objects.order_by("created_at", "id").last()
    assert event.payload == {
        "changes": [
            {
                "user_id": str(user.id),
                "account_id": str(wallet(user).id),
                "asset": "CREDIT",
                "delta": -30,
                "balance": 70,
                "held": 0,
                "available": 70,
                "kind": "usage",
                "reference": "usage:1",
            }
        ]
    }


def test_spend_more_than_available_moves_nothing(user):
    give(user, 100)
    hold(user, 40, expires_at=clock.now() + timedelta(hours=1))

    with pytest.raises(InsufficientCredits) as caught:
        spend(user, 61)

    assert caught.value.context == {"available": 60, "required": 61}
    assert figures(user) == (100, 40)
    assert not Transaction.objects.filter(kind="usage").exists()


def test_spend_partially_takes_what_there_is_and_records_the_shortfall(user):
    give(user, 100)

    outcome = spend(user, 130, reference="usage:1", allow_partial=True)

    assert (outcome.amount, outcome.shortfall, outcome.balance) == (100, 30, 0)
    assert Transaction.objects.get(reference="usage:1").shortfall == 30


def test_spend_partially_from_an_empty_wallet_is_remembered_without_entries(user):
    first = spend(user, 30, reference="usage:1", allow_partial=True)
    give(user, 100)

    again = spend(user, 30, reference="usage:1", allow_partial=True)

    assert (first.amount, first.shortfall) == (0, 30)
    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)
    assert (again.amount, again.shortfall, again.balance) == (0, 30, 100)
    assert not Entry.objects.filter(transaction_id=first.transaction_id).exists()


def test_spend_replayed_returns_first_outcome_and_moves_nothing(user):
    give(user, 100)
    first = spend(user, 30, reference="usage:1")

    again = spend(user, 30, reference="usage:1")

    assert (again.transaction_id, again.amount, again.replayed) == (first.transaction_id, 30, True)
    assert figures(user) == (70, 0)


def test_spend_with_reused_reference_and_new_amount_is_refused(user):
    give(user, 100)
    spend(user, 30, reference="usage:1")

    with pytest.raises(ReferenceReused):
        spend(user, 31, reference="usage:1")

    assert figures(user) == (70, 0)


def test_spend_by_unknown_user_is_not_found():
    with pytest.raises(NotFound):
        spend_credits(user_id=uuid7(), amount=1, reference="usage:1")


def test_spend_of_nothing_or_of_another_kind_is_invalid(user):
    with pytest.raises(Invalid):
        spend(user, 0)

    wrong = Spend(user_id=user.id, amount=1, kind=TransactionKind.BONUS, reference="usage:1")
    assert post_batch([wrong])[0].error.field == "kind"


# --- Adjustments ------------------------------------------------------------


def test_adjustment_gives_a_promotional_lot_and_records_actor_and_reason(user, admin_user):
    outcome = adjust(user, 50, actor=admin_user, reason="  Sorry for the outage ")

    transaction = Transaction.objects.get()
    assert (outcome.amount, figures(user)) == (50, (50, 0))
    assert (transaction.kind, transaction.memo) == ("adjustment", "Sorry for the outage")
    assert transaction.actor == admin_user
    assert Grant.objects.get().source == GrantSource.ADJUSTMENT


def test_adjustment_takes_credits_into_the_adjustments_account(user, admin_user):
    give(user, 100)

    adjust(user, -30, actor=admin_user)

    taken = Entry.objects.get(account__kind="adjustments")
    assert (figures(user), taken.amount, taken.transaction.actor) == ((70, 0), 30, admin_user)


def test_adjustment_below_zero_is_refused(user, admin_user):
    give(user, 100)

    with pytest.raises(InsufficientCredits):
        adjust(user, -101, actor=admin_user)

    assert figures(user) == (100, 0)


@pytest.mark.parametrize("amount", [50, -50])
def test_adjustment_replayed_moves_nothing(user, admin_user, amount):
    give(user, 100)
    first = adjust(user, amount, actor=admin_user, reference="adjustment:1")

    again = adjust(user, amount, actor=admin_user, reference="adjustment:1")

    assert (again.replayed, again.transaction_id) == (True, first.transaction_id)
    assert figures(user) == (100 + amount, 0)


@pytest.mark.parametrize(
    ("amount", "reason", "field"),
    [(0, "Goodwill", "amount"), (5, "  ", "reason"), (5, "x" * 301, "reason")],
)
def test_adjustment_of_nothing_or_without_reason_is_invalid(
    user, admin_user, amount, reason, field
):
    with pytest.raises(Invalid) as caught:
        adjust(user, amount, actor=admin_user, reason=reason)

    assert caught.value.field == field
    assert not Account.objects.exists()


# --- Overdraft --------------------------------------------------------------


def limit_overdraft(user, limit, *, actor, reason="Trusted"):
    return set_overdraft_limit(user_id=user.id, limit=limit, actor_id=actor.id, reason=reason)


def test_overdraft_lets_a_wallet_owe_up_to_its_limit(user, admin_user):
    give(user, 10)
    limit_overdraft(user, 25, actor=admin_user)

    outcome = spend(user, 35)

    assert (outcome.balance, outcome.available, open_lots(user)) == (-25, -25, [])
    with pytest.raises(InsufficientCredits) as caught:
        spend(user, 1)
    assert caught.value.context == {"available": 0, "required": 1}


def test_overdraft_is_repaid_by_the_next_grant(user, admin_user):
    limit_overdraft(user, 25, actor=admin_user)
    spend(user, 20)

    give(user, 30)

    assert (figures(user), open_lots(user)) == ((10, 0), [10])


def test_overdraft_change_is_written_down_with_actor_and_reason(user, admin_user):
    outcome = limit_overdraft(user, 25, actor=admin_user, reason="Trusted partner")

    transaction = Transaction.objects.get(id=outcome.transaction_id)
    assert (transaction.kind, transaction.memo) == ("overdraft", "Limit 25: Trusted partner")
    assert (transaction.actor, transaction.account) == (admin_user, wallet(user))
    assert wallet(user).overdraft_limit == 25


def test_overdraft_cannot_be_lowered_below_what_is_owed(user, admin_user):
    limit_overdraft(user, 25, actor=admin_user)
    spend(user, 20)

    with pytest.raises(OverdraftInUse) as caught:
        limit_overdraft(user, 19, actor=admin_user)

    assert caught.value.context == {"available": -20}
    assert wallet(user).overdraft_limit == 25


@pytest.mark.parametrize(
    ("limit", "reason", "field"), [(-1, "Trusted", "limit"), (5, "", "reason")]
)
def test_overdraft_below_zero_or_without_reason_is_invalid(user, admin_user, limit, reason, field):
    with pytest.raises(Invalid) as caught:
        limit_overdraft(user, limit, actor=admin_user, reason=reason)

    assert caught.value.field == field


def test_overdraft_of_unknown_user_is_not_found(admin_user):
    with pytest.raises(NotFound):
        set_overdraft_limit(user_id=uuid7(), limit=1, actor_id=admin_user.id, reason="Trusted")


# --- Money ------------------------------------------------------------------


def receive(amount_minor=1250, currency="USD", reference="payment:1"):
    return record_money_received(
        amount_minor=amount_minor, currency=currency, reference=reference, memo="Starter"
    )


def test_money_received_moves_from_clearing_to_revenue_and_tells_nobody():
    receive()

    entries = Entry.objects.values_list("account__kind", "account__asset", "amount")
    assert set(entries) == {("gateway_clearing", "USD", -1250), ("revenue", "USD", 1250)}
    assert not OutboxEvent.objects.exists()


def test_money_received_replayed_is_booked_once_and_other_content_refused():
    first = receive()

    again = receive()

    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)
    assert Entry.objects.count() == 2
    with pytest.raises(ReferenceReused):
        receive(currency="BDT")


@pytest.mark.parametrize(
    ("amount_minor", "currency", "field"), [(0, "USD", "amount_minor"), (5, "XXX", "currency")]
)
def test_money_of_no_amount_or_unknown_currency_is_invalid(amount_minor, currency, field):
    with pytest.raises(Invalid) as caught:
        receive(amount_minor, currency)

    assert caught.value.field == field
