"""Many connections at once, on a real database."""

from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement

import pytest
from django.db import transaction

from accounts.tests.factories import UserFactory
from common import clock
from common.errors import DomainError
from common.testing import run_concurrently
from wallets.enums import GrantSource, HoldStatus
from wallets.errors import HoldClosed, InsufficientCredits, ReferenceReused
from wallets.models import Account, Hold, Transaction
from wallets.operations import Spend, Transfer
from wallets.services import (
    capture_hold,
    expire_holds,
    grant_credits,
    post_batch,
    record_money_received,
    release_hold,
    reverse_transaction,
    spend_credits,
    transfer_credits,
)
from wallets.tests.factories import figures, give, hold

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("books_are_right"),
]


def spend(user, amount, reference):
    return partial(spend_credits, user_id=user.id, amount=amount, reference=reference)


def errors(results):
    return [type(result) for result in results if isinstance(result, Exception)]


def test_64_threads_spend_a_wallet_of_40_and_exactly_40_succeed(user):
    give(user, 40)

    results = run_concurrently([spend(user, 1, f"usage:{n}") for n in range(64)])

    assert errors(results) == [InsufficientCredits] * 24
    assert figures(user) == (0, 0)
    assert Transaction.objects.filter(kind="usage").count() == 40


def test_50_concurrent_spends_never_overdraw(user):
    give(user, 100)

    results = run_concurrently([spend(user, 30, f"usage:{n}") for n in range(50)])

    assert len(errors(results)) == 47
    assert figures(user) == (10, 0)


@pytest.mark.parametrize("verb", ["grant", "spend", "money"])
def test_concurrent_duplicates_move_once_and_all_get_the_same_answer(user, verb):
    give(user, 100)
    duplicate = {
        "grant": partial(
            grant_credits,
            user_id=user.id,
            amount=30,
            source=GrantSource.PURCHASE,
            reference="payment:1",
        ),
        "spend": spend(user, 30, "usage:1"),
        "money": partial(
            record_money_received, amount_minor=30, currency="USD", reference="payment:1"
        ),
    }[verb]

    results = run_concurrently([duplicate] * 8)

    assert errors(results) == []
    assert len({outcome.transaction_id for outcome in results}) == 1
    assert sorted(outcome.replayed for outcome in results) == [False] + [True] * 7
    assert figures(user)[0] == {"grant": 130, "spend": 70, "money": 100}[verb]


def test_one_reference_for_two_wallets_at_once_has_one_winner(user, other_user):
    for round_number in range(10):
        reference = f"payment:{round_number}"
        both = [partial(give, person, 10, reference=reference) for person in (user, other_user)]

        results = run_concurrently(both)

        assert errors(results) == [ReferenceReused]
    assert figures(user)[0] + figures(other_user)[0] == 100


def test_batches_with_the_same_references_in_opposite_order_do_not_deadlock(user, other_user):
    for person in (user, other_user):
        give(person, 1000)

    def batch(person, references):
        return post_batch(
            [Spend(user_id=person.id, amount=1, reference=name) for name in references]
        )

    for round_number in range(10):
        names = [f"usage:{round_number}:{n}" for n in range(20)]
        results = run_concurrently(
            [partial(batch, user, names), partial(batch, other_user, names[::-1])]
        )
        assert errors(results) == []
    assert figures(user)[0] + figures(other_user)[0] == 1800


def test_first_operations_of_a_new_user_share_one_wallet(user):
    results = run_concurrently([partial(give, user, 5) for _ in range(8)])

    assert errors(results) == []
    assert figures(user) == (40, 0)
    assert Account.objects.filter(owner=user).count() == 1


@pytest.mark.parametrize(
    "ends", list(combinations_with_replacement(["capture", "release", "expire"], 2)), ids="-".join
)
def test_hold_that_two_want_to_close_has_one_winner(user, ends):
    give(user, 100)
    for _ in range(8):
        name = hold(user, 10, expires_at=clock.now() + timedelta(minutes=1))
        later = clock.now() + timedelta(hours=1)
        closers = {
            "capture": lambda n, name=name: capture_hold(
                hold_reference=name, amount=3, reference=f"c{n}:{name}"
            ),
            "release": lambda n, name=name: release_hold(
                hold_reference=name, reference=f"r{n}:{name}"
            ),
            "expire": lambda n, later=later: expire_holds(now=later),
        }

        results = run_concurrently([partial(closers[end], n) for n, end in enumerate(ends)])

        closed = Hold.objects.get(reference=name)
        charged = Transaction.objects.filter(hold=closed, kind="usage").count()
        assert closed.status != HoldStatus.OPEN or set(ends) == {"expire"}
        assert charged == (1 if "capture" in ends else 0)
        losers = [result for result in results if isinstance(result, Exception)]
        assert all(isinstance(loser, HoldClosed) for loser in losers)
        if len(set(ends)) == 1 and "expire" not in ends:
            assert [loser.context for loser in losers] == [{"status": closed.status}]
        expire_holds(now=later)
        assert figures(user)[1] == 0
    charges = Transaction.objects.filter(kind="usage").count()
    assert figures(user) == (100 - 3 * charges, 0)


