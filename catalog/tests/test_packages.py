"""Creating packages."""

from uuid import UUID

import pytest
from django.db import IntegrityError

from catalog import services
from catalog.models import Package, PackageFeature, PackageHistory, PackagePlan
from catalog.tests.factories import FeatureFactory, PlanFactory, make_package, terms
from common.errors import Conflict, Invalid

pytestmark = pytest.mark.django_db

NOBODY = UUID("01890000-0000-7000-8000-000000000000")

PRO = {
    "value": "pro",
    "name": "Pro",
    "description": "",
    "badge": "Popular",
    "points": ["Everything", "And more"],
    "is_active": True,
    "is_initial": False,
}
WRITING = {"value": "writing", "name": "Writing"}
MONTHLY = {
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
    line = package.plans.get(plan=month)
    assert history.snapshot["package"] == PRO | {"id": str(package.id)}
    assert history.snapshot["features"][0] == WRITING | {"id": str(writing.id)}
    assert history.snapshot["plans"][0] == MONTHLY | {"id": str(line.id), "plan": str(month.id)}
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
    # One bad plan used to leave an orphan package and no initial package.
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
