"""What the configuration of a package allows a start."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.enums import Refusal
from billing.services.expiry import expire_sessions
from billing.tests.factories import NOON, customer, end, open_shop, start, started, subscribe
from catalog.contents import ConfigTerms
from catalog.tests.factories import FeatureEndpointFactory, make_package, terms
from common import clock
from common.errors import Invalid


@pytest.mark.parametrize(
    ("config", "options", "is_accessible"),
    [
        ({}, ("hd",), True),
        ({"enabled_options": ["hd", "fast"]}, ("hd", "fast"), True),
        ({"enabled_options": ["fast"]}, ("fast", "hd"), False),
        ({"enabled_options": []}, ("hd",), False),
        ({"enabled_options": []}, (), True),
        ({"disabled_options": ["hd"]}, ("fast",), True),
        ({"disabled_options": ["hd"]}, ("hd",), False),
        ({"enabled_options": ["hd"], "disabled_options": ["hd"]}, ("hd",), False),
    ],
)
def test_start_checks_options(partner, buyer, config, options, is_accessible):
    """Options are enforced."""
    shop = open_shop(config=config)

    answer = start(partner, buyer, shop.endpoint, options=options)

    assert answer.reason == (None if is_accessible else Refusal.OPTION_NOT_ALLOWED)


@pytest.mark.parametrize(
    ("words", "reason"), [(None, None), (100, None), (101, Refusal.WORD_LIMIT_EXCEEDED)]
)
def test_start_checks_the_word_limit(partner, buyer, words, reason):
    """The word limit exists."""
    shop = open_shop(config={"max_words": 100})

    assert start(partner, buyer, shop.endpoint, word_count=words).reason == reason


def test_start_uses_settings_for_keys_that_the_package_leaves_open(partner, buyer, settings):
    """The global tier exists; the endpoint's own minimum comes last."""
    settings.METERING_DEFAULT_CONFIG = {"min_credits": 5, "priority": 3}
    shop = open_shop(config={"priority": 9}, min_credits=40)

    answer = start(partner, buyer, shop.endpoint)

    assert answer.config == {"min_credits": 5, "priority": 9}


def test_start_with_malformed_settings_says_which_key(partner, buyer, shop, settings):
    settings.METERING_DEFAULT_CONFIG = {"daily_limit": 0}

    with pytest.raises(Invalid) as caught:
        start(partner, buyer, shop.endpoint)

    assert caught.value.field == "config.daily_limit"


def test_daily_limit_counts_open_and_settled_starts_of_the_utc_day(partner, buyer):
    """Daily_limit is enforced."""
    shop = open_shop(config={"daily_limit": 2})
    neighbour = FeatureEndpointFactory(feature=shop.feature)

    with clock.frozen(NOON):
        end(partner, buyer, started(partner, buyer, shop.endpoint))
        started(partner, buyer, shop.endpoint)
        assert start(partner, buyer, shop.endpoint).reason == Refusal.DAILY_LIMIT_REACHED
        assert start(partner, buyer, neighbour).reason is None
        assert start(partner, customer(), shop.endpoint).reason is None
    with clock.frozen(datetime(2026, 5, 21, tzinfo=UTC)):
        assert start(partner, buyer, shop.endpoint).reason is None


def test_daily_limit_gives_back_the_place_of_an_expired_start(partner, buyer):
    shop = open_shop(config={"daily_limit": 1})

    with clock.frozen(NOON):
        started(partner, buyer, shop.endpoint)
        expire_sessions(now=NOON + timedelta(hours=1))
        assert start(partner, buyer, shop.endpoint).reason is None


def test_monthly_limit_counts_the_calendar_month_without_a_subscription(partner, buyer):
    """Monthly_limit is enforced."""
    shop = open_shop(config={"monthly_limit": 1})

    with clock.frozen(NOON):
        started(partner, buyer, shop.endpoint)
    with clock.frozen(datetime(2026, 5, 31, tzinfo=UTC)):
        assert start(partner, buyer, shop.endpoint).reason == Refusal.MONTHLY_LIMIT_REACHED
    with clock.frozen(datetime(2026, 6, 1, tzinfo=UTC)):
        assert start(partner, buyer, shop.endpoint).reason is None


def test_monthly_limit_counts_the_period_of_a_subscription(partner, buyer):
    shop = open_shop()
    package = make_package(
        features=[shop.feature],
        plans=[terms()],
        configs=[ConfigTerms(config={"monthly_limit": 1})],
    )
    subscribe(buyer, package, at=NOON)

    with clock.frozen(NOON):
        started(partner, buyer, shop.endpoint)
    with clock.frozen(NOON + timedelta(days=29)):  # the next calendar month
        assert start(partner, buyer, shop.endpoint).reason == Refusal.MONTHLY_LIMIT_REACHED
