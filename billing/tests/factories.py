"""A small shop: prices of the worked example, one metered endpoint, users with credits."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import Role
from accounts.tests.factories import UserFactory
from billing.enums import SessionState
from billing.metering import EndRequest, StartRequest, UsageReport
from billing.models import CreditsUsage, UsageSession
from billing.services import prices
from billing.services.ends import end_usages
from billing.services.starts import start_usages
from catalog.contents import ConfigTerms
from catalog.selectors import offer
from catalog.services import start_subscription
from catalog.tests.factories import FeatureEndpointFactory, FeatureFactory, make_package, terms
from common import clock
from common.ids import uuid7
from common.models import OutboxEvent
from wallets.enums import GrantSource
from wallets.selectors import balances_of
from wallets.services import grant_credits

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
EXAMPLE = (
    UsageReport(ai_model="model-a", input_tokens=1200, output_tokens=800),
    UsageReport(ai_model="model-b", input_tokens=1500, output_tokens=600),
)


def set_prices(actor=None):
    """Two models, 0.00001 USD a credit, a margin of 20 + 10 percent."""
    actor_id = (actor or UserFactory(role=Role.SUPER_ADMIN)).id
    return SimpleNamespace(
        actor_id=actor_id,
        model_a=prices.create_ai_model(
            actor_id=actor_id, **model_fields("model-a", "3e-7", "2.5e-6")
        ),
        model_b=prices.create_ai_model(
            actor_id=actor_id, **model_fields("model-b", "2.5e-6", "1e-5")
        ),
        setting=prices.create_billing_setting(actor_id=actor_id, credit_price=Decimal("0.00001")),
        platform=prices.create_credits_profit(
            actor_id=actor_id, name="Platform", percentage=Decimal(20)
        ),
        support=prices.create_credits_profit(
            actor_id=actor_id, name="Support", percentage=Decimal(10)
        ),
    )


def model_fields(value, price_in="0", price_out="0", **fields):
    return {
        "name": value.title(),
        "value": value,
        "provider": "acme",
        "input_token_price": Decimal(price_in),
        "output_token_price": Decimal(price_out),
    } | fields


def open_shop(*, config=None, min_credits=0):
    """A package that everyone holds, with one feature and its endpoint."""
    feature = FeatureFactory()
    endpoint = FeatureEndpointFactory(feature=feature, min_credits=min_credits)
    package = make_package(
        features=[feature],
        plans=[terms(is_initial=True)],
        configs=[ConfigTerms(config=config)] if config else (),
        is_initial=True,
    )
    return SimpleNamespace(prices=set_prices(), feature=feature, endpoint=endpoint, package=package)


def give(user, amount):
    grant_credits(
        user_id=user.id, amount=amount, source=GrantSource.PURCHASE, reference=f"test:{uuid7()}"
    )
    return user


def customer(amount=10_000):
    return give(UserFactory(), amount)


def subscribe(user, package, *, at=None):
    plan = package.plans.get().plan_id
    return start_subscription(
        user_id=user.id,
        offer=offer(package_id=package.id, plan_id=plan, currency="USD"),
        reference=f"test:{uuid7()}",
        at=at or clock.now(),
    )


def start(partner, user, endpoint, **fields):
    request = StartRequest(user_id=user.id, feature_endpoint_id=endpoint.id, **fields)
    return start_usages(partner_id=partner.id, requests=[request])[0]


def started(partner, user, endpoint, **fields):
    """The usage key of a start that must be accessible."""
    answer = start(partner, user, endpoint, **fields)
    assert answer.reason is None, answer
    return answer.usage_key


def end(partner, user, usage_key, usages=EXAMPLE, **fields):
    request = EndRequest(usage_key=usage_key, user_id=user.id, usages=tuple(usages), **fields)
    return end_usages(partner_id=partner.id, requests=[request])[0]


def queries_of(act):
    """How many queries ``act`` makes."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def balance(user):
    return balances_of([user.id])[user.id]


def charged_events():
    events = OutboxEvent.objects.filter(type="billing.usages_charged").order_by("id")
    return [event.payload["usages"] for event in events]


def assert_nothing_moved(user, key, *, amount=10_000):
    assert balance(user).balance == amount
    assert UsageSession.objects.get(pk=key).state == SessionState.OPEN
    assert not CreditsUsage.objects.exists()
    assert charged_events() == []
