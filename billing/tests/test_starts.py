import pytest

from accounts.enums import UserStatus
from accounts.tests.factories import UserFactory
from billing.enums import Refusal, SessionState
from billing.metering import StartRequest
from billing.models import BillingSetting, UsageSession
from billing.services.starts import start_usages
from billing.tests.factories import (
    NOON,
    balance,
    customer,
    end,
    give,
    open_shop,
    queries_of,
    set_prices,
    start,
    started,
    subscribe,
)
from catalog.contents import ConfigTerms
from catalog.tests.factories import FeatureEndpointFactory, FeatureFactory, make_package
from common import clock
from common.errors import Invalid
from common.ids import uuid7
from wallets.models import Account


def test_start_opens_a_session_and_holds_min_credits(partner):
    """The usage key is durable, owned, and holds credits."""
    shop = open_shop(config={"min_credits": 50, "quality_tier": "standard"})
    buyer = customer(5000)

    with clock.frozen(NOON):
        answer = start(partner, buyer, shop.endpoint)

    assert answer.as_json() == {
        "user_id": str(buyer.id),
        "usage_key": str(answer.usage_key),
        "status": "accessible",
        "credits": 4950,
        "expires_at": "2026-05-20T13:00:00Z",
        "config": {"min_credits": 50, "quality_tier": "standard"},
    }
    session = UsageSession.objects.get(pk=answer.usage_key)
    assert (session.partner, session.user, session.feature_endpoint, session.state) == (
        partner, buyer, shop.endpoint, SessionState.OPEN,
    )  # fmt: skip
    assert (session.held_credits, session.feature_endpoint_value) == (50, shop.endpoint.value)
    assert session.config == {"min_credits": 50, "quality_tier": "standard"}
    assert (balance(buyer).balance, balance(buyer).held) == (5000, 50)


@pytest.mark.parametrize(
    ("config", "estimate", "held"),
    [
        ({}, None, 30),
        ({"min_credits": 0}, None, 0),
        ({"min_credits": 50}, None, 50),
        ({"min_credits": 50}, 80, 80),
        ({"min_credits": 50}, 20, 50),
        ({"min_credits": 50, "max_credits": 60}, 80, 60),
    ],
)
def test_start_holds_the_larger_of_minimum_and_estimate_up_to_the_cap(
    partner, buyer, config, estimate, held
):
    shop = open_shop(config=config, min_credits=30)

    answer = start(partner, buyer, shop.endpoint, estimated_credits=estimate)

    assert answer.credits == 10_000 - held
    assert balance(buyer).held == held


@pytest.mark.parametrize(
    ("credits_", "min_credits", "is_accessible"),
    [(0, 0, False), (1, 0, True), (49, 50, False), (50, 50, True)],
)
def test_start_needs_the_hold_and_at_least_one_credit(
    partner, credits_, min_credits, is_accessible
):
    shop = open_shop(min_credits=min_credits)
    buyer = customer(credits_) if credits_ else UserFactory()

    answer = start(partner, buyer, shop.endpoint)

    assert (answer.reason is None) == is_accessible
    assert UsageSession.objects.count() == is_accessible
    if not is_accessible:
        assert answer.as_json() == {
            "user_id": str(buyer.id),
            "credits": credits_,
            "status": "not-accessible",
            "reason": "insufficient_credits",
            "message": f"{max(1, min_credits)} credits are needed and {credits_} are available.",
            "config": {"min_credits": min_credits},
        }
        assert balance(buyer).held == 0


def test_start_for_unknown_user_is_refused_and_makes_no_wallet(partner, shop):
    """No junk wallets."""
    request = StartRequest(user_id=uuid7(), feature_endpoint_id=shop.endpoint.id)

    (answer,) = start_usages(partner_id=partner.id, requests=[request])

    assert (answer.reason, answer.credits) == (Refusal.USER_NOT_FOUND, 0)
    assert Account.objects.count() == 0


def test_start_for_blocked_user_is_refused(partner, shop):
    buyer = customer()
    buyer.status = UserStatus.BLOCKED
    buyer.save()

    assert start(partner, buyer, shop.endpoint).reason == Refusal.USER_NOT_FOUND


