from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.tests.factories import PartnerFactory, UserFactory
from billing.enums import SessionFlag, SessionState
from billing.errors import (
    ChargeTooLarge,
    SessionMismatch,
    SessionNotFound,
    SessionNotStarted,
    UnknownAiModel,
    UsageKeyReused,
)
from billing.metering import EndRequest, UsageReport
from billing.models import AiModel, CreditsUsage, UsageSession
from billing.services import prices
from billing.services.ends import end_usages
from billing.services.expiry import expire_sessions
from billing.tests.factories import (
    EXAMPLE,
    customer,
    end,
    model_fields,
    open_shop,
    queries_of,
    started,
)
from catalog.tests.factories import FeatureEndpointFactory
from common import clock
from common.ids import uuid7
from common.models import OutboxEvent
from wallets.models import Transaction
from wallets.selectors import balances_of
from wallets.services import ReleaseHold, post_batch, set_overdraft_limit


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


def test_end_charges_the_worked_example_1575_and_frees_the_rest(partner, buyer):
    """W65, W66: one ceiling a call, every fraction stored."""
    shop = open_shop(config={"min_credits": 50})
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key)

    assert outcome.answer == {
        "user_id": str(buyer.id),
        "usage_key": str(key),
        "status": "settled",
        "charged": 1575,
        "cost_credits": 1575,
        "shortfall": 0,
        "credits": 8425,
        "balance": 8425,
        "flags": [],
        "details": [
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
        ],
    }
    assert (balance(buyer).balance, balance(buyer).held) == (8425, 0)
    session = UsageSession.objects.get(pk=key)
    assert session.state == SessionState.SETTLED
    assert session.transaction.reference == f"usage:{partner.id}:{key}"
    assert charged_events() == [
        [
            {
                "usage_key": str(key),
                "user_id": str(buyer.id),
                "feature_endpoint_id": str(shop.endpoint.id),
                "charged": 1575,
                "cost_credits": 1575,
                "shortfall": 0,
            }
        ]
    ]


def test_end_stores_rows_that_add_up_to_the_debit(partner, buyer, shop):
    """I9: settled usage times its stored prices is what was debited."""
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


def test_end_without_model_name_is_refused_when_there_is_no_initial_model(partner, shop, buyer):
    AiModel.objects.update(is_initial=False)
    key = started(partner, buyer, shop.endpoint)

    outcome = end(partner, buyer, key, usages=[UsageReport(input_tokens=1)])

    assert (type(outcome.error), outcome.error.field) == (UnknownAiModel, "usages.0.ai_model")
    assert_nothing_moved(buyer, key)


@pytest.mark.parametrize("name", ["model-c", "Model-A", "MODEL-A", ""])
def test_end_with_unknown_model_is_refused_and_names_the_element(partner, shop, buyer, name):
    """W64: a typing error is not billed at another model's price."""
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


def test_end_uses_the_prices_of_the_start(partner, shop, buyer):
    """W67: a price change in mid-call does not reach the call."""
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


def test_end_with_model_that_was_priced_after_the_start_is_refused(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    prices.create_ai_model(actor_id=shop.prices.actor_id, **model_fields("model-c"))

    outcome = end(partner, buyer, key, usages=[UsageReport(ai_model="model-c", input_tokens=1)])

    assert type(outcome.error) is UnknownAiModel


def test_end_is_capped_by_max_credits(partner, buyer):
    """W62: max_credits caps the charge, and the cost stays visible."""
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
    """W62: ceilings are checked again at the end."""
    shop = open_shop(config=config)
    key = started(partner, buyer, shop.endpoint, word_count=90)

    answer = end(partner, buyer, key, **fields).answer

    assert (answer["flags"], answer["charged"]) == (flags, 1575)
    assert UsageSession.objects.get(pk=key).word_count == fields.get("word_count", 90)


def test_end_twice_charges_once_and_answers_the_same(partner, buyer):
    """W58, I11: the first result is given again for ever."""
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
    """W57: an end needs a start."""
    outcome = end(partner, buyer, uuid7())

    assert (type(outcome.error), outcome.error.field) == (SessionNotStarted, "usage_key")
    assert balance(buyer).balance == 10_000


def test_end_by_another_partner_finds_nothing(partner, shop, buyer):
    """W57: a session belongs to the partner that started it."""
    key = started(partner, buyer, shop.endpoint)

    outcome = end(PartnerFactory(), buyer, key)

    assert type(outcome.error) is SessionNotFound
    assert_nothing_moved(buyer, key)


def test_end_for_another_user_or_endpoint_is_refused(partner, shop, buyer):
    """W57: a session belongs to one user and one endpoint."""
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


def test_end_list_settles_each_call_for_itself(partner):
    """W61: one bad call never fails another, and none is half done."""
    shop = open_shop()
    rich, poor = customer(), customer(1000)
    keys = [started(partner, user, shop.endpoint) for user in (rich, poor, rich)]
    bad = UsageReport(ai_model="model-c", input_tokens=1)
    requests = [
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[1], user_id=poor.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[2], user_id=rich.id, usages=(bad,)),
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE[:1]),
        EndRequest(usage_key=uuid7(), user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[2], user_id=rich.id, usages=EXAMPLE[:1]),
    ]

    outcomes = end_usages(partner_id=partner.id, requests=requests)

    assert [
        (outcome.answer and outcome.answer["charged"], outcome.replayed, type(outcome.error))
        for outcome in outcomes
    ] == [
        (1575, False, type(None)),
        (1000, False, type(None)),
        (None, False, UnknownAiModel),
        (1575, True, type(None)),
        (None, False, UsageKeyReused),
        (None, False, SessionNotStarted),
        (307, False, type(None)),
    ]
    assert (balance(rich).balance, balance(poor).balance) == (8118, 0)
    assert [len(usages) for usages in charged_events()] == [3]


def test_end_list_replayed_as_a_whole_moves_nothing(partner, shop, buyer):
    requests = [
        EndRequest(
            usage_key=started(partner, buyer, shop.endpoint), user_id=buyer.id, usages=usages
        )
        for usages in (EXAMPLE, EXAMPLE[:1], ())
    ]
    first = end_usages(partner_id=partner.id, requests=requests)

    again = end_usages(partner_id=partner.id, requests=requests)

    assert [outcome.answer for outcome in again] == [outcome.answer for outcome in first]
    assert all(outcome.replayed for outcome in again)
    assert len(charged_events()) == 1


def test_end_list_needs_the_same_number_of_queries_at_any_length(partner):
    shop = open_shop(config={"min_credits": 10})

    def queries_for(count):
        users = [customer() for _ in range(count)]
        requests = [
            EndRequest(
                usage_key=started(partner, user, shop.endpoint), user_id=user.id, usages=EXAMPLE
            )
            for user in users
        ]
        return queries_of(lambda: end_usages(partner_id=partner.id, requests=requests))

    assert queries_for(50) == queries_for(1)
