from datetime import timedelta
from uuid import UUID

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from common.models import OutboxEvent
from wallets.enums import AccountKind, GrantSource, TransactionKind
from wallets.errors import ReferenceReused
from wallets.models import Account, Entry, Grant, Transaction
from wallets.planning.state import SystemAccount
from wallets.services import grant_credits
from wallets.tests.factories import NOON, figures, give, open_lots, wallet

pytestmark = pytest.mark.django_db


def test_grant_makes_wallet_lot_and_two_entries(user, admin_user):
    outcome = grant_credits(
        user_id=user.id,
        amount=100,
        source=GrantSource.PURCHASE,
        reference="payment:1",
        expires_at=NOON + timedelta(days=9000),
        priority=3,
        cost_minor=1250,
        cost_currency="USD",
        memo="Starter",
        actor_id=admin_user.id,
    )

    account = wallet(user)
    transaction = Transaction.objects.get()
    lot = Grant.objects.get()
    assert (outcome.amount, outcome.balance, outcome.available) == (100, 100, 100)
    assert (account.balance, account.held, account.entry_count) == (100, 0, 1)
    assert (transaction.id, transaction.kind) == (outcome.transaction_id, TransactionKind.PURCHASE)
    assert (transaction.memo, transaction.actor) == ("Starter", admin_user)
    assert transaction.account == account
    assert (lot.amount, lot.remaining, lot.is_promotional, lot.priority) == (100, 100, False, 3)
    assert (lot.cost_minor, lot.cost_currency, lot.source) == (1250, "USD", "purchase")
    assert set(Entry.objects.values_list("account", "amount", "balance_after", "position")) == {
        (account.id, 100, 100, 1),
        (SystemAccount(AccountKind.CREDITS_SOLD).id, -100, None, None),
    }


@pytest.mark.parametrize(
    ("source", "kind", "counterpart", "is_promotional"),
    [
        ("purchase", "purchase", "credits_sold", False),
        ("initial_package", "initial_package", "promotions", True),
        ("bonus", "bonus", "promotions", True),
        ("adjustment", "adjustment", "adjustments", True),
    ],
)
def test_grant_source_decides_kind_counterpart_and_promotion(
    user, source, kind, counterpart, is_promotional
):
    give(user, 5, source=GrantSource(source))

    assert Transaction.objects.get().kind == kind
    assert Account.objects.get(owner=None).kind == counterpart
    assert Grant.objects.get().is_promotional is is_promotional


def test_grant_replayed_returns_first_outcome_and_publishes_once(user):
    first = give(user, 100, reference="payment:1")

    again = give(user, 100, reference="payment:1", memo="a retry", expires_at=clock.now())

    assert (again.transaction_id, again.amount, again.replayed) == (first.transaction_id, 100, True)
    assert figures(user) == (100, 0)
    assert OutboxEvent.objects.filter(type="wallets.balances_changed").count() == 1


@pytest.mark.parametrize(
    "other", [{"amount": 101}, {"source": GrantSource.BONUS}, {"cost_minor": 1}]
)
def test_grant_with_reused_reference_and_other_content_is_refused(user, other):
    terms = {"amount": 100, "source": GrantSource.PURCHASE, "cost_currency": "USD"}
    grant_credits(user_id=user.id, reference="payment:1", **terms)

    with pytest.raises(ReferenceReused):
        grant_credits(user_id=user.id, reference="payment:1", **(terms | other))

    assert figures(user) == (100, 0)


def test_grant_with_the_reference_of_another_user_is_refused(user, other_user):
    give(user, 100, reference="payment:1")

    with pytest.raises(ReferenceReused):
        give(other_user, 100, reference="payment:1")

    assert figures(other_user) == (0, 0)


def test_grant_to_unknown_user_makes_nothing():
    with pytest.raises(NotFound) as caught:
        grant_credits(user_id=uuid7(), amount=1, source=GrantSource.BONUS, reference="bonus:1")

    assert caught.value.field == "user_id"
    assert not Account.objects.exists()


def test_grant_of_nothing_is_invalid(user):
    with pytest.raises(Invalid) as caught:
        give(user, 0)

    assert caught.value.field == "amount"
    assert not Transaction.objects.exists()


def test_grant_that_arrives_expired_expires_at_once(user):
    outcome = give(user, 100, expires_at=clock.now())

    assert (outcome.amount, outcome.balance) == (100, 0)
    assert figures(user) == (0, 0)
    assert list(Transaction.objects.order_by("id").values_list("kind", flat=True)) == [
        "purchase",
        "expiry",
    ]
    assert open_lots(user) == []


def test_system_accounts_have_the_same_id_everywhere():
    assert SystemAccount(AccountKind.USAGE).id == UUID("04488cda-0141-54ce-9fe9-18afff3ea8d7")