def test_start_finds_the_endpoint_by_value_or_id_and_both_must_agree(partner, shop, buyer):
    other = FeatureEndpointFactory(feature=shop.feature)

    def reason(endpoint_id=None, value=None):
        request = StartRequest(
            user_id=buyer.id, feature_endpoint_id=endpoint_id, feature_endpoint_value=value
        )
        return start_usages(partner_id=partner.id, requests=[request])[0].reason

    assert reason(value=shop.endpoint.value) is None
    assert reason(endpoint_id=shop.endpoint.id, value=shop.endpoint.value) is None
    assert reason(endpoint_id=shop.endpoint.id, value=other.value) == Refusal.ENDPOINT_MISMATCH
    assert reason(endpoint_id=shop.endpoint.id, value="nothing") == Refusal.ENDPOINT_MISMATCH
    assert reason(endpoint_id=uuid7()) == Refusal.ENDPOINT_NOT_FOUND
    assert reason(value="nothing") == Refusal.ENDPOINT_NOT_FOUND


def test_start_on_inactive_endpoint_or_ancestor_is_refused(partner, shop, buyer):
    """A switched-off endpoint is not usable a day longer."""
    shop.feature.is_active = False
    shop.feature.save()

    assert start(partner, buyer, shop.endpoint).reason == Refusal.ENDPOINT_INACTIVE


def test_start_without_a_credit_price_is_refused(partner, buyer):
    """No price never becomes a default price."""
    shop = open_shop()
    BillingSetting.objects.update(is_initial=False)

    assert start(partner, buyer, shop.endpoint).reason == Refusal.PRICES_NOT_SET


def test_start_without_any_package_is_refused(partner, buyer):
    set_prices()
    endpoint = FeatureEndpointFactory()

    assert start(partner, buyer, endpoint).reason == Refusal.NO_PACKAGE


def test_start_without_subscription_uses_the_initial_package(partner, shop, buyer):
    """An initial package opens doors instead of throwing."""
    session = UsageSession.objects.get(pk=started(partner, buyer, shop.endpoint))

    assert session.subscription is None
    assert session.package_history.package == shop.package


def test_start_with_subscription_uses_its_package_version(partner, shop, buyer):
    package = make_package(
        features=[shop.feature], configs=[ConfigTerms(config={"min_credits": 7})]
    )
    subscription = subscribe(buyer, package)

    session = UsageSession.objects.get(pk=started(partner, buyer, shop.endpoint))

    assert session.subscription == subscription
    assert session.package_history_id == subscription.package_history_id
    assert session.held_credits == 7


def test_start_of_feature_outside_the_package_is_refused(partner, shop, buyer):
    """What is not in the list is not in the package."""
    elsewhere = FeatureEndpointFactory()

    assert start(partner, buyer, elsewhere).reason == Refusal.FEATURE_NOT_IN_PACKAGE


def test_start_of_descendant_of_packaged_feature_is_accessible(partner, shop, buyer):
    """A packaged feature brings its descendants."""
    child = FeatureFactory(parent=FeatureFactory(parent=shop.feature))

    assert start(partner, buyer, FeatureEndpointFactory(feature=child)).reason is None


def test_starts_of_one_list_see_each_other(partner, buyer):
    shop = open_shop(config={"daily_limit": 3, "min_credits": 4000})
    request = StartRequest(user_id=buyer.id, feature_endpoint_id=shop.endpoint.id)
    other = StartRequest(user_id=customer(1).id, feature_endpoint_id=shop.endpoint.id)

    answers = start_usages(partner_id=partner.id, requests=[request, other, request, request])

    assert [(answer.reason, answer.credits) for answer in answers] == [
        (None, 6000),
        (Refusal.INSUFFICIENT_CREDITS, 1),
        (None, 2000),
        (Refusal.INSUFFICIENT_CREDITS, 2000),
    ]
    assert balance(buyer).held == 8000


def test_start_list_needs_the_same_number_of_queries_at_any_length(partner):
    shop = open_shop(config={"daily_limit": 3, "min_credits": 10})

    def queries_for(count):
        requests = [
            StartRequest(user_id=customer().id, feature_endpoint_id=shop.endpoint.id)
            for _ in range(count)
        ]
        return queries_of(lambda: start_usages(partner_id=partner.id, requests=requests))

    queries_for(1)  # package versions are read once in a process

    assert queries_for(50) == queries_for(1)


def test_start_after_a_shortfall_is_refused(partner, shop):
    buyer = customer(100)
    end(partner, buyer, started(partner, buyer, shop.endpoint))

    answer = start(partner, buyer, shop.endpoint)

    assert (answer.reason, answer.credits) == (Refusal.INSUFFICIENT_CREDITS, 0)


def test_start_that_must_hold_more_than_the_ledger_can_is_an_error_and_opens_nothing(partner):
    shop = open_shop(config={"min_credits": 10**15 + 1})
    buyer = give(customer(10**15), 10**15)

    with pytest.raises(Invalid):
        start(partner, buyer, shop.endpoint)

    assert not UsageSession.objects.exists()
