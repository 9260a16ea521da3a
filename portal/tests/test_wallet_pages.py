from datetime import timedelta

import pytest

from accounts.tests.factories import PartnerFactory, UserFactory
from billing.services.expiry import expire_sessions
from billing.tests.factories import end, give, open_shop, started, subscribe
from common import clock
from common.ids import uuid7
from common.testing import count_queries
from portal.tests.pages import text
from wallets.tests import factories as ledger

NEXT_YEAR = timedelta(days=365)


@pytest.fixture
def shop(db):
    return open_shop(min_credits=50)


@pytest.fixture
def partner(db):
    return PartnerFactory()


def test_wallet_of_a_newcomer_is_empty(browser):
    page = text(browser.get("/wallet"))

    for part in (
        "Available credits 0",
        "You have no active package.",
        "There are no credits in your wallet.",
        "No AI feature has used your credits yet.",
        "Nothing has moved yet.",
    ):
        assert part in page
    assert "Confirm your e-mail address" not in page


def test_wallet_of_somebody_unconfirmed_asks_for_it(browser, user):
    user.is_verified = False
    user.save()

    assert "Confirm your e-mail address" in text(browser.get("/wallet"))


def test_wallet_shows_balance_lots_and_movements(browser, user):
    expiry = clock.now() + NEXT_YEAR
    ledger.give(user, 3_000_000, memo="Pro, Monthly", expires_at=expiry)
    ledger.hold(user, 1_000, expires_at=clock.now() + timedelta(hours=1))

    page = text(browser.get("/wallet"))

    assert "Available credits 2,999,000" in page
    assert "Balance 3,000,000" in page
    assert "Held for running calls 1,000" in page
    assert f"Purchase Expires {expiry:%-d %b %Y, %H:%M} UTC 3,000,000" in page
    assert "· Pro, Monthly +3,000,000 Balance 3,000,000" in page


def test_wallet_shows_the_package_that_runs(browser, user, shop):
    subscription = subscribe(user, shop.package)

    page = text(browser.get("/wallet"))

    assert shop.package.name in page
    assert f"Active until {subscription.current_period_end:%-d %b %Y, %H:%M} UTC" in page


def test_wallet_shows_what_calls_cost_and_leads_to_why(browser, user, shop, partner):
    give(user, 10_000)
    keys = [started(partner, user, shop.endpoint) for _ in range(6)]
    for key in keys:
        end(partner, user, key)

    page = browser.get("/wallet")

    assert [call.usage_key for call in page.context["calls"]] == [*reversed(keys)][:5]
    assert text(page).count("\N{MINUS SIGN}1,575") == 6
    # From the list of the latest calls, and from the statement.
    links = [page.content.decode().count(f'href="/usages/{key}"') for key in keys]
    assert links == [1, 2, 2, 2, 2, 2]


def test_wallet_shows_nothing_of_others(browser, other_user, shop, partner):
    give(other_user, 10_000)
    end(partner, other_user, started(partner, other_user, shop.endpoint))

    page = text(browser.get("/wallet"))

    assert "Nothing has moved yet." in page
    assert "No AI feature has used your credits yet." in page


def test_wallet_takes_the_same_queries_for_many_movements(browser, user, shop, partner):
    def call_once():
        give(user, 2_000)
        end(partner, user, started(partner, user, shop.endpoint))

    call_once()
    with count_queries() as one:
        browser.get("/wallet")
    for _ in range(29):
        call_once()
    with count_queries() as thirty:
        page = browser.get("/wallet")

    assert len(one) == len(thirty) == 8
    assert len(page.context["movements"].rows) == 20


def test_statement_goes_on_where_movements_share_a_moment(browser, user):
    with clock.frozen(clock.now()):
        for _ in range(45):
            ledger.give(user, 1)
    seen, path = [], "/wallet"
    while path:
        page = browser.get(path)
        seen += [row.balance_after for row in page.context["movements"].rows]
        older = page.context["movements"].older
        path = older and f"/wallet?before={older}"

    assert len(seen) == 45
    assert set(seen) == set(range(1, 46))


def test_usage_shows_how_the_charge_came_about(browser, user, shop, partner):
    give(user, 10_000)
    key = started(partner, user, shop.endpoint)
    end(partner, user, key)

    page = text(browser.get(f"/usages/{key}"))

    for part in (
        "Charged 1,575 credits",
        "model-a 1,200 tokens in · 800 tokens out 306.8",
        "model-b 1,500 tokens in · 600 tokens out 1,267.5",
        "Together 1,574.3",
        "Rounded up to whole credits 0.7",
        "Cost of the call 1,575",
        "Held when it started 50",
    ):
        assert part in page
    assert "Platform" not in page


def test_usage_beyond_the_balance_says_what_was_missing(browser, user, shop, partner):
    give(user, 1_000)
    key = started(partner, user, shop.endpoint)
    end(partner, user, key)

    page = text(browser.get(f"/usages/{key}"))

    assert "Charged 1,000 credits" in page
    assert "The call cost 575 credits more than you had available." in page


def test_usage_that_was_capped_says_so(browser, user, partner, db):
    shop = open_shop(config={"max_credits": 100})
    give(user, 1_000)
    key = started(partner, user, shop.endpoint)
    end(partner, user, key)

    page = text(browser.get(f"/usages/{key}"))

    assert "Charged 100 credits" in page
    assert "Your package limits a call to 100 credits" in page


def test_usage_that_runs_or_was_never_reported_says_so(browser, user, shop, partner):
    give(user, 1_000)
    key = started(partner, user, shop.endpoint)
    running = text(browser.get(f"/usages/{key}"))
    with clock.frozen(clock.now() + timedelta(days=1)):
        expire_sessions(now=clock.now())

    assert "This call is still running. 50 credits are held for it" in running
    assert "This call never reported what it used." in text(browser.get(f"/usages/{key}"))


@pytest.mark.parametrize("role", ["user", "admin"])
def test_usage_of_somebody_else_is_not_there(visitor, user, role, shop, partner):
    give(user, 10_000)
    key = started(partner, user, shop.endpoint)
    visitor.force_login(UserFactory(role=role))

    answer = visitor.get(f"/usages/{key}")

    assert answer.status_code == 404
    assert "This page does not exist" in text(answer)


def test_unknown_usage_is_not_there(browser):
    assert browser.get(f"/usages/{uuid7()}").status_code == 404
