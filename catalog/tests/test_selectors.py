"""What other apps ask: versions, entitlements, the rate card."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from catalog import selectors, services
from catalog.models import Package, PackageHistory
from catalog.selectors import EndpointRate, Entitlement
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.errors import NotFound

pytestmark = pytest.mark.django_db

NOBODY = UUID("01890000-0000-7000-8000-000000000000")
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


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


def test_package_version_is_read_once(pro):
    history_id = pro.histories.get().id
    first = selectors.package_version(history_id)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert selectors.package_version(history_id) is first
    assert len(queries) == 0


def test_package_version_holds_its_features_and_nothing_else():
    feature = FeatureFactory()
    FeatureFactory(parent=feature)
    package = make_package(features=[feature])

    version = selectors.package_version(package.histories.get().id)

    assert version.feature_ids == {feature.id}


def test_version_without_features_entitles_to_nothing():
    # An empty list used to mean everything.
    package = Package.objects.create(value="empty", name="Empty", version=1)
    snapshot = {"package": {"name": "Empty"}, "features": [], "plans": [], "configs": []}
    history = PackageHistory.objects.create(package=package, version=1, snapshot=snapshot)

    assert selectors.package_version(history.id).feature_ids == frozenset()


def test_unknown_package_version_is_refused():
    with pytest.raises(NotFound):
        selectors.package_version(NOBODY)


def entitled(user, at):
    return selectors.entitlement_of(user_ids=[user.id], at=at).get(user.id)


def test_subscriber_is_entitled_for_the_period(user, pro, month):
    subscription = services.start_subscription(
        user_id=user.id, offer=offer(pro, month), reference="payment:1", at=NOON
    )
    expected = Entitlement(
        subscription_id=subscription.id,
        package_history_id=pro.histories.get().id,
        period_start=NOON,
        period_end=NOON + 30 * DAY,
    )

    assert entitled(user, NOON - timedelta.resolution) is None
    assert entitled(user, NOON) == expected
    assert entitled(user, NOON + 30 * DAY - timedelta.resolution) == expected
    assert entitled(user, NOON + 30 * DAY) is None


def test_extended_subscription_counts_in_one_period_after_the_other(user, pro, month):
    for number in range(3):
        services.start_subscription(
            user_id=user.id,
            offer=offer(pro, month),
            reference=f"payment:{number}",
            at=NOON + number * DAY,
        )

    periods = [
        (entitled(user, NOON + days * DAY).period_start - NOON) / DAY
        for days in (2, 29, 30, 59, 60, 89)
    ]
    assert periods == [0, 0, 30, 30, 60, 60]
    assert entitled(user, NOON + 89 * DAY).period_end == NOON + 90 * DAY
    assert entitled(user, NOON + 90 * DAY) is None


def test_month_extended_by_a_year_counts_the_month_first(user, month):
    year = PlanFactory(duration_days=365)
    package = make_package(plans=[terms(month), terms(year)])
    for number, plan in enumerate((month, year)):
        services.start_subscription(
            user_id=user.id, offer=offer(package, plan), reference=f"payment:{number}", at=NOON
        )

    first, second = entitled(user, NOON + DAY), entitled(user, NOON + 30 * DAY)

    assert (first.period_start, first.period_end) == (NOON, NOON + 30 * DAY)
    assert (second.period_start, second.period_end) == (NOON + 30 * DAY, NOON + 395 * DAY)


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ((2026, 11, 15, 12), (2026, 11, 1), (2026, 12, 1)),
        ((2026, 12, 31, 23), (2026, 12, 1), (2027, 1, 1)),
        ((2027, 2, 1, 0), (2027, 2, 1), (2027, 3, 1)),
    ],
)
def test_who_has_no_subscription_is_served_by_the_initial_package(user, at, start, end):
    # Everybody without a subscription used to be locked out.
    free = make_package(is_initial=True)

    assert entitled(user, datetime(*at, tzinfo=UTC)) == Entitlement(
        subscription_id=None,
        package_history_id=free.histories.get().id,
        period_start=datetime(*start, tzinfo=UTC),
        period_end=datetime(*end, tzinfo=UTC),
    )


def test_initial_package_serves_with_its_newest_version(user):
    free = make_package(is_initial=True)
    services.update_package(package_id=free.id, fields={"name": "Freer"}, actor_id=None)

    assert entitled(user, NOON).package_history_id == free.histories.get(version=2).id


def test_without_initial_package_who_has_no_subscription_is_absent(user, pro):
    assert selectors.entitlement_of(user_ids=[user.id], at=NOON) == {}


def test_entitlements_of_many_take_as_many_queries_as_of_one(pro, month):
    make_package(is_initial=True)
    users = [UserFactory() for _ in range(6)]
    for user in users[:3]:
        services.start_subscription(
            user_id=user.id, offer=offer(pro, month), reference=f"payment:{user.id}", at=NOON
        )
    counts = []
    for asked in ([users[0], users[5]], users):
        ids = [user.id for user in asked]
        selectors.entitlement_of(user_ids=ids, at=NOON)
        with CaptureQueriesContext(connection) as queries:
            found = selectors.entitlement_of(user_ids=ids, at=NOON)
        assert found.keys() == set(ids)
        counts.append(len(queries))

    assert counts == [2, 2]


def test_rate_card_has_every_living_endpoint_with_its_ancestors():
    root = FeatureFactory()
    leaf = FeatureFactory(parent=FeatureFactory(parent=root))
    endpoint = FeatureEndpointFactory(feature=leaf, value="article", min_credits=50)
    FeatureEndpointFactory().soft_delete()

    assert selectors.endpoints_for_rate_card() == [
        EndpointRate(
            id=endpoint.id,
            value="article",
            feature_id=leaf.id,
            feature_path=(leaf.id, leaf.parent_id, root.id),
            min_credits=50,
            is_active=True,
        )
    ]


@pytest.mark.parametrize("level", ["endpoint", "feature", "parent", "root"])
def test_endpoint_is_active_when_all_above_it_are(level):
    endpoint = FeatureEndpointFactory(feature__parent=FeatureFactory(parent=FeatureFactory()))
    row = {
        "endpoint": endpoint,
        "feature": endpoint.feature,
        "parent": endpoint.feature.parent,
        "root": endpoint.feature.parent.parent,
    }[level]
    row.is_active = False
    row.save()

    assert [rate.is_active for rate in selectors.endpoints_for_rate_card()] == [False]


def test_endpoint_below_a_trashed_feature_is_not_active():
    endpoint = FeatureEndpointFactory()
    endpoint.feature.soft_delete()

    assert [rate.is_active for rate in selectors.endpoints_for_rate_card()] == [False]


def test_rate_card_takes_two_queries():
    for _ in range(3):
        FeatureEndpointFactory(feature__parent=FeatureFactory())

    with CaptureQueriesContext(connection) as queries:
        selectors.endpoints_for_rate_card()
    assert len(queries) == 2
