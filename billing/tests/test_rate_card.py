from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing import rate_card
from billing.metrics import rate_card_lookups
from billing.models import RateCard
from billing.receivers import drop_rate_card_on_endpoints_changed
from billing.services import prices
from billing.tests.factories import customer, end, model_fields, open_shop, set_prices, started
from catalog.events import EndpointsChanged
from common.testing import run_concurrently

PRICE_TABLES = (
    "billing_aimodel", "billing_billingsetting", "billing_creditsprofit", "billing_ratecard",
    "catalog_feature", "catalog_package",
)  # fmt: skip


def hits(level, result):
    return rate_card_lookups.labels(level=level, result=result)._value.get()


def forget_in_this_process():
    rate_card._current = None


@pytest.fixture
def no_redis(settings):
    settings.CACHES = {
        "default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}
    }


def test_card_has_every_price_and_endpoint_with_its_version(shop):
    card = rate_card.current()

    assert card.credit_price == Decimal("0.00001")
    assert card.profit_percentage == 30
    assert card.initial_model == card.models["model-a"]
    assert (card.models["model-b"].id, card.models["model-b"].output_token_price) == (
        shop.prices.model_b.id, Decimal("0.00001"),
    )  # fmt: skip
    rate = card.endpoints[card.endpoint_ids[shop.endpoint.value]]
    assert (rate.id, rate.feature_path) == (shop.endpoint.id, (shop.feature.id,))
    content = RateCard.objects.get(pk=card.version).content
    assert content["credit_price"] == {
        "id": str(shop.prices.setting.id), "version": 1, "value": "0.00001",
    }  # fmt: skip
    assert [row["version"] for row in content["models"] + content["profits"]] == [1, 1, 1, 1]


def test_card_without_prices_has_none(db):
    card = rate_card.current()

    assert (card.credit_price, card.initial_model, card.profit_percentage) == (None, None, 0)


def test_equal_content_is_one_version(shop):
    first = rate_card.current()
    change = {"credits_profit_id": shop.prices.support.id, "actor_id": shop.prices.actor_id}
    assert rate_card.current() == first

    prices.update_credits_profit(is_active=False, **change)

    assert rate_card.current().version != first.version
    assert RateCard.objects.count() == 2


def test_inactive_models_are_not_on_the_card(shop):
    prices.update_ai_model(
        ai_model_id=shop.prices.model_b.id, actor_id=shop.prices.actor_id, is_active=False
    )

    assert set(rate_card.current().models) == {"model-a"}


@pytest.mark.django_db(transaction=True)
def test_warm_metered_call_does_no_query_for_prices(partner):
    """The cache is real."""
    shop = open_shop(config={"min_credits": 10})
    buyer = customer()
    end(partner, buyer, started(partner, buyer, shop.endpoint))

    with CaptureQueriesContext(connection) as captured:
        end(partner, buyer, started(partner, buyer, shop.endpoint))

    read = [
        query["sql"]
        for query in captured
        if query["sql"].startswith("SELECT")
        and any(f'FROM "{table}' in query["sql"] for table in PRICE_TABLES)
        and '"catalog_packagehistory"' not in query["sql"]
    ]
    assert read == []


@pytest.mark.django_db(transaction=True)
def test_lookup_falls_from_process_to_redis_to_database():
    """Two levels, and both are counted."""
    set_prices()
    before = [hits("l1", "hit"), hits("l1", "miss"), hits("l2", "hit"), hits("l2", "miss")]

    cold = rate_card.current()
    warm = rate_card.current()
    forget_in_this_process()
    shared = rate_card.current()

    after = [hits("l1", "hit"), hits("l1", "miss"), hits("l2", "hit"), hits("l2", "miss")]
    assert cold == warm == shared
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1, 1]


