from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.enums import Role
from accounts.tests.factories import UserFactory
from billing.errors import InitialRequired, PriceTaken
from billing.models import (
    AiModel,
    AiModelHistory,
    BillingSetting,
    BillingSettingHistory,
    CreditsProfit,
    CreditsProfitHistory,
)
from billing.services import prices
from billing.tests.factories import model_fields
from common.errors import Invalid, NotFound
from common.ids import uuid7
from common.testing import run_concurrently


@pytest.fixture
def actor_id(db):
    return UserFactory(role=Role.ADMIN).id


def test_create_ai_model_writes_its_first_history(actor_id):
    """Histories begin with the creation and hold the after-image."""
    row = prices.create_ai_model(actor_id=actor_id, **model_fields("model-a", "3e-7", "2.5e-6"))

    history = AiModelHistory.objects.get()
    assert (history.ai_model, history.version, history.actor_id) == (row, 1, actor_id)
    assert history.snapshot == {
        "name": "Model-A",
        "value": "model-a",
        "provider": "acme",
        "input_token_price": "0.0000003",
        "output_token_price": "0.0000025",
        "is_active": True,
        "is_initial": True,
    }


def test_update_ai_model_writes_the_new_image_as_the_next_version(actor_id):
    row = prices.create_ai_model(actor_id=actor_id, **model_fields("model-a"))

    updated = prices.update_ai_model(
        ai_model_id=row.id, actor_id=actor_id, input_token_price=Decimal("0.000001")
    )

    assert updated.version == 2
    newest = AiModelHistory.objects.order_by("version").last()
    assert (newest.version, newest.snapshot["input_token_price"]) == (2, "0.000001")


def test_update_that_changes_nothing_writes_nothing(actor_id):
    row = prices.create_ai_model(actor_id=actor_id, **model_fields("model-a", "0.10"))

    same = prices.update_ai_model(
        ai_model_id=row.id, actor_id=actor_id, input_token_price=Decimal("0.1")
    )

    assert same.version == 1
    assert AiModelHistory.objects.count() == 1


def test_first_active_row_becomes_initial_and_a_later_one_can_take_over(actor_id):
    """There is one initial, and never none by accident."""
    asleep = prices.create_ai_model(actor_id=actor_id, **model_fields("model-z", is_active=False))
    first = prices.create_ai_model(actor_id=actor_id, **model_fields("model-a"))
    second = prices.create_ai_model(actor_id=actor_id, **model_fields("model-b"))

    prices.update_ai_model(ai_model_id=second.id, actor_id=actor_id, is_initial=True)

    rows = AiModel.objects.order_by("value").values_list("value", "is_initial", "version")
    assert list(rows) == [
        ("model-a", False, 2), ("model-b", True, 2), ("model-z", False, 1),
    ]  # fmt: skip
    assert first.histories.get(version=2).snapshot["is_initial"] is False
    assert asleep.histories.count() == 1


def test_create_billing_setting_can_take_over_at_once(actor_id):
    prices.create_billing_setting(actor_id=actor_id, credit_price=Decimal("0.00001"))

    prices.create_billing_setting(
        actor_id=actor_id, credit_price=Decimal("0.00002"), is_initial=True
    )

    assert BillingSetting.objects.get(is_initial=True).credit_price == Decimal("0.00002")
    assert BillingSettingHistory.objects.count() == 3


@pytest.mark.parametrize("field", ["is_initial", "is_active"])
def test_initial_row_cannot_be_given_up(actor_id, field):
    model = prices.create_ai_model(actor_id=actor_id, **model_fields("model-a"))
    setting = prices.create_billing_setting(actor_id=actor_id, credit_price=Decimal(1))

    with pytest.raises(InitialRequired) as caught:
        prices.update_ai_model(ai_model_id=model.id, actor_id=actor_id, **{field: False})
    assert caught.value.field == field
    with pytest.raises(InitialRequired):
        prices.update_billing_setting(
            billing_setting_id=setting.id, actor_id=actor_id, **{field: False}
        )
    assert AiModelHistory.objects.count() == BillingSettingHistory.objects.count() == 1


def test_inactive_row_cannot_be_initial(actor_id):
    with pytest.raises(Invalid) as caught:
        prices.create_ai_model(
            actor_id=actor_id, **model_fields("model-a", is_active=False, is_initial=True)
        )

    assert caught.value.field == "is_active"
    assert not AiModel.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"value": "Model A"}, "value"),
        ({"name": "x"}, "name"),
        ({"provider": ""}, "provider"),
        ({"input_token_price": Decimal(-1)}, "input_token_price"),
        ({"output_token_price": Decimal("NaN")}, "output_token_price"),
        ({"output_token_price": None}, "output_token_price"),
        ({"input_token_price": Decimal("1e-16")}, "input_token_price"),
    ],
)
def test_create_ai_model_names_the_field_that_is_wrong(actor_id, fields, field):
    with pytest.raises(Invalid) as caught:
        prices.create_ai_model(actor_id=actor_id, **(model_fields("model-a") | fields))

    assert caught.value.field == field
    assert not AiModel.objects.exists()