def test_storm_of_transfers_in_both_directions_does_not_deadlock():
    people = [UserFactory() for _ in range(10)]
    for person in people:
        give(person, 1000)

    def storm(thread):
        for n in range(10):
            sender, receiver = people[(thread + n) % 10], people[(thread * 3 + n * 7 + 1) % 10]
            if sender != receiver:
                transfer_credits(
                    sender_id=sender.id,
                    receiver_id=receiver.id,
                    amount=1,
                    reference=f"transfer:{thread}:{n}",
                )

    assert errors(run_concurrently([partial(storm, thread) for thread in range(12)])) == []
    assert sum(figures(person)[0] for person in people) == 10_000


def test_two_hot_wallets_in_both_directions_lose_nothing(user, other_user):
    for person in (user, other_user):
        give(person, 1000)

    def batch(thread, sender, receiver):
        transfers = [
            Transfer(
                sender_id=sender.id,
                receiver_id=receiver.id,
                amount=1,
                reference=f"transfer:{thread}:{n}",
            )
            for n in range(10)
        ]
        return [outcome.error for outcome in post_batch(transfers)]

    results = run_concurrently(
        [
            partial(batch, thread, *((user, other_user) if thread % 2 else (other_user, user)))
            for thread in range(12)
        ]
    )

    assert results == [[None] * 10] * 12
    assert (figures(user), figures(other_user)) == ((1000, 0), (1000, 0))


def test_lot_that_expires_at_the_instant_of_a_spend_has_one_of_two_consistent_ends(user):
    for n in range(5):
        moment = clock.now() + timedelta(hours=1)
        give(user, 10, expires_at=moment)
        before, at = moment - timedelta(microseconds=1), moment
        asked = Spend(user_id=user.id, amount=10, reference=f"usage:{n}")

        first, second = run_concurrently(
            [partial(post_batch, [asked], now=now) for now in (before, at)]
        )

        kinds = set(
            Transaction.objects.filter(created_at__in=(before, at)).values_list("kind", flat=True)
        )
        assert kinds in ({"usage"}, {"expiry"})
        spent = first[0].error is None
        assert spent == (kinds == {"usage"})
        assert spent == (second[0].error is None)
        assert figures(user) == (0, 0)


def test_transaction_reversed_by_two_at_once_is_reversed_once(user, admin_user):
    purchase = give(user, 100)
    give(user, 100)
    reverse = partial(
        reverse_transaction,
        transaction_id=purchase.transaction_id,
        reason="Oops",
        actor_id=admin_user.id,
    )

    results = run_concurrently([reverse] * 4)

    assert len({outcome.transaction_id for outcome in results}) == 1
    assert figures(user) == (100, 0)


def test_refund_raced_with_a_spend_of_the_same_lot_takes_each_credit_once(user):
    for n in range(5):
        purchase = give(user, 10)
        reverse = partial(
            reverse_transaction,
            transaction_id=purchase.transaction_id,
            reason="Refund",
            actor_id=None,
        )

        refund, charge = run_concurrently([reverse, spend(user, 6, f"usage:{n}")])

        spent = 0 if isinstance(charge, DomainError) else charge.amount
        assert (refund.amount, refund.shortfall) == (10 - spent, spent)
        assert figures(user) == (0, 0)


def test_sweep_passes_by_a_wallet_that_somebody_is_busy_with(user, other_user):
    soon, later = clock.now() + timedelta(minutes=1), clock.now() + timedelta(hours=1)
    for person in (user, other_user):
        give(person, 10)
        hold(person, 5, expires_at=soon)

    with transaction.atomic():
        Account.objects.select_for_update().get(owner=user)
        swept = run_concurrently([partial(expire_holds, now=later)])

    assert swept == [1]
    assert (figures(user), figures(other_user)) == ((10, 5), (10, 0))
    assert expire_holds(now=later) == 1
