"""Packages over HTTP, for anyone."""

import pytest

from catalog import services
from catalog.contents import ConfigTerms
from catalog.tests.factories import FeatureFactory, PlanFactory, make_package, terms

pytestmark = pytest.mark.django_db

PRO = {
    "value": "pro",
    "name": "Pro",
    "description": "",
    "badge": "Popular",
    "points": ["All of it"],
    "is_initial": False,
}
WRITING = {
    "value": "writing",
    "name": "Writing",
    "description": "",
    "path": "",
    "type": "other",
}
LINE = {
    "price_usd_minor": 2900,
    "previous_price_usd_minor": 3900,
    "price_bdt_minor": 120_000,
    "previous_price_bdt_minor": None,
    "credits": 1000,
    "credits_valid_days": 60,
    "is_initial": True,
}


def package_with_parts_switched_off(feature, plan):
    """A package of ``feature`` and ``plan``, and of others that are not to be seen."""
    package = make_package(
        value="pro",
        name="Pro",
        badge="Popular",
        points=["All of it"],
        features=[feature, FeatureFactory()],
        plans=[terms(plan, price_usd_minor=3900, is_initial=True), terms(is_active=False), terms()],
        configs=[ConfigTerms(config={"priority": 1})],
    )
    off = package.plans.exclude(plan=plan).get(is_active=True).plan
    type(off).objects.filter(pk=off.pk).update(is_active=False)
    other = package.features.exclude(feature=feature).get().feature
    type(other).objects.filter(pk=other.pk).update(is_active=False)
    services.update_package(
        package_id=package.id,
        fields={},
        plans=[
            terms(plan, price_usd_minor=2900, is_initial=True, credits_valid_days=60),
            terms(off),
        ],
        actor_id=None,
    )
    return package


def test_public_package_is_exactly_what_a_buyer_needs(api):
    feature, plan = FeatureFactory(value="writing", name="Writing"), PlanFactory(name="Monthly")
    package = package_with_parts_switched_off(feature, plan)
    duration = {"name": "Monthly", "description": "", "duration_days": 30}
    expected = PRO | {
        "id": str(package.id),
        "features": [WRITING | {"id": str(feature.id)}],
        "plans": [
            LINE
            | {
                "id": str(package.plans.get(plan=plan).id),
                "plan": duration | {"id": str(plan.id)},
            }
        ],
    }

    assert api.get("/api/packages/public").json()["results"] == [expected]
    assert api.get(f"/api/packages/{package.id}/public").json() == expected


def test_public_packages_are_the_active_ones_in_sequence(api):
    make_package(name="Second", sequence=2)
    make_package(name="First", sequence=1)
    off = make_package(is_active=False)
    gone = make_package()
    gone.soft_delete()

    rows = api.get("/api/packages/public").json()["results"]

    assert [row["name"] for row in rows] == ["First", "Second"]
    for package in (off, gone):
        assert api.get(f"/api/packages/{package.id}/public").status_code == 404