@pytest.mark.django_db(transaction=True)
def test_change_is_seen_by_the_next_call_of_every_process():
    shop = set_prices()
    old = rate_card.current()

    prices.update_credits_profit(
        credits_profit_id=shop.support.id, actor_id=shop.actor_id, percentage=Decimal(15)
    )

    # This process learns it from the token in Redis alone, as any other would.
    assert rate_card.current().profit_percentage == old.profit_percentage + 5
    forget_in_this_process()
    assert rate_card.current().profit_percentage == 35


@pytest.mark.django_db(transaction=True)
def test_endpoint_switched_off_is_seen_after_its_event():
    """No stale endpoint."""
    shop = open_shop()
    assert rate_card.current().endpoints[shop.endpoint.id].is_active
    shop.endpoint.is_active = False
    shop.endpoint.save()

    drop_rate_card_on_endpoints_changed(EndpointsChanged())

    assert not rate_card.current().endpoints[shop.endpoint.id].is_active


@pytest.mark.django_db(transaction=True)
def test_card_of_a_rolled_back_change_is_never_shared():
    shop = set_prices()
    with transaction.atomic():
        prices.update_credits_profit(
            credits_profit_id=shop.support.id, actor_id=shop.actor_id, is_active=False
        )
        rate_card.invalidate()
        assert rate_card.current().profit_percentage == 20
        transaction.set_rollback(True)

    card = rate_card.current()

    assert card.profit_percentage == 30
    assert RateCard.objects.filter(pk=card.version).exists()


@pytest.mark.django_db(transaction=True)
def test_slow_compiler_cannot_bring_old_prices_back(monkeypatch):
    """A price changes while somebody compiles: what he compiled is filed under the old token."""
    shop = set_prices()
    compile_ = rate_card._compile

    def overtaken(*, share_under=None):
        card = compile_(share_under=share_under)
        prices.update_credits_profit(
            credits_profit_id=shop.support.id, actor_id=shop.actor_id, is_active=False
        )
        return card

    monkeypatch.setattr(rate_card, "_compile", overtaken)
    assert rate_card.current().profit_percentage == 30
    monkeypatch.setattr(rate_card, "_compile", compile_)

    assert rate_card.current().profit_percentage == 20


@pytest.mark.django_db(transaction=True)
def test_concurrent_compilers_agree_on_one_version():
    set_prices()

    cards = run_concurrently([rate_card.current] * 8)

    assert len({card.version for card in cards}) == 1
    assert RateCard.objects.count() == 1


def test_metering_without_redis_is_correct(shop, partner, no_redis):
    buyer = customer()

    assert end(partner, buyer, started(partner, buyer, shop.endpoint)).answer["charged"] == 1575


@pytest.mark.django_db(transaction=True)
def test_price_change_without_redis_is_kept_and_seen(no_redis):
    shop = set_prices()

    prices.update_credits_profit(
        credits_profit_id=shop.support.id, actor_id=shop.actor_id, is_active=False
    )

    assert rate_card.current().profit_percentage == 20


@pytest.mark.django_db(transaction=True)
def test_card_that_redis_is_gone_for_before_it_can_be_shared_is_still_answered(request):
    set_prices()

    with transaction.atomic():
        card = rate_card.current()
        request.getfixturevalue("no_redis")

    assert card.profit_percentage == 30
    assert RateCard.objects.filter(pk=card.version).exists()


def test_receiver_without_redis_fails_so_that_the_outbox_tries_again(db, no_redis):
    with pytest.raises(rate_card._REDIS_AWAY):
        drop_rate_card_on_endpoints_changed(EndpointsChanged())


@pytest.mark.django_db(transaction=True)
def test_process_keeps_a_bounded_number_of_old_cards(monkeypatch):
    shop = set_prices()
    monkeypatch.setattr(rate_card, "_KEPT_VERSIONS", 2)
    monkeypatch.setattr(rate_card, "_cards", {})

    for number in range(4):
        prices.create_ai_model(actor_id=shop.actor_id, **model_fields(f"extra-{number}"))
        rate_card.current()

    assert len(rate_card._cards) == 2
    versions = list(RateCard.objects.values_list("version", flat=True))
    assert set(rate_card.of_versions(versions)) == set(versions)
