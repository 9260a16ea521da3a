"""Real threads on a real database."""

from datetime import timedelta

import pytest

from accounts.tests.factories import PartnerFactory
from billing.enums import Refusal, SessionState
from billing.models import CreditsUsage, UsageSession
from billing.services.expiry import expire_sessions
from billing.tests.factories import EXAMPLE, customer, end, open_shop, start, started
from common import clock
from common.testing import run_concurrently
from wallets.models import Hold, Transaction
from wallets.selectors import balances_of

pytestmark = pytest.mark.django_db(transaction=True)

TINY = EXAMPLE[:1]  # 307 credits


def charge_count():
    return Transaction.objects.filter(reference__startswith="usage:", amount__gt=0).count()


@pytest.mark.parametrize("min_credits", [0, 100])
def test_fifty_concurrent_ends_on_one_wallet_never_overdraw_it(min_credits):
    """Parallel calls on one wallet."""
    shop, partner, buyer = open_shop(min_credits=min_credits), PartnerFactory(), customer(10_000)
    keys = [started(partner, buyer, shop.endpoint) for _ in range(50)]

    outcomes = run_concurrently([lambda key=key: end(partner, buyer, key, TINY) for key in keys])

    answers = [outcome.answer for outcome in outcomes]
    assert sum(answer["charged"] + answer["shortfall"] for answer in answers) == 50 * 307
    assert sum(answer["charged"] for answer in answers) == 10_000
    assert min(answer["balance"] for answer in answers) == 0
    balance = balances_of([buyer.id])[buyer.id]
    assert (balance.balance, balance.held) == (0, 0)
    assert CreditsUsage.objects.count() == 50


def test_same_end_twenty_times_at_once_charges_once():
    """Duplicates race, one charge."""
    shop, partner, buyer = open_shop(min_credits=50), PartnerFactory(), customer()
    key = started(partner, buyer, shop.endpoint)

    outcomes = run_concurrently([lambda: end(partner, buyer, key)] * 20)

    assert sum(outcome.replayed for outcome in outcomes) == 19
    assert all(outcome.answer == outcomes[0].answer for outcome in outcomes)
    assert balances_of([buyer.id])[buyer.id].balance == 8425
    assert charge_count() == 1


def test_start_storm_cannot_pass_the_daily_limit():
    """Limits hold under concurrency."""
    shop, partner, buyer = open_shop(config={"daily_limit": 5}), PartnerFactory(), customer()

    answers = run_concurrently([lambda: start(partner, buyer, shop.endpoint)] * 20)

    reasons = [answer.reason for answer in answers]
    assert reasons.count(None) == 5
    assert reasons.count(Refusal.DAILY_LIMIT_REACHED) == 15


def test_start_storm_cannot_hold_more_than_there_is():
    shop, partner, buyer = open_shop(min_credits=1000), PartnerFactory(), customer(3500)

    answers = run_concurrently([lambda: start(partner, buyer, shop.endpoint)] * 10)

    assert [answer.reason for answer in answers].count(None) == 3
    balance = balances_of([buyer.id])[buyer.id]
    assert (balance.held, balance.available) == (3000, 500)


@pytest.mark.parametrize("attempt", range(5))
def test_end_raced_with_expiry_charges_exactly_once(attempt):
    """One of two outcomes, both consistent."""
    shop, partner, buyer = open_shop(min_credits=50), PartnerFactory(), customer()
    key = started(partner, buyer, shop.endpoint)
    later = clock.now() + timedelta(hours=2)

    outcome, _ = run_concurrently(
        [lambda: end(partner, buyer, key), lambda: expire_sessions(now=later)]
    )

    assert outcome.answer["charged"] == 1575
    assert outcome.answer["flags"] in ([], ["late"])
    session = UsageSession.objects.get(pk=key)
    assert session.state == SessionState.SETTLED
    balance = balances_of([buyer.id])[buyer.id]
    assert (balance.balance, balance.held) == (8425, 0)
    assert Hold.objects.get().status in {"captured", "released"}
    assert charge_count() == 1


def test_two_sweeps_at_once_expire_each_session_once():
    shop, partner, buyer = open_shop(min_credits=10), PartnerFactory(), customer()
    for _ in range(10):
        started(partner, buyer, shop.endpoint)
    later = clock.now() + timedelta(hours=2)

    counts = run_concurrently([lambda: expire_sessions(now=later)] * 3)

    assert sum(counts) == 10
    assert balances_of([buyer.id])[buyer.id].held == 0


def test_answered_end_is_already_committed():
    """Nothing acknowledged waits in memory; another connection sees it."""
    shop, partner, buyer = open_shop(), PartnerFactory(), customer()
    key = started(partner, buyer, shop.endpoint)
    answer = end(partner, buyer, key).answer

    ((state, charged),) = run_concurrently(
        [lambda: UsageSession.objects.values_list("state", "charged").get(pk=key)]
    )

    assert (state, charged) == (SessionState.SETTLED, answer["charged"])