def test_create_ai_model_must_say_both_prices(actor_id):
    """Free is a price that somebody wrote down."""
    with pytest.raises(Invalid) as caught:
        prices.create_ai_model(
            actor_id=actor_id, name="Model A", value="model-a", provider="acme",
            input_token_price=Decimal(0),
        )  # fmt: skip

    assert caught.value.field == "output_token_price"


@pytest.mark.parametrize("price", ["0", "-1", "1e-13"])
def test_credit_price_must_be_above_zero(actor_id, price):
    """A credit price of 0 is refused, not replaced by a default."""
    with pytest.raises(Invalid) as caught:
        prices.create_billing_setting(actor_id=actor_id, credit_price=Decimal(price))

    assert caught.value.field == "credit_price"


@pytest.mark.parametrize("percentage", ["-0.01", "100.01"])
def test_profit_must_be_0_to_100_percent(actor_id, percentage):
    with pytest.raises(Invalid) as caught:
        prices.create_credits_profit(
            actor_id=actor_id, name="Platform", percentage=Decimal(percentage)
        )

    assert caught.value.field == "percentage"


def test_taken_names_and_values_are_a_conflict_that_names_the_field(actor_id):
    prices.create_ai_model(actor_id=actor_id, **model_fields("model-a"))
    prices.create_credits_profit(actor_id=actor_id, name="Platform", percentage=Decimal(1))

    with pytest.raises(PriceTaken) as value:
        prices.create_ai_model(actor_id=actor_id, **model_fields("model-a", name="Other"))
    with pytest.raises(PriceTaken) as name:
        prices.create_ai_model(actor_id=actor_id, **model_fields("model-b", name="Model-A"))
    with pytest.raises(PriceTaken) as profit:
        prices.create_credits_profit(actor_id=actor_id, name="Platform", percentage=Decimal(2))

    assert [value.value.field, name.value.field, profit.value.field] == ["value", "name", "name"]


def test_update_of_unknown_row_is_not_found(actor_id):
    with pytest.raises(NotFound):
        prices.update_ai_model(ai_model_id=uuid7(), actor_id=actor_id, name="Model")
    with pytest.raises(NotFound):
        prices.update_billing_setting(billing_setting_id=uuid7(), actor_id=actor_id)
    with pytest.raises(NotFound):
        prices.update_credits_profit(credits_profit_id=uuid7(), actor_id=actor_id)


def test_create_for_unknown_actor_is_refused_by_the_database(actor_id):
    with transaction.atomic():
        prices.create_ai_model(actor_id=uuid7(), **model_fields("model-a"))
        with pytest.raises(IntegrityError):
            connection.check_constraints()
        transaction.set_rollback(True)


def test_update_credits_profit_writes_its_history(actor_id):
    row = prices.create_credits_profit(actor_id=actor_id, name="Platform", percentage=Decimal(20))

    prices.update_credits_profit(
        credits_profit_id=row.id, actor_id=actor_id, percentage=Decimal("12.50")
    )

    assert list(
        CreditsProfitHistory.objects.order_by("version").values_list("version", "snapshot")
    ) == [
        (1, {"name": "Platform", "percentage": "20", "is_active": True}),
        (2, {"name": "Platform", "percentage": "12.5", "is_active": True}),
    ]
    assert CreditsProfit.objects.get().version == 2


@pytest.mark.django_db(transaction=True)
def test_two_rows_that_take_over_at_once_leave_one_initial():
    """Under concurrency too; the loser is told."""
    actor_id = UserFactory(role=Role.ADMIN).id
    rows = [
        prices.create_ai_model(actor_id=actor_id, **model_fields(f"model-{name}"))
        for name in "abcde"
    ]

    results = run_concurrently(
        [
            lambda row=row: prices.update_ai_model(
                ai_model_id=row.id, actor_id=actor_id, is_initial=True
            )
            for row in rows[1:]
        ]
    )

    refused = [result.field for result in results if isinstance(result, PriceTaken)]
    assert set(refused) <= {"is_initial"}
    assert len(refused) < len(results)
    assert AiModel.objects.filter(is_initial=True).count() == 1
    for row in AiModel.objects.all():
        assert row.histories.count() == row.version
