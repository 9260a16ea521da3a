from datetime import timedelta
from decimal import Decimal

import pytest

from billing.enums import SessionFlag, SessionState
from billing.metering import UsageReport
from billing.models import CreditsUsage, UsageSession
from billing.services import prices
from billing.services.expiry import expire_sessions
from billing.tests.factories import balance, charged_events, customer, end, open_shop, started
from common import clock
from wallets.services import set_overdraft_limit

EXAMPLE_DETAILS = [
    {
        "ai_model": "model-a",
        "input_tokens": 1200,
        "output_tokens": 800,
        "base_credits": "236",
        "profit_credits": "70.8",
        "cost_credits": "306.8",
        "rounding_credits": "0",
        "price": "0.003068",
    },
    {
        "ai_model": "model-b",
        "input_tokens": 1500,
        "output_tokens": 600,
        "base_credits": "975",
        "profit_credits": "292.5",
        "cost_credits": "1267.5",
        "rounding_credits": "0.7",
        "price": "0.012682",
    },
]


def test_end_charges_the_worked_example_1575_and_frees_the_rest(partner, buyer):
    """One ceiling a call, every fraction stored."""
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)
    call = {"user_id": str(buyer.id), "usage_key": str(key)}

    outcome = end(partner, buyer, key)

    assert outcome.answer == call | {
        "status": "settled",
        "charged": 1575,
        "cost_credits": 1575,
        "shortfall": 0,
        "credits": 8425,
        "balance": 8425,
        "flags": [],
        "details": EXAMPLE_DETAILS,
    }
    assert (balance(buyer).balance, balance(buyer).held) == (8425, 0)
    session = UsageSession.objects.get(pk=key)
    assert session.state == SessionState.SETTLED
    assert session.transaction.reference == f"usage:{partner.id}:{key}"
    ((told,),) = charged_events()
    assert told == call | {
        "feature_endpoint_id": str(shop.endpoint.id),
        "charged": 1575,
        "cost_credits": 1575,
        "shortfall": 0,
    }


def test_end_stores_rows_that_add_up_to_the_debit(partner, buyer, shop):
    """Settled usage times its stored prices is what was debited."""
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)

    rows = list(CreditsUsage.objects.order_by("position"))

    assert [row.ai_model for row in rows] == [shop.prices.model_a, shop.prices.model_b]
    assert sum(row.cost_credits + row.rounding_credits for row in rows) == 1575
    assert sum(row.price for row in rows) == 1575 * Decimal("0.00001")
    for row in rows:
        usd = row.input_tokens * row.input_token_price + row.output_tokens * row.output_token_price
        assert usd == row.base_price
        assert usd / row.credit_price == row.base_credits
        assert row.base_credits * row.profit_percentage / 100 == row.profit_credits


def test_end_without_hold_charges_what_is_available(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)

    assert end(partner, buyer, key).answer["charged"] == 1575
    assert balance(buyer).balance == 8425


def test_end_without_usages_charges_nothing_and_frees_the_hold(partner, buyer):
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=())

    assert (outcome.answer["charged"], outcome.answer["credits"]) == (0, 10_000)
    assert outcome.answer["details"] == []
    assert balance(buyer).held == 0


def test_end_without_usages_and_without_hold_moves_nothing(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=())

    assert (outcome.answer["charged"], outcome.answer["balance"]) == (0, 10_000)
    assert UsageSession.objects.get(pk=key).transaction is None


def test_end_without_model_name_uses_the_initial_model(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=[UsageReport(input_tokens=1200, output_tokens=800)])

    assert outcome.answer["charged"] == 307
    assert outcome.answer["details"][0]["ai_model"] == "model-a"


def test_end_uses_the_prices_of_the_start(partner, shop, buyer):
    """A price change in mid-call does not reach the call."""
    key = started(partner, buyer, shop.endpoint)
    actor_id = shop.prices.actor_id
    prices.update_ai_model(
        ai_model_id=shop.prices.model_a.id, actor_id=actor_id, output_token_price=Decimal(1)
    )
    prices.update_billing_setting(
        billing_setting_id=shop.prices.setting.id, actor_id=actor_id, credit_price=Decimal(1)
    )
    prices.update_credits_profit(
        credits_profit_id=shop.prices.support.id, actor_id=actor_id, is_active=False
    )
    prices.update_ai_model(ai_model_id=shop.prices.model_b.id, actor_id=actor_id, is_active=False)

    assert end(partner, buyer, key).answer["charged"] == 1575


