"""The database itself refuses what must not be."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from catalog.enums import SubscriptionStatus
from catalog.models import (
    Feature,
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackageHistory,
    PackagePlan,
    Subscription,
)
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


def test_two_living_features_with_one_value_are_refused():
    FeatureFactory(value="writing")

    with refused("living_feature_value_unique"):
        FeatureFactory(value="writing")


def test_value_of_a_trashed_feature_is_free():
    FeatureFactory(value="writing").soft_delete()

    assert FeatureFactory(value="writing").deleted_at is None


def test_feature_as_its_own_parent_is_refused():
    feature = FeatureFactory()

    with refused("feature_not_its_own_parent"):
        Feature.objects.filter(pk=feature.pk).update(parent=feature)


def test_two_living_endpoints_with_one_value_are_refused():
    FeatureEndpointFactory(value="article")

    with refused("living_endpoint_value_unique"):
        FeatureEndpointFactory(value="article")


def test_one_path_and_method_twice_in_a_feature_is_refused():
    first = FeatureEndpointFactory(endpoint="/write")

    FeatureEndpointFactory(endpoint="/write")
    FeatureEndpointFactory(feature=first.feature, endpoint="/write", method="GET")
    with refused("living_endpoint_once_per_feature_path_and_method"):
        FeatureEndpointFactory(feature=first.feature, endpoint="/write")


def test_negative_min_credits_are_refused():
    with refused("endpoint_min_credits_not_negative"):
        FeatureEndpointFactory(min_credits=-1)


@pytest.mark.parametrize("days", [0, 36_501])
def test_plan_of_no_day_or_more_than_a_century_is_refused(days):
    with refused("plan_lasts_a_day_to_a_century"):
        PlanFactory(duration_days=days)


def test_two_living_packages_with_one_value_are_refused():
    Package.objects.create(value="pro", name="Pro")

    with refused("living_package_value_unique"):
        Package.objects.create(value="pro", name="Pro")


def test_two_living_initial_packages_are_refused():
    Package.objects.create(value="one", name="One", is_initial=True)

    with refused("one_living_initial_package"):
        Package.objects.create(value="two", name="Two", is_initial=True)


def test_inactive_initial_package_is_refused():
    with refused("initial_package_is_active"):
        Package.objects.create(value="one", name="One", is_initial=True, is_active=False)


def line(package, **kwargs):
    defaults = {"price_usd_minor": 1, "price_bdt_minor": 1, "credits": 1}
    return PackagePlan.objects.create(package=package, **(defaults | kwargs))


def test_one_plan_twice_in_a_package_is_refused():
    package = make_package()

    with refused("plan_once_per_living_package"):
        line(package, plan=package.plans.get().plan)


def test_two_initial_plans_in_a_package_are_refused():
    package = make_package()

    with refused("one_initial_plan_per_package"):
        line(package, plan=PlanFactory(), is_initial=True)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"is_initial": True, "is_active": False}, "initial_plan_is_active"),
        ({"price_usd_minor": -1}, "package_plan_prices_not_negative"),
        ({"price_bdt_minor": -1}, "package_plan_prices_not_negative"),
        ({"credits": -1}, "package_plan_credits_not_negative"),
        ({"credits_valid_days": 0}, "package_plan_credits_valid_a_day_to_a_century"),
        ({"credits_valid_days": 36_501}, "package_plan_credits_valid_a_day_to_a_century"),
    ],
)
def test_impossible_package_plan_is_refused(values, constraint):
    package = Package.objects.create(value="pro", name="Pro")

    with refused(constraint):
        line(package, plan=PlanFactory(), **values)


def test_one_feature_twice_in_a_package_is_refused():
    package = make_package()

    with refused("feature_once_per_living_package"):
        PackageFeature.objects.create(package=package, feature=package.features.get().feature)


@pytest.mark.parametrize("scope", ["package", "feature", "endpoint"])
def test_two_configs_for_one_scope_are_refused_nulls_included(scope):
    endpoint = FeatureEndpointFactory()
    values = {"package": make_package(features=[endpoint.feature]), "config": {}}
    if scope != "package":
        values["feature"] = endpoint.feature
    if scope == "endpoint":
        values["feature_endpoint"] = endpoint
    PackageFeatureConfig.objects.create(**values).soft_delete()
    PackageFeatureConfig.objects.create(**values)

    with refused("living_config_once_per_scope"):
        PackageFeatureConfig.objects.create(**values)


def test_config_of_an_endpoint_without_its_feature_is_refused():
    endpoint = FeatureEndpointFactory()

    with refused("config_of_endpoint_names_its_feature"):
        PackageFeatureConfig.objects.create(
            package=make_package(), feature_endpoint=endpoint, config={}
        )


def test_one_version_twice_is_refused():
    history = make_package().histories.get()

    with refused("history_once_per_package_version"):
        PackageHistory.objects.create(package=history.package, version=1, snapshot={})


@pytest.mark.parametrize(
    "change",
    [
        lambda history: PackageHistory.objects.update(version=9),
        lambda history: history.delete(),
        lambda history: connection.cursor().execute(
            "UPDATE catalog_packagehistory SET snapshot = '{}'"
        ),
        lambda history: connection.cursor().execute("DELETE FROM catalog_packagehistory"),
    ],
)
def test_history_cannot_be_changed_or_deleted(change):
    # Nobody can rewrite what was sold.
    history = make_package().histories.get()

    with pytest.raises(DatabaseError, match="appended"), transaction.atomic():
        change(history)
    assert PackageHistory.objects.get() == history


def subscription(user, package, **kwargs):
    defaults = {
        "package_history": package.histories.get(),
        "plan": package.plans.get().plan,
        "current_period_start": NOON,
        "current_period_end": NOON + timedelta(days=30),
        "reference": "payment:1",
    }
    return Subscription.objects.create(user=user, package=package, **(defaults | kwargs))


def test_two_active_subscriptions_of_a_user_are_refused(user, other_user):
    package = make_package()
    subscription(user, package, reference="payment:1")
    subscription(user, package, reference="payment:2", status=SubscriptionStatus.CANCELED)
    subscription(other_user, package, reference="payment:3")

    with refused("one_active_subscription_per_user"):
        subscription(user, package, reference="payment:4")


def test_one_reference_twice_is_refused(user, other_user):
    package = make_package()
    subscription(user, package)

    with refused("subscription_once_per_reference"):
        subscription(other_user, package)


def test_period_that_ends_when_it_starts_is_refused(user):
    with refused("subscription_ends_after_it_starts"):
        subscription(user, make_package(), current_period_end=NOON)


def test_names_of_rows_say_what_they_are(user):
    endpoint = FeatureEndpointFactory(name="Article", feature__name="Writing")
    package = make_package(name="Pro", features=[endpoint.feature])
    package_plan = package.plans.get()
    package_plan.plan.name = "Monthly"
    row = PackageFeatureConfig(package=package)

    assert str(package_plan) == "Pro for Monthly"
    assert str(package.features.get()) == "Writing in Pro"
    assert str(row) == "Pro: everything"
    row.feature = endpoint.feature
    assert str(row) == "Pro: Writing"
    row.feature_endpoint = endpoint
    assert str(row) == "Pro: Article"
    assert str(package.histories.get()) == "Pro v1"
    assert str(subscription(user, package)) == "Pro until 2026-12-01"
