"""Ends that are repeated, misdirected or not to be priced."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.tests.factories import PartnerFactory, UserFactory
from billing.errors import (
    ChargeTooLarge,
    SessionMismatch,
    SessionNotFound,
    SessionNotStarted,
    UnknownAiModel,
    UsageKeyReused,
)
from billing.metering import UsageReport
from billing.models import AiModel, UsageSession
from billing.services import prices
from billing.tests.factories import (
    EXAMPLE,
    assert_nothing_moved,
    balance,
    charged_events,
    end,
    model_fields,
    open_shop,
    started,
)
from catalog.tests.factories import FeatureEndpointFactory
from common import clock
from common.ids import uuid7
from wallets.models import Transaction
from wallets.services import ReleaseHold, post_batch


def test_end_without_model_name_is_refused_when_there_is_no_initial_model(partner, shop, buyer):
    AiModel.objects.update(is_initial=False)
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=[UsageReport(input_tokens=1)])

    assert (type(outcome.error), outcome.error.field) == (UnknownAiModel, "usages.0.ai_model")
    assert_nothing_moved(buyer, key)


@pytest.mark.parametrize("name", ["model-c", "Model-A", "MODEL-A", ""])
def test_end_with_unknown_model_is_refused_and_names_the_element(partner, shop, buyer, name):
    """A typing error is not billed at another model's price."""
    key = started(partner, buyer, shop.endpoint)

    outcome = end(
        partner, buyer, key, usages=[EXAMPLE[0], UsageReport(ai_model=name, input_tokens=1)]
    )

    assert (type(outcome.error), outcome.error.field) == (UnknownAiModel, "usages.1.ai_model")
    assert_nothing_moved(buyer, key)


def test_end_after_a_refused_end_can_still_settle(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key, usages=[UsageReport(ai_model="model-c", input_tokens=1)])

    assert end(partner, buyer, key).answer["charged"] == 1575


def test_end_with_model_that_was_priced_after_the_start_is_refused(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    prices.create_ai_model(actor_id=shop.prices.actor_id, **model_fields("model-c"))

    outcome = end(partner, buyer, key, usages=[UsageReport(ai_model="model-c", input_tokens=1)])

    assert type(outcome.error) is UnknownAiModel


def test_end_twice_charges_once_and_answers_the_same(partner, buyer):
    """The first result is given again for ever."""
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)
    first = end(partner, buyer, key)

    with clock.frozen(clock.now() + timedelta(days=400)):
        again = end(partner, buyer, key)

    assert (first.replayed, again.replayed) == (False, True)
    assert again.answer == first.answer
    assert balance(buyer).balance == 8425
    assert Transaction.objects.filter(reference__startswith="usage:").count() == 1
    assert len(charged_events()) == 1


def test_end_twice_with_another_report_is_refused(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)

    outcome = end(partner, buyer, key, usages=EXAMPLE[:1])

    assert (type(outcome.error), outcome.error.field) == (UsageKeyReused, "usage_key")
    assert balance(buyer).balance == 8425


def test_end_without_start_is_refused(partner, shop, buyer):
    """An end needs a start."""
    outcome = end(partner, buyer, uuid7())

    assert (type(outcome.error), outcome.error.field) == (SessionNotStarted, "usage_key")
    assert balance(buyer).balance == 10_000


def test_end_by_another_partner_finds_nothing(partner, shop, buyer):
    """A session belongs to the partner that started it."""
    key = started(partner, buyer, shop.endpoint)

    outcome = end(PartnerFactory(), buyer, key)

    assert type(outcome.error) is SessionNotFound
    assert_nothing_moved(buyer, key)


def test_end_for_another_user_or_endpoint_is_refused(partner, shop, buyer):
    """A session belongs to one user and one endpoint."""
    key = started(partner, buyer, shop.endpoint)
    other = FeatureEndpointFactory(feature=shop.feature)

    outcomes = [
        end(partner, UserFactory(), key),
        end(partner, buyer, key, feature_endpoint_id=other.id),
        end(partner, buyer, key, feature_endpoint_value=other.value),
    ]

    assert [(type(outcome.error), outcome.error.field) for outcome in outcomes] == [
        (SessionMismatch, "user_id"),
        (SessionMismatch, "feature_endpoint_id"),
        (SessionMismatch, "feature_endpoint_value"),
    ]
    assert_nothing_moved(buyer, key)


def test_end_that_names_the_same_endpoint_settles(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)

    outcome = end(
        partner,
        buyer,
        key,
        feature_endpoint_id=shop.endpoint.id,
        feature_endpoint_value=shop.endpoint.value,
    )

    assert outcome.answer["charged"] == 1575


def test_end_that_costs_more_than_the_ledger_moves_is_refused(partner, shop, buyer):
    prices.update_ai_model(
        ai_model_id=shop.prices.model_a.id,
        actor_id=shop.prices.actor_id,
        input_token_price=Decimal(1000),
    )
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=[UsageReport(ai_model="model-a", input_tokens=10**9)])

    assert type(outcome.error) is ChargeTooLarge
    assert outcome.error.context == {"cost_credits": 13 * 10**16, "limit": 10**15}
    assert_nothing_moved(buyer, key)


def test_end_whose_charge_the_ledger_refuses_settles_nothing(partner, buyer):
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)
    session = UsageSession.objects.get(pk=key)
    post_batch(
        [ReleaseHold(hold_reference=session.hold_reference, reference=session.charge_reference)]
    )

    outcome = end(partner, buyer, key)

    assert outcome.error.code == "reference_reused"
    assert_nothing_moved(buyer, key)
