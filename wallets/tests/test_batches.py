from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from common.ids import uuid7
from common.models import OutboxEvent
from wallets.enums import GrantSource
from wallets.errors import InsufficientCredits, ReferenceReused
from wallets.models import Account, Entry, Transaction
from wallets.operations import ReceiveMoney
from wallets.selectors import lock_wallets
from wallets.services import (
    CaptureHold,
    Grant,
    PlaceHold,
    ReleaseHold,
    Reverse,
    Spend,
    Transfer,
    post_batch,
)
from wallets.tests.factories import NOON, figures, give, hold, wallet

pytestmark = pytest.mark.django_db

LATER = NOON + timedelta(hours=1)


def spend(user, amount, reference):
    return Spend(user_id=user.id, amount=amount, reference=reference)


def grant(user, amount, reference):
    return Grant(user_id=user.id, amount=amount, source=GrantSource.PURCHASE, reference=reference)


def test_mixed_batch_is_carried_out_in_arrival_order(user, other_user):
    outcomes = post_batch(
        [
            spend(user, 1, "too early"),
            grant(user, 100, "g"),
            PlaceHold(user_id=user.id, amount=50, reference="h", expires_at=LATER),
            spend(user, 51, "too much"),
            Transfer(sender_id=user.id, receiver_id=other_user.id, amount=20, reference="t"),
            CaptureHold(hold_reference="h", amount=40, reference="c"),
            spend(other_user, 20, "s"),
            ReceiveMoney(amount_minor=1250, currency="USD", reference="m"),
        ],
        now=NOON,
    )

    assert [type(outcome.error) for outcome in outcomes] == [
        InsufficientCredits,
        *[type(None)] * 2,
        InsufficientCredits,
        *[type(None)] * 4,
    ]
    assert [outcome.balance for outcome in outcomes] == [0, 100, 100, 0, 80, 40, 0, 0]
    assert (figures(user), figures(other_user)) == ((40, 0), (0, 0))
    assert set(Transaction.objects.values_list("created_at", flat=True)) == {NOON}


def test_batch_publishes_one_event_with_every_change_in_order(user, other_user):
    post_batch([grant(user, 10, "a"), grant(other_user, 20, "b"), spend(user, 4, "c")])

    event = OutboxEvent.objects.get()
    assert event.type == "wallets.balances_changed"
    assert [
        (change["reference"], change["delta"], change["balance"])
        for change in event.payload["changes"]
    ] == [("a", 10, 10), ("b", 20, 20), ("c", -4, 6)]


def test_batch_in_which_all_is_refused_or_replayed_publishes_nothing(user):
    post_batch([grant(user, 10, "a")])

    outcomes = post_batch([grant(user, 10, "a"), grant(user, 11, "a"), spend(user, 11, "s")])

    assert outcomes[0].replayed
    assert isinstance(outcomes[1].error, ReferenceReused)
    assert isinstance(outcomes[2].error, InsufficientCredits)
    assert OutboxEvent.objects.count() == 1


def test_empty_batch_asks_the_database_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert post_batch([]) == []


def test_batch_rolls_back_with_the_transaction_it_is_part_of(user):
    with transaction.atomic():
        post_batch([grant(user, 10, "a")])
        transaction.set_rollback(True)

    assert not Account.objects.exists()
    assert not OutboxEvent.objects.exists()


def test_batch_by_an_unknown_actor_is_refused_by_the_database(user):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    with pytest.raises(IntegrityError, match="actor_id"):
        give(user, 10, actor_id=uuid7())


def test_batch_on_a_wallet_that_miscounts_its_entries_is_refused_by_the_database(user):
    give(user, 10)
    Account.objects.filter(owner=user).update(entry_count=0)

    with pytest.raises(IntegrityError, match="entry_once_per_position_of_a_wallet"):
        post_batch([spend(user, 1, "s")])

    assert figures(user) == (10, 0)


def mixed(users, stage, originals):
    """One operation of every kind for each user."""
    for user, other in zip(users, [*users[1:], users[0]], strict=True):
        name = f"{stage}:{user.id}"
        yield grant(user, 100, f"g:{name}")
        yield spend(user, 10, f"s:{name}")
        yield PlaceHold(user_id=user.id, amount=10, reference=f"h:{name}", expires_at=LATER)
        yield PlaceHold(user_id=user.id, amount=10, reference=f"i:{name}", expires_at=LATER)
        yield CaptureHold(hold_reference=f"old:{name}", amount=5, reference=f"c:{name}")
        yield ReleaseHold(hold_reference=f"h:{name}", reference=f"r:{name}")
        yield Transfer(sender_id=user.id, receiver_id=other.id, amount=10, reference=f"t:{name}")
        yield Reverse(transaction_id=originals[user], reference=f"v:{name}")


def statements_of(users, stage):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    originals = {}
    for user in users:
        give(user, 20)
        originals[user] = give(user, 30).transaction_id
        hold(user, 5, reference=f"old:{stage}:{user.id}", expires_at=LATER)
    with CaptureQueriesContext(connection) as queries:
        outcomes = post_batch(list(mixed(users, stage, originals)), now=NOON)
    assert [outcome.error for outcome in outcomes if outcome.error] == []
    return len(queries)


def test_batch_of_any_size_takes_the_same_number_of_statements(user, other_user, admin_user):
    few = statements_of([user, other_user], "few")

    many = statements_of([user, other_user, admin_user], "many")

    assert few == many


def test_wallets_of_one_batch_are_created_once_however_often_named(user):
    post_batch([spend(user, 1, "a"), spend(user, 1, "b")])

    assert Account.objects.count() == 1
    assert not Entry.objects.exists()


def test_lock_wallets_creates_what_is_missing(user, other_user):
    give(user, 10)

    lock_wallets(user_ids=[user.id, other_user.id, user.id])

    assert (wallet(user).balance, wallet(other_user).balance) == (10, 0)


@pytest.mark.django_db(transaction=True)
def test_lock_wallets_without_a_transaction_is_refused(user):
    with pytest.raises(TransactionManagementError):
        lock_wallets(user_ids=[user.id])