def test_end_is_capped_by_max_credits(partner, buyer):
    """Max_credits caps the charge, and the cost stays visible."""
    shop = open_shop(config={"max_credits": 1000})
    key = started(partner, buyer, shop.endpoint)

    answer = end(partner, buyer, key).answer

    assert (answer["charged"], answer["cost_credits"], answer["shortfall"]) == (1000, 1575, 0)
    assert answer["flags"] == [SessionFlag.CAPPED]
    assert balance(buyer).balance == 9000


@pytest.mark.parametrize("config", [{}, {"min_credits": 100}])
def test_end_above_the_balance_charges_what_is_there_and_records_the_shortfall(partner, config):
    """Never silently negative, never silently lost."""
    shop, buyer = open_shop(config=config), customer(1000)
    key = started(partner, buyer, shop.endpoint)

    answer = end(partner, buyer, key).answer

    assert (answer["charged"], answer["cost_credits"], answer["shortfall"]) == (1000, 1575, 575)
    assert (answer["credits"], answer["balance"]) == (0, 0)
    assert balance(buyer).balance == 0


def test_end_above_the_balance_follows_an_explicit_overdraft_limit(partner, shop):
    buyer = customer(1000)
    set_overdraft_limit(
        user_id=buyer.id, limit=500, actor_id=shop.prices.actor_id, reason="trusted"
    )
    key = started(partner, buyer, shop.endpoint)

    answer = end(partner, buyer, key).answer

    assert (answer["charged"], answer["shortfall"], answer["balance"]) == (1500, 75, -500)


def test_end_leaves_the_holds_of_other_calls_alone(partner):
    shop, buyer = open_shop(config={"min_credits": 400}), customer(1000)
    key = started(partner, buyer, shop.endpoint)
    started(partner, buyer, shop.endpoint)

    answer = end(partner, buyer, key).answer

    assert (answer["charged"], answer["shortfall"]) == (600, 975)
    assert (balance(buyer).balance, balance(buyer).held) == (400, 400)


@pytest.mark.parametrize(
    ("config", "fields", "flags"),
    [
        ({"max_tokens": 4100}, {}, []),
        ({"max_tokens": 4099}, {}, ["max_tokens_exceeded"]),
        ({"max_words": 100}, {"word_count": 100}, []),
        ({"max_words": 100}, {"word_count": 101}, ["word_limit_exceeded"]),
        ({"max_words": 100}, {}, []),
    ],
)
def test_end_flags_overruns_and_charges_them(partner, buyer, config, fields, flags):
    """Ceilings are checked again at the end."""
    shop = open_shop(config=config)
    key = started(partner, buyer, shop.endpoint, word_count=90)

    answer = end(partner, buyer, key, **fields).answer

    assert (answer["flags"], answer["charged"]) == (flags, 1575)
    assert UsageSession.objects.get(pk=key).word_count == fields.get("word_count", 90)


@pytest.mark.parametrize("config", [{}, {"min_credits": 50}])
def test_end_after_expiry_charges_what_is_available_once(partner, config):
    """Late is neither free nor charged twice."""
    shop, buyer = open_shop(config=config), customer(1000)
    key = started(partner, buyer, shop.endpoint)
    expire_sessions(now=clock.now() + timedelta(hours=2))

    answer = end(partner, buyer, key).answer
    again = end(partner, buyer, key)

    assert (answer["charged"], answer["shortfall"], answer["flags"]) == (1000, 575, ["late"])
    assert (again.replayed, again.answer) == (True, answer)
    assert balance(buyer).balance == 0


def test_end_after_expiry_without_usages_charges_nothing(partner, buyer):
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)
    expire_sessions(now=clock.now() + timedelta(hours=2))

    assert end(partner, buyer, key, usages=()).answer["charged"] == 0
