from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from psycopg import sql

from billing.models import (
    AiModel,
    AiModelHistory,
    BillingSetting,
    BillingSettingHistory,
    CreditsProfit,
    CreditsProfitHistory,
    CreditsUsage,
    RateCard,
    UsageSession,
)
from billing.tests.factories import end, model_fields, started


def assert_refused(name, act):
    """The database itself says no, and names the rule."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        act()
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"name": "Model-A"}, "ai_model_once_per_name"),
        ({"value": "model-a"}, "ai_model_once_per_value"),
        ({"is_initial": True}, "one_initial_ai_model"),
        ({"is_initial": True, "is_active": False}, "initial_ai_model_is_active"),
        ({"input_token_price": Decimal(-1)}, "ai_model_prices_not_negative"),
        ({"output_token_price": Decimal(-1)}, "ai_model_prices_not_negative"),
    ],
)
def test_ai_model_constraints(shop, fields, constraint):
    """The database allows one initial model."""
    assert_refused(constraint, lambda: AiModel.objects.create(**(model_fields("model-c") | fields)))


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"is_initial": True}, "one_initial_billing_setting"),
        ({"is_initial": True, "is_active": False}, "initial_billing_setting_is_active"),
        ({"credit_price": Decimal(0)}, "credit_price_above_zero"),
    ],
)
def test_billing_setting_constraints(shop, fields, constraint):
    """No second price in force, and none of 0."""
    assert_refused(
        constraint,
        lambda: BillingSetting.objects.create(**({"credit_price": Decimal(1)} | fields)),
    )


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"name": "Platform"}, "credits_profit_once_per_name"),
        ({"percentage": Decimal(-1)}, "credits_profit_between_0_and_100"),
        ({"percentage": Decimal(101)}, "credits_profit_between_0_and_100"),
    ],
)
def test_credits_profit_constraints(shop, fields, constraint):
    assert_refused(
        constraint,
        lambda: CreditsProfit.objects.create(**({"name": "New", "percentage": 1} | fields)),
    )


def test_histories_have_one_row_a_version(shop):
    for model in (AiModelHistory, BillingSettingHistory, CreditsProfitHistory):
        row = model.objects.first()
        row.pk = None
        assert_refused("history_once_per", lambda row=row: row.save(force_insert=True))


def test_rate_card_is_unique_by_its_content(partner, shop, buyer):
    started(partner, buyer, shop.endpoint)
    card = RateCard.objects.get()

    assert_refused(
        "content_hash",
        lambda: RateCard.objects.create(content={}, content_hash=card.content_hash),
    )


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"state": "settled"}, "session_has_result_exactly_when_settled"),
        ({"request_hash": "x"}, "session_has_result_exactly_when_settled"),
        ({"cost_credits": 5}, "session_"),
        ({"charged": 5}, "session_"),
        ({"held_credits": -1}, "session_credits_not_negative"),
    ],
)
def test_open_session_constraints(partner, shop, buyer, changes, constraint):
    key = started(partner, buyer, shop.endpoint)

    assert_refused(constraint, lambda: UsageSession.objects.filter(pk=key).update(**changes))


def settled_copy(key, **changes):
    """Write a second settled session, which no service would."""
    row = UsageSession.objects.get(pk=key)
    row.pk = None
    row._state.adding = True
    row.usage_key = UsageSession._meta.pk.get_default()
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"cost_credits": 1574}, "session_cost_is_charged_short_or_capped"),
        ({"cost_credits": 1576}, "session_cost_is_charged_short_or_capped"),
        ({"cost_credits": 1574, "flags": ["capped"]}, "session_cost_is_charged_short_or_capped"),
        ({"shortfall": -5, "charged": 1580}, "session_credits_not_negative"),
        ({"transaction_id": None}, "session_charge_has_its_transaction"),
        ({"balance_after": None}, "session_has_result_exactly_when_settled"),
    ],
)
def test_settled_session_constraints(partner, shop, buyer, changes, constraint):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)

    assert_refused(constraint, lambda: settled_copy(key, **changes))


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({}, "usage_once_per_session_position"),
        ({"position": 7, "input_tokens": -1}, "usage_tokens_not_negative"),
        ({"position": 7, "profit_credits": 1}, "usage_credits_add_up"),
        ({"position": 7, "base_credits": 1}, "usage_credits_add_up"),
        ({"position": 7, "rounding_credits": -1}, "usage_rounding_not_negative"),
    ],
)
def test_usage_constraints(partner, shop, buyer, changes, constraint):
    end(partner, buyer, started(partner, buyer, shop.endpoint))
    row = CreditsUsage.objects.first()
    row.pk = CreditsUsage._meta.pk.get_default()
    for name, value in changes.items():
        setattr(row, name, value)

    assert_refused(constraint, lambda: row.save(force_insert=True))


APPEND_ONLY = (
    AiModelHistory, BillingSettingHistory, CreditsProfitHistory, RateCard, CreditsUsage,
)  # fmt: skip


@pytest.mark.parametrize("model", [*APPEND_ONLY, UsageSession])
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE"])
def test_written_rows_are_neither_changed_nor_deleted(partner, shop, buyer, model, verb):
    """Through the ORM or through SQL, the database refuses."""
    end(partner, buyer, started(partner, buyer, shop.endpoint))
    table = sql.Identifier(model._meta.db_table)
    raw = {
        "UPDATE": sql.SQL("UPDATE {} SET created_at = now()").format(table),
        "DELETE": sql.SQL("DELETE FROM {}").format(table),
    }
    through_orm = {
        "UPDATE": lambda: model.objects.update(created_at=None),
        "DELETE": lambda: model.objects.all()._raw_delete(model.objects.db),
    }

    assert_refused("is refused", lambda: connection.cursor().execute(raw[verb]))
    assert_refused("is refused", through_orm[verb])


def test_names_are_what_people_look_for(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)

    assert [
        str(shop.prices.model_a),
        str(shop.prices.setting),
        str(shop.prices.platform),
        str(shop.prices.model_a.histories.get()),
        str(shop.prices.setting.histories.get()),
        str(shop.prices.platform.histories.get()),
        str(UsageSession.objects.get()),
        str(CreditsUsage.objects.earliest("position")),
    ] == [
        "Model-A",
        "0.00001 USD per credit",
        "Platform 20 %",
        "Model-A v1",
        "0.00001 USD per credit v1",
        "Platform v1",
        f"{shop.endpoint.value} {key}",
        "model-a 1200/800",
    ]
    card = RateCard.objects.get()
    assert str(card) == f"Rate card {card.version}"
