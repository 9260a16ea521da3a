"""Changing packages."""

import pytest

from catalog import services
from catalog.contents import ConfigTerms
from catalog.integrity import NeedsTrashed
from catalog.models import PackageFeatureConfig, PackageHistory, PackagePlan
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.errors import Invalid, NotFound
from common.ids import uuid7
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db


def update(package, actor=None, **kwargs):
    return services.update_package(
        package_id=package.id,
        fields=kwargs.pop("fields", {}),
        actor_id=actor and actor.id,
        **kwargs,
    )


def versions(package):
    rows = PackageHistory.objects.filter(package=package).order_by("version")
    return [row.version for row in rows]


def test_update_of_unknown_or_trashed_package_is_refused():
    package = make_package()
    package.soft_delete()

    for package_id in (package.id, uuid7()):
        with pytest.raises(NotFound):
            services.update_package(package_id=package_id, fields={}, actor_id=None)


def test_update_of_a_name_makes_a_version_by_its_actor(admin_user):
    package = make_package(name="Pro")

    package = update(package, admin_user, fields={"name": "Professional"})

    assert (package.name, package.version) == ("Professional", 2)
    newest = package.histories.get(version=2)
    assert (newest.snapshot["package"]["name"], newest.actor) == ("Professional", admin_user)
    assert package.histories.get(version=1).snapshot["package"]["name"] == "Pro"


def test_update_that_changes_nothing_makes_no_version():
    # An unchanged save is no change, and no price moves to "previous".
    feature, plan = FeatureFactory(), PlanFactory()
    package = make_package(features=[feature], plans=[terms(plan)])

    package = update(
        package, fields={"name": package.name}, feature_ids=[feature.id], plans=[terms(plan)]
    )

    assert versions(package) == [1]
    assert package.plans.get().previous_price_usd_minor is None


def test_update_of_display_order_makes_no_version():
    package = update(make_package(), fields={"sequence": 5})

    assert (package.sequence, versions(package)) == (5, [1])


def test_update_of_one_price_remembers_only_that_previous_price():
    plan = PlanFactory()
    package = make_package(plans=[terms(plan, price_usd_minor=1000, price_bdt_minor=120_000)])

    package = update(package, plans=[terms(plan, price_usd_minor=900, price_bdt_minor=120_000)])

    row = package.plans.get()
    assert (row.price_usd_minor, row.previous_price_usd_minor) == (900, 1000)
    assert (row.price_bdt_minor, row.previous_price_bdt_minor) == (120_000, None)
    assert versions(package) == [1, 2]
    package = update(package, plans=[terms(plan, price_usd_minor=900, price_bdt_minor=110_000)])
    row = package.plans.get()
    assert (row.previous_price_usd_minor, row.previous_price_bdt_minor) == (1000, 120_000)


def test_update_replaces_the_plans_as_a_whole():
    month, year = PlanFactory(), PlanFactory()
    package = make_package(plans=[terms(month, is_initial=True)])

    package = update(package, plans=[terms(year, credits=9)])

    row = package.plans.get()
    assert (row.plan, row.credits, row.is_initial) == (year, 9, True)
    assert PackagePlan.all_objects.filter(package=package).count() == 2


def test_update_moves_the_initial_plan():
    month, year = PlanFactory(), PlanFactory()
    package = make_package(plans=[terms(month, is_initial=True), terms(year)])

    package = update(package, plans=[terms(month), terms(year, is_initial=True)])

    assert package.plans.get(is_initial=True).plan == year


def test_feature_and_plan_that_were_removed_can_come_back():
    # What was once removed could never be added again.
    feature, other, plan = FeatureFactory(), FeatureFactory(), PlanFactory()
    package = make_package(features=[feature], plans=[terms(plan)])
    package = update(package, feature_ids=[other.id], plans=[terms()])

    package = update(package, feature_ids=[feature.id], plans=[terms(plan)])

    assert package.features.get().feature == feature
    assert package.plans.get().plan == plan
    assert versions(package) == [1, 2, 3]


def test_update_with_a_bad_plan_changes_nothing():
    package = make_package(name="Pro")

    with pytest.raises(Invalid):
        update(
            package,
            fields={"name": "Other"},
            feature_ids=[FeatureFactory().id],
            plans=[terms(is_active=False)],
        )

    package.refresh_from_db()
    assert (package.name, versions(package)) == ("Pro", [1])


def test_update_may_keep_what_was_switched_off_meanwhile():
    feature, plan = FeatureFactory(), PlanFactory()
    package = make_package(features=[feature], plans=[terms(plan), terms()])
    kept = [row.plan_id for row in package.plans.all()]
    type(feature).objects.filter(pk=feature.pk).update(is_active=False)
    type(plan).objects.filter(pk=plan.pk).update(is_active=False)
    added = FeatureFactory()

    package = services.update_package(
        package_id=package.id,
        fields={},
        feature_ids=[feature.id, added.id],
        plans=[terms(row.plan, credits=5) for row in package.plans.select_related("plan")],
        actor_id=None,
    )

    assert set(package.features.values_list("feature", flat=True)) == {feature.id, added.id}
    assert {row.plan_id for row in package.plans.filter(credits=5)} == set(kept)


def test_configs_leave_with_their_feature():
    stays, leaves = FeatureFactory(), FeatureFactory()
    package = make_package(
        features=[stays, leaves],
        configs=[
            ConfigTerms(config={"priority": 1}),
            ConfigTerms(config={"priority": 2}, feature_id=stays.id),
            ConfigTerms(config={"priority": 3}, feature_id=leaves.id),
        ],
    )

    update(package, feature_ids=[stays.id])

    rows = PackageFeatureConfig.objects.order_by("id")
    assert [row.config["priority"] for row in rows] == [1, 2]


def test_configs_of_a_child_stay_while_its_parent_is_in_the_package():
    endpoint = FeatureEndpointFactory(feature__parent=FeatureFactory())
    parent = endpoint.feature.parent
    package = make_package(
        features=[parent, FeatureFactory()],
        configs=[
            ConfigTerms(config={}, feature_id=endpoint.feature_id, feature_endpoint_id=endpoint.id)
        ],
    )

    update(package, feature_ids=[parent.id])

    assert package.configs.count() == 1


def test_restoring_a_package_whose_parts_are_trashed_names_them():
    endpoint = FeatureEndpointFactory(name="Article", feature__name="Writing")
    plan = PlanFactory(name="Monthly")
    config = ConfigTerms(config={}, feature_id=endpoint.feature_id, feature_endpoint_id=endpoint.id)
    package = make_package(features=[endpoint.feature], plans=[terms(plan)], configs=[config])
    for part in (package, endpoint, endpoint.feature, plan):
        part.soft_delete()
    package.restore()

    with pytest.raises(NeedsTrashed) as caught:
        services.settle_package_changes(package_ids=[package.id], actor_id=None)

    named = {(part["type"], part["name"]) for part in caught.value.context["trashed"]}
    assert named == {("feature", "Writing"), ("feature endpoint", "Article"), ("plan", "Monthly")}


@pytest.mark.django_db(transaction=True)
def test_concurrent_changes_of_a_package_make_one_version_each():
    package = make_package()

    def rename(number):
        return lambda: update(package, fields={"name": f"Name {number}"})

    results = run_concurrently([rename(number) for number in range(8)])

    assert [result for result in results if isinstance(result, Exception)] == []
    assert versions(package) == list(range(1, 10))
