"""Packages over HTTP, for staff."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.contents import ConfigTerms
from catalog.models import Package
from catalog.tests.factories import FeatureFactory, PlanFactory, make_package, terms

pytestmark = pytest.mark.django_db

NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


def faults(answer):
    return [error["field"] for error in answer.json()["errors"]]


def line(row=None, **change):
    return {
        "plan": str((row or PlanFactory()).id),
        "price_usd_minor": 2900,
        "price_bdt_minor": 348_000,
        "credits": 3_000_000,
    } | change


def body(**change):
    defaults = {"value": "pro", "name": "Pro"}
    if "features" not in change:
        defaults["features"] = [str(FeatureFactory().id)]
    if "plans" not in change:
        defaults["plans"] = [line()]
    return defaults | change


PRO = {
    "value": "pro",
    "name": "Pro",
    "description": "",
    "badge": "",
    "points": ["All of it"],
    "sequence": 0,
    "is_active": True,
    "is_initial": False,
    "version": 1,
}
PRO_LINE = {
    "price_usd_minor": 2900,
    "previous_price_usd_minor": None,
    "price_bdt_minor": 348_000,
    "previous_price_bdt_minor": None,
    "credits": 3_000_000,
    "credits_valid_days": None,
    "is_initial": True,
    "is_active": True,
    "sequence": 0,
}


def test_create_package_answers_it_with_its_parts(staff, admin_user):
    feature, plan = FeatureFactory(value="writing", name="Writing"), PlanFactory(name="Monthly")

    answer = staff.post(
        "/api/packages",
        body(features=[str(feature.id)], plans=[line(plan)], points=["All of it"]),
    )

    assert answer.status_code == 201
    package = Package.objects.get()
    row = answer.json()
    assert {key: row[key] for key in row if not key.endswith("_at")} == PRO | {
        "id": str(package.id),
        "features": [{"id": str(feature.id), "value": "writing", "name": "Writing"}],
        "plans": [
            PRO_LINE
            | {
                "id": str(package.plans.get().id),
                "plan": {"id": str(plan.id), "name": "Monthly", "duration_days": 30},
            }
        ],
    }
    assert package.histories.get().actor == admin_user
    assert staff.get(f"/api/packages/{package.id}").json() == row


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"features": []}, 422, "features"),
        ({"features": ["nonsense"]}, 400, "features.0"),
        ({"features": [NOBODY]}, 422, "features"),
        ({"plans": []}, 422, "plans"),
        ({"plans": [{"plan": NOBODY}]}, 400, "plans.0.price_usd_minor"),
        ({"points": ["x" * 201]}, 400, "points.0"),
        ({"value": "Pro"}, 400, "value"),
        ({"version": 7}, 400, "version"),
        ({"type": "credits"}, 400, "type"),
    ],
)
def test_create_package_with_one_bad_value_names_it(staff, change, status, field):
    answer = staff.post("/api/packages", body(**change))

    assert answer.status_code == status
    assert field in faults(answer)
    assert not Package.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"price_usd_minor": -1}, 400, "plans.0.price_usd_minor"),
        ({"price_bdt_minor": 9.99}, 400, "plans.0.price_bdt_minor"),
        ({"credits": -1}, 400, "plans.0.credits"),
        ({"credits": 2**63}, 400, "plans.0.credits"),
        ({"credits_valid_days": 0}, 400, "plans.0.credits_valid_days"),
        ({"previous_price_usd_minor": 1}, 400, "plans.0.previous_price_usd_minor"),
        ({"plan": NOBODY}, 422, "plans"),
        ({"is_initial": True, "is_active": False}, 422, "plans"),
    ],
)
def test_create_package_with_one_bad_plan_names_it(staff, change, status, field):
    answer = staff.post("/api/packages", body(plans=[line(**change)]))

    assert (answer.status_code, faults(answer)) == (status, [field])
    assert not Package.objects.exists()


def test_create_package_with_a_value_that_is_taken_is_a_conflict(staff):
    make_package(value="pro")

    answer = staff.post("/api/packages", body())

    assert (answer.status_code, faults(answer)) == (409, ["value"])


def test_patch_of_plans_replaces_them_and_shows_the_previous_price(staff):
    plan = PlanFactory()
    package = make_package(plans=[terms(plan, price_usd_minor=1000), terms()])

    answer = staff.patch(f"/api/packages/{package.id}", {"plans": [line(plan)]})

    assert answer.status_code == 200
    [row] = answer.json()["plans"]
    assert (row["price_usd_minor"], row["previous_price_usd_minor"]) == (2900, 1000)
    assert answer.json()["version"] == 2


def test_patch_of_the_initial_flag_moves_it(staff):
    first, second = make_package(is_initial=True), make_package()

    answer = staff.patch(f"/api/packages/{second.id}", {"is_initial": True})

    assert answer.json()["is_initial"] is True
    assert not Package.objects.get(pk=first.pk).is_initial


@pytest.mark.parametrize("how", ["delete", "patch", "bulk delete", "bulk patch"])
def test_initial_package_can_neither_go_nor_be_switched_off(staff, how):
    package = make_package(is_initial=True)
    ids = {"ids": [str(package.id)]}

    answer = {
        "delete": lambda: staff.delete(f"/api/packages/{package.id}"),
        "patch": lambda: staff.patch(f"/api/packages/{package.id}", {"is_active": False}),
        "bulk delete": lambda: staff.delete("/api/packages/bulk", ids),
        "bulk patch": lambda: staff.patch("/api/packages/bulk", {**ids, "is_active": False}),
    }[how]()

    assert answer.status_code == 409
    package.refresh_from_db()
    assert (package.is_active, package.deleted_at) == (True, None)


def test_bulk_patch_makes_a_version_of_each(staff, admin_user):
    packages = [make_package(), make_package()]

    answer = staff.patch(
        "/api/packages/bulk",
        {"ids": [str(package.id) for package in packages], "is_active": False},
    )

    assert answer.status_code == 200
    for package in packages:
        newest = package.histories.get(version=2)
        assert (newest.snapshot["package"]["is_active"], newest.actor) == (False, admin_user)


def test_package_goes_and_comes_back_whole_but_is_never_erased(staff):
    package = make_package(configs=[ConfigTerms(config={"priority": 1})])
    url = f"/api/packages/{package.id}"
    before = staff.get(url).json()

    assert staff.delete(url).status_code == 204
    assert staff.delete(f"{url}/permanent").status_code == 409  # its history stays
    assert staff.post(f"{url}/restore").status_code == 200

    after = staff.get(url).json()
    assert after | {"updated_at": None} == before | {"updated_at": None}
    assert package.configs.count() == 1


def test_restored_package_whose_plan_is_in_the_trash_is_a_conflict(staff):
    plan = PlanFactory(name="Monthly")
    package = make_package(plans=[terms(plan)])
    package.soft_delete()
    plan.soft_delete()

    answer = staff.post(f"/api/packages/{package.id}/restore")

    assert (answer.status_code, answer.json()["code"]) == (409, "needs_trashed")
    assert answer.json()["trashed"] == [{"type": "plan", "id": str(plan.id), "name": "Monthly"}]


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("packages", make_package),
        ("packages/public", make_package),
        ("package-histories", make_package),
        ("package-histories?expand=package", make_package),
        (
            "package-feature-configs",
            lambda: make_package(configs=[ConfigTerms(config={"priority": 1})]),
        ),
        (
            "package-feature-configs?expand=package,feature,feature_endpoint",
            lambda: make_package(configs=[ConfigTerms(config={"priority": 1})]),
        ),
    ],
)
def test_lists_take_as_many_queries_for_three_rows_as_for_one(staff, path, make):
    counts = []
    for _ in range(3):
        make()
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(f"/api/{path}").status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[2]
