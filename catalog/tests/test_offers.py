"""What a buyer is shown, now and in old versions."""

from uuid import UUID

import pytest

from catalog import selectors, services
from catalog.selectors import Offer
from catalog.tests.factories import (
    PlanFactory,
    make_package,
    terms,
)
from common.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


NOBODY = UUID("01890000-0000-7000-8000-000000000000")


def offer(package, plan, currency="USD"):
    return selectors.offer(package_id=package.id, plan_id=plan.id, currency=currency)


@pytest.fixture
def month():
    return PlanFactory(name="Monthly", duration_days=30)


@pytest.fixture
def pro(month):
    line = terms(
        month,
        price_usd_minor=2900,
        price_bdt_minor=348_000,
        credits=3_000_000,
        credits_valid_days=60,
    )
    return make_package(name="Pro", plans=[line])


@pytest.mark.parametrize(("currency", "amount"), [("USD", 2900), ("BDT", 348_000)])
def test_offer_says_what_the_package_costs_and_grants(pro, month, currency, amount):
    assert offer(pro, month, currency) == Offer(
        package_history_id=pro.histories.get().id,
        package_id=pro.id,
        package_plan_id=pro.plans.get().id,
        plan_id=month.id,
        package_name="Pro",
        plan_name="Monthly",
        duration_days=30,
        credits=3_000_000,
        credits_valid_days=60,
        amount_minor=amount,
        currency=currency,
    )


def test_offer_in_an_unknown_currency_is_refused(pro, month):
    with pytest.raises(Invalid) as caught:
        offer(pro, month, "EUR")

    assert caught.value.field == "currency"


@pytest.mark.parametrize("change", ["unknown", "trashed", "inactive"])
def test_offer_of_a_package_that_is_not_on_sale_is_refused(pro, month, change):
    if change == "unknown":
        pro.id = NOBODY
    if change == "trashed":
        pro.soft_delete()
    if change == "inactive":
        services.update_package(package_id=pro.id, fields={"is_active": False}, actor_id=None)

    with pytest.raises(NotFound) as caught:
        offer(pro, month)

    assert caught.value.field == "package"


def test_offer_for_a_plan_that_the_package_does_not_have_is_refused(pro):
    with pytest.raises(NotFound) as caught:
        offer(pro, PlanFactory())

    assert caught.value.field == "plan"


def test_offer_for_a_line_that_is_switched_off_is_refused(month):
    package = make_package(plans=[terms(), terms(month, is_active=False)])

    with pytest.raises(Invalid) as caught:
        offer(package, month)

    assert caught.value.field == "plan"


def test_offer_for_a_plan_that_is_switched_off_is_refused(pro, month):
    month.is_active = False
    month.save()
    services.settle_plan_changes(plan_ids=[month.id], actor_id=None)

    with pytest.raises(Invalid) as caught:
        offer(pro, month)

    assert caught.value.field == "plan"


def test_offer_in_an_old_version_is_what_was_seen_then(pro, month):
    seen = offer(pro, month)
    services.update_package(
        package_id=pro.id,
        fields={"name": "Other"},
        plans=[terms(month, price_usd_minor=1)],
        actor_id=None,
    )

    again = selectors.offer_in_version(
        package_history_id=seen.package_history_id,
        package_plan_id=seen.package_plan_id,
        currency="USD",
    )

    assert again == seen
    assert offer(pro, month).amount_minor == 1


@pytest.mark.parametrize("missing", ["package_history", "package_plan"])
def test_offer_in_a_version_that_does_not_have_it_is_refused(pro, missing):
    ids = {
        "package_history_id": pro.histories.get().id,
        "package_plan_id": pro.plans.get().id,
    } | {f"{missing}_id": NOBODY}

    with pytest.raises(NotFound) as caught:
        selectors.offer_in_version(**ids, currency="USD")

    assert caught.value.field == missing


def test_initial_offer_is_the_initial_line_of_the_initial_package(month):
    make_package()
    free = make_package(
        is_initial=True,
        plans=[
            terms(),
            terms(month, price_usd_minor=0, price_bdt_minor=0, credits=100, is_initial=True),
        ],
    )

    initial = selectors.initial_offer()

    assert (initial.package_id, initial.plan_id) == (free.id, month.id)
    assert (initial.credits, initial.amount_minor, initial.currency) == (100, 0, "USD")


def test_initial_offer_without_initial_package_is_none(pro):
    assert selectors.initial_offer() is None
