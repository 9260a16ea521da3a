from datetime import timedelta

import pytest

from billing import tasks
from billing.enums import SessionState
from billing.models import UsageSession
from billing.services import expiry
from billing.tests.factories import end, open_shop, started
from common import clock
from wallets.enums import HoldStatus
from wallets.models import Hold
from wallets.selectors import balances_of
from wallets.services import expire_holds

LATER = timedelta(hours=1)


def states():
    return sorted(UsageSession.objects.values_list("state", flat=True))


def test_expire_releases_the_holds_of_sessions_past_their_time(partner, buyer):
    """Each hold ends exactly once."""
    shop = open_shop(config={"min_credits": 50})
    with clock.frozen(clock.now()):
        end(partner, buyer, started(partner, buyer, shop.endpoint))
        started(partner, buyer, shop.endpoint)
        now = clock.advance(LATER)
        started(partner, buyer, shop.endpoint)

    assert expiry.expire_sessions(now=now) == 1
    assert states() == ["expired", "open", "settled"]
    assert balances_of([buyer.id])[buyer.id].held == 50
    assert sorted(Hold.objects.values_list("status", flat=True)) == [
        HoldStatus.CAPTURED, HoldStatus.OPEN, HoldStatus.RELEASED,
    ]  # fmt: skip


def test_expire_twice_changes_nothing_the_second_time(partner, buyer):
    shop = open_shop(config={"min_credits": 50})
    started(partner, buyer, shop.endpoint)
    now = clock.now() + LATER

    assert [expiry.expire_sessions(now=now), expiry.expire_sessions(now=now)] == [1, 0]
    assert balances_of([buyer.id])[buyer.id].held == 0


def test_expire_of_a_hold_that_the_wallets_closed_first_still_expires_the_session(partner, buyer):
    shop = open_shop(config={"min_credits": 50})
    started(partner, buyer, shop.endpoint)
    now = clock.now() + LATER
    expire_holds(now=now)

    assert expiry.expire_sessions(now=now) == 1
    assert states() == [SessionState.EXPIRED]


def test_expire_works_through_many_batches(partner, shop, buyer, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH", 2)
    for _ in range(5):
        started(partner, buyer, shop.endpoint)

    assert expiry.expire_sessions(now=clock.now() + LATER) == 5


def test_task_run_twice_expires_once(partner, shop, buyer):
    with clock.frozen(clock.now()):
        started(partner, buyer, shop.endpoint)
        clock.advance(LATER)

        assert [tasks.expire_sessions(), tasks.expire_sessions()] == [1, 0]


@pytest.mark.parametrize("seconds", [60, 7200])
def test_sessions_live_as_long_as_the_settings_say(partner, shop, buyer, settings, seconds):
    settings.METERING_SESSION_TTL_SECONDS = seconds

    session = UsageSession.objects.get(pk=started(partner, buyer, shop.endpoint))

    assert session.expires_at - session.created_at == timedelta(seconds=seconds)
