"""Starting, extending, switching and expiring what users hold."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from catalog import selectors, services, tasks
from catalog.enums import SubscriptionStatus
from catalog.models import Subscription
from catalog.services import ReferenceReused
from catalog.tests.factories import PlanFactory, make_package, terms
from common import clock
from common.errors import Conflict, NotFound
from common.models import OutboxEvent
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def offer_of(package, plan=None):
    return selectors.offer(
        package_id=package.id,
        plan_id=(plan or package.plans.first().plan).id,
        currency="USD",
    )


def start(user, offer, reference="payment:1", at=NOON):
    return services.start_subscription(user_id=user.id, offer=offer, reference=reference, at=at)


def statuses(user):
    rows = Subscription.objects.filter(user=user).order_by("reference")
    return [(row.reference, row.status) for row in rows]


def test_first_start_runs_for_the_length_of_the_plan(user):
    plan = PlanFactory(duration_days=30)
    package = make_package(plans=[terms(plan)])

    subscription = start(user, offer_of(package))

    assert (subscription.user, subscription.package, subscription.plan) == (user, package, plan)
    assert subscription.package_history == package.histories.get()
    assert subscription.status == SubscriptionStatus.ACTIVE
    assert subscription.current_period_start == NOON
    assert subscription.current_period_end == NOON + 30 * DAY
    event = OutboxEvent.objects.get(type="catalog.subscription_started")
    assert event.payload == {
        "subscription_id": str(subscription.id),
        "user_id": str(user.id),
        "package_history_id": str(package.histories.get().id),
        "period_end": "2026-12-01T12:00:00+00:00",
    }


def test_replay_returns_the_first_and_changes_nothing(user):
    offer = offer_of(make_package())
    first = start(user, offer)

    again = start(user, offer, at=NOON + DAY)

    assert again == first
    assert again.current_period_end == NOON + 30 * DAY
    assert OutboxEvent.objects.filter(type="catalog.subscription_started").count() == 1


def test_replay_of_one_that_was_replaced_changes_nothing(user):
    first = start(user, offer_of(make_package()))
    offer = selectors.offer_in_version(
        package_history_id=first.package_history_id,
        package_plan_id=first.package.plans.get().id,
        currency="USD",
    )
    start(user, offer_of(make_package()), "payment:2")

    assert start(user, offer) == first
    assert statuses(user) == [("payment:1", "canceled"), ("payment:2", "active")]


def test_reference_of_another_offer_is_refused(user):
    start(user, offer_of(make_package()))

    with pytest.raises(ReferenceReused):
        start(user, offer_of(make_package()))

    assert statuses(user) == [("payment:1", "active")]


def test_reference_of_another_user_is_refused(user, other_user):
    offer = offer_of(make_package())
    start(user, offer)

    with pytest.raises(ReferenceReused):
        start(other_user, offer)

    assert statuses(other_user) == []


def test_start_for_nobody_is_refused():
    class Nobody:
        id = UUID("01890000-0000-7000-8000-000000000000")

    with pytest.raises(NotFound):
        start(Nobody, offer_of(make_package()))


def test_same_package_is_extended_from_its_end(user):
    # The original restarted the period and the days left were lost.
    offer = offer_of(make_package())
    start(user, offer)

    extended = start(user, offer, "payment:2", at=NOON + 10 * DAY)

    assert statuses(user) == [("payment:1", "canceled"), ("payment:2", "active")]
    assert extended.current_period_start == NOON
    assert extended.current_period_end == NOON + 60 * DAY


def test_same_package_for_another_plan_is_extended_by_that_plan(user):
    month, year = PlanFactory(duration_days=30), PlanFactory(duration_days=365)
    package = make_package(plans=[terms(month), terms(year)])
    start(user, offer_of(package, month))

    extended = start(user, offer_of(package, year), "payment:2", at=NOON + DAY)

    assert (extended.plan, extended.current_period_end) == (year, NOON + 395 * DAY)


def test_another_package_switches_now(user):
    start(user, offer_of(make_package()))

    switched = start(user, offer_of(make_package()), "payment:2", at=NOON + 10 * DAY)

    assert statuses(user) == [("payment:1", "canceled"), ("payment:2", "active")]
    assert switched.current_period_start == NOON + 10 * DAY
    assert switched.current_period_end == NOON + 40 * DAY


@pytest.mark.parametrize("same", [True, False])
def test_what_ran_out_unnoticed_is_expired_and_not_extended(user, same):
    package = make_package()
    start(user, offer_of(package))

    fresh = start(
        user, offer_of(package if same else make_package()), "payment:2", at=NOON + 30 * DAY
    )

    assert statuses(user) == [("payment:1", "expired"), ("payment:2", "active")]
    assert fresh.current_period_start == NOON + 30 * DAY
    assert fresh.current_period_end == NOON + 60 * DAY


def test_old_offer_still_gives_what_the_buyer_saw(user):
    # Credits and version used to be taken from the live rows at settlement.
    plan = PlanFactory(duration_days=30)
    package = make_package(plans=[terms(plan)])
    seen = offer_of(package)
    plan.duration_days = 7
    plan.save()
    services.settle_plan_changes(plan_ids=[plan.id], actor_id=None)
    services.update_package(
        package_id=package.id, fields={"is_active": False}, plans=[terms()], actor_id=None
    )

    subscription = start(user, seen)

    assert subscription.package_history.version == 1
    assert subscription.current_period_end == NOON + 30 * DAY


def test_running_subscription_keeps_its_version(user):
    package = make_package()
    subscription = start(user, offer_of(package))
    services.update_package(package_id=package.id, fields={"name": "New"}, actor_id=None)

    entitled = selectors.entitlement_of(user_ids=[user.id], at=NOON)

    version = selectors.package_version(entitled[user.id].package_history_id)
    assert entitled[user.id].subscription_id == subscription.id
    assert version.package_name == package.name


def test_expiry_closes_only_what_is_over_and_twice_is_once(user, other_user):
    package = make_package(plans=[terms(PlanFactory(duration_days=1))])
    start(user, offer_of(package), "payment:1")
    start(other_user, offer_of(package), "payment:2", at=NOON + timedelta(seconds=1))

    with clock.frozen(NOON + DAY):
        assert [tasks.expire_subscriptions(), tasks.expire_subscriptions()] == [1, 0]

    assert statuses(user) == [("payment:1", "expired")]
    assert statuses(other_user) == [("payment:2", "active")]


def test_expiry_goes_on_until_nothing_is_left(user, other_user, monkeypatch):
    monkeypatch.setattr(tasks, "BATCH", 1)
    offer = offer_of(make_package())
    start(user, offer, "payment:1")
    start(other_user, offer, "payment:2")

    with clock.frozen(NOON + 90 * DAY):
        assert tasks.expire_subscriptions() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [True, False])
def test_concurrent_starts_leave_exactly_one_active(user, held):
    offers = [offer_of(make_package()) for _ in range(3)]
    if held:
        start(user, offers[0], "payment:0")

    def begin(number):
        return lambda: start(user, offers[number % 3], f"payment:{number}")

    results = run_concurrently([begin(number) for number in range(1, 9)])

    assert [result for result in results if isinstance(result, Exception)] == []
    assert Subscription.objects.filter(status=SubscriptionStatus.ACTIVE).count() == 1
    assert Subscription.objects.count() == 8 + held


@pytest.mark.django_db(transaction=True)
def test_concurrent_extensions_add_every_length(user):
    offer = offer_of(make_package())

    run_concurrently([lambda n=number: start(user, offer, f"payment:{n}") for number in range(6)])

    active = Subscription.objects.get(status=SubscriptionStatus.ACTIVE)
    assert active.current_period_end == NOON + 180 * DAY


@pytest.mark.django_db(transaction=True)
def test_concurrent_replays_start_once(user):
    offer = offer_of(make_package())

    results = run_concurrently([lambda: start(user, offer)] * 6)

    assert {result.id for result in results} == {Subscription.objects.get().id}


@pytest.mark.django_db(transaction=True)
def test_one_reference_for_many_users_at_once_starts_one(user, other_user):
    offer = offer_of(make_package())

    results = run_concurrently([lambda: start(user, offer), lambda: start(other_user, offer)])

    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(refused) == Subscription.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_expiry_and_extension_at_once_never_lose_the_user(user):
    offer = offer_of(make_package())
    start(user, offer)

    run_concurrently(
        [
            lambda: start(user, offer, "payment:2", at=NOON + 29 * DAY),
            lambda: services.expire_subscriptions(now=NOON + 31 * DAY, limit=10),
        ]
    )

    active = Subscription.objects.get(status=SubscriptionStatus.ACTIVE)
    assert active.reference == "payment:2"
