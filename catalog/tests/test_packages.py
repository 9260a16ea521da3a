"""Creating and changing packages: W72, W73 and W74."""

from uuid import UUID

import pytest
from django.db import IntegrityError

from catalog import services
from catalog.contents import ConfigTerms
from catalog.integrity import NeedsTrashed
from catalog.models import (
    Package,
    PackageFeature,
    PackageFeatureConfig,
    PackageHistory,
    PackagePlan,
)
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.errors import Conflict, Invalid, NotFound
from common.testing import run_concurrently

pytestmark = pytest.mark.django_db

NOBODY = UUID("01890000-0000-7000-8000-000000000000")


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


def test_create_writes_package_parts_and_first_version(admin_user):
    writing, images = FeatureFactory(value="writing", name="Writing"), FeatureFactory()
    month = PlanFactory(name="Monthly", duration_days=30)
    year = PlanFactory(duration_days=365)

    package = make_package(
        value="pro",
        name="Pro",
        badge="Popular",
        points=["Everything", "And more"],
        features=[writing, images],
        plans=[
            terms(month, credits=3_000_000, credits_valid_days=60),
            terms(year, price_usd_minor=10_000, is_initial=True),
        ],
        actor=admin_user,
    )

    assert (package.value, package.version, package.is_initial) == ("pro", 1, False)
    assert set(package.features.values_list("feature", flat=True)) == {writing.id, images.id}
    assert package.plans.get(is_initial=True).plan == year
    history = package.histories.get()
    assert (history.version, history.actor) == (1, admin_user)
    assert history.snapshot["package"] == {
        "id": str(package.id),
        "value": "pro",
        "name": "Pro",
        "description": "",
        "badge": "Popular",
        "points": ["Everything", "And more"],
        "is_active": True,
        "is_initial": False,
    }
    assert history.snapshot["features"][0] == {
        "id": str(writing.id),
        "value": "writing",
        "name": "Writing",
    }
    assert history.snapshot["plans"][0] == {
        "id": str(package.plans.get(plan=month).id),
        "plan": str(month.id),
        "name": "Monthly",
        "duration_days": 30,
        "price_usd_minor": 1000,
        "price_bdt_minor": 120_000,
        "previous_price_usd_minor": None,
        "previous_price_bdt_minor": None,
        "credits": 3_000_000,
        "credits_valid_days": 60,
        "is_initial": False,
        "is_active": True,
    }
    assert history.snapshot["configs"] == []


def test_create_without_initial_plan_takes_the_first_active_one():
    package = make_package(plans=[terms(is_active=False), terms(credits=7), terms()])

    assert package.plans.get(is_initial=True).credits == 7


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"is_initial": True}, {"is_initial": True}], "Only one plan can be initial."),
        ([{"is_initial": True, "is_active": False}, {}], "The initial plan must be active."),
        ([{"is_active": False}], "At least one plan must be active."),
        ([], "A package needs at least one of its plans."),
    ],
)
def test_create_without_one_clear_initial_plan_writes_nothing(lines, message):
    with pytest.raises(Invalid) as caught:
        services.create_package(
            fields={"value": "pro", "name": "Pro"},
            feature_ids=[FeatureFactory().id],
            plans=[terms(**line) for line in lines],
            actor_id=None,
        )

    assert (caught.value.message, caught.value.field) == (message, "plans")
    assert not Package.all_objects.exists()


@pytest.mark.parametrize("kind", ["unknown", "inactive", "trashed"])
@pytest.mark.parametrize("field", ["features", "plans"])
def test_create_with_a_part_that_is_not_to_be_had_writes_nothing(kind, field):
    # W72: one bad plan used to leave an orphan package and no initial package.
    current = make_package(is_initial=True)
    part = FeatureFactory() if field == "features" else PlanFactory()
    if kind == "inactive":
        type(part).objects.update(is_active=False)
    if kind == "trashed":
        part.soft_delete()
    if kind == "unknown":
        part.id = NOBODY
    features = [FeatureFactory(), *([part] if field == "features" else [])]
    plans = [terms(), *([terms(part)] if field == "plans" else [])]

    with pytest.raises(Invalid) as caught:
        make_package(value="pro", features=features, plans=plans, is_initial=True)

    assert (caught.value.field, caught.value.context) == (field, {"unknown": [str(part.id)]})
    assert list(Package.all_objects.all()) == [current]
    assert PackagePlan.all_objects.count() == PackageFeature.all_objects.count() == 1
    assert PackageHistory.objects.count() == 1
    current.refresh_from_db()
    assert current.is_initial


@pytest.mark.parametrize("field", ["features", "plans"])
def test_create_with_a_part_named_twice_is_refused(field):
    feature, plan = FeatureFactory(), PlanFactory()

    with pytest.raises(Invalid) as caught:
        make_package(
            features=[feature] * (2 if field == "features" else 1),
            plans=[terms(plan)] * (2 if field == "plans" else 1),
        )

    assert caught.value.field == field


def test_create_without_features_is_refused():
    with pytest.raises(Invalid) as caught:
        services.create_package(
            fields={"value": "pro", "name": "Pro"},
            feature_ids=[],
            plans=[terms()],
            actor_id=None,
        )

    assert caught.value.field == "features"


def test_create_with_a_value_that_is_taken_is_refused():
    make_package(value="pro")

    with pytest.raises(Conflict) as caught:
        make_package(value="pro")

    assert caught.value.field == "value"
    assert Package.objects.count() == 1


@pytest.mark.parametrize("fields", [{"sequence": -1}, {"badge": None}])
def test_refusal_of_the_database_that_has_no_words_is_left_as_it_is(fields):
    with pytest.raises(IntegrityError):
        make_package(**fields)


def test_update_of_unknown_or_trashed_package_is_refused():
    package = make_package()
    package.soft_delete()

    for package_id in (package.id, NOBODY):
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
    # W74: an unchanged save is no change, and no price moves to "previous".
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
    # W73: what was once removed could never be added again.
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
