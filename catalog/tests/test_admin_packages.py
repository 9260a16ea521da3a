"""The page of a package: saved whole, with a version."""

import json

import pytest
from django.urls import reverse

from catalog.models import Package
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client, super_admin):
    client.force_login(super_admin)
    return client


def page(row):
    return reverse(f"admin:catalog_{row._meta.model_name}_change", args=[row.pk])


def adding(model):
    return reverse(f"admin:catalog_{model}_add")


def said(answer):
    return [str(message) for message in answer.context["messages"]]


def part(prefix, existing, rows):
    data = {
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": existing,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    for number, row in enumerate(rows):
        data |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return data


def package_form(package=None, *, features=(), plans=(), configs=(), **change):
    """What the page of a package sends; rows that exist carry their id."""
    fields = {"value": "pro", "name": "Pro", "points": "One\nTwo, too", "sequence": 0}
    data = fields | {"is_active": "on"} | change
    for prefix, rows in (("features", features), ("plans", plans), ("configs", configs)):
        existing = sum("id" in row for row in rows)
        parent = {} if package is None else {"package": package.pk}
        data |= part(prefix, existing, [parent | row for row in rows])
    return {name: value for name, value in data.items() if value is not None}


def plan_row(plan, row=None, **change):
    values = {
        "plan": plan.pk,
        "price_usd_minor": 1000,
        "price_bdt_minor": 120_000,
        "credits": 1000,
        "sequence": 0,
        "is_active": "on",
    }
    return ({} if row is None else {"id": row.pk}) | values | change


def test_new_package_is_saved_with_its_parts_as_version_one(office, super_admin):
    endpoint, plan = FeatureEndpointFactory(), PlanFactory()
    config = {
        "feature": endpoint.feature.pk,
        "feature_endpoint": endpoint.pk,
        "config": json.dumps({"min_credits": 5}),
        "sequence": 0,
        "is_active": "on",
    }

    answer = office.post(
        adding("package"),
        package_form(
            features=[{"feature": endpoint.feature.pk}], plans=[plan_row(plan)], configs=[config]
        ),
        follow=True,
    )

    package = Package.objects.get()
    assert any("added successfully" in message for message in said(answer))
    assert package.points == ["One", "Two, too"]
    assert package.plans.get().is_initial
    newest = package.histories.latest("version")
    assert newest.snapshot["configs"][0]["config"] == {"min_credits": 5}
    assert newest.actor == super_admin


def test_changed_price_moves_to_previous_and_makes_a_version(office, super_admin):
    # Direct price edits used to leave no trace.
    plan = PlanFactory()
    package = make_package(plans=[terms(plan)])
    line, feature = package.plans.get(), package.features.get()

    office.post(
        page(package),
        package_form(
            package,
            value=package.value,
            features=[{"id": feature.pk, "feature": feature.feature_id}],
            plans=[plan_row(plan, line, price_usd_minor=900, is_initial="on")],
        ),
    )

    line.refresh_from_db()
    assert (line.price_usd_minor, line.previous_price_usd_minor) == (900, 1000)
    newest = package.histories.latest("version")
    assert (newest.version, newest.actor) == (2, super_admin)


def test_saving_a_package_without_a_change_makes_no_version(office):
    plan = PlanFactory()
    package = make_package(name="Pro", points=["One", "Two, too"], plans=[terms(plan)])
    line, feature = package.plans.get(), package.features.get()

    answer = office.post(
        page(package),
        package_form(
            package,
            value=package.value,
            features=[{"id": feature.pk, "feature": feature.feature_id}],
            plans=[plan_row(plan, line, is_initial="on")],
        ),
        follow=True,
    )

    assert any("changed successfully" in message for message in said(answer))
    assert package.histories.count() == 1


def test_initial_plan_and_package_move_in_one_save(office):
    other = make_package(is_initial=True)
    month, year = PlanFactory(), PlanFactory()
    package = make_package(plans=[terms(month, is_initial=True), terms(year)])
    feature = package.features.get()
    rows = {row.plan_id: row for row in package.plans.all()}

    office.post(
        page(package),
        package_form(
            package,
            value=package.value,
            is_initial="on",
            features=[{"id": feature.pk, "feature": feature.feature_id}],
            plans=[
                plan_row(month, rows[month.pk]),
                plan_row(year, rows[year.pk], is_initial="on"),
            ],
        ),
    )

    assert Package.objects.get(is_initial=True) == package
    assert package.plans.get(is_initial=True).plan == year
    other.refresh_from_db()
    assert not other.is_initial


def test_plan_removed_on_the_page_goes_to_the_trash(office):
    month, year = PlanFactory(), PlanFactory()
    package = make_package(plans=[terms(month), terms(year)])
    feature = package.features.get()
    rows = {row.plan_id: row for row in package.plans.all()}

    office.post(
        page(package),
        package_form(
            package,
            value=package.value,
            features=[{"id": feature.pk, "feature": feature.feature_id}],
            plans=[
                plan_row(month, rows[month.pk], DELETE="on"),
                plan_row(year, rows[year.pk]),
            ],
        ),
    )

    assert package.plans.get().plan == year
    assert package.plans.get().is_initial


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "taken"}, "living_package_value_unique"),
        ({"value": "Not A Slug"}, "lowercase"),
        ({"plans": []}, "at least 1"),
        ({"features": []}, "at least 1"),
    ],
)
def test_bad_package_is_refused_on_its_page(office, change, message):
    make_package(value="taken")
    parts = {
        "features": [{"feature": FeatureFactory().pk}],
        "plans": [plan_row(PlanFactory())],
    }

    answer = office.post(adding("package"), package_form(**(parts | change)))

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert Package.objects.count() == 1


def test_what_a_service_refuses_is_said_and_nothing_is_saved(office):
    plan = PlanFactory()

    answer = office.post(
        adding("package"),
        package_form(
            features=[{"feature": FeatureFactory().pk}], plans=[plan_row(plan), plan_row(plan)]
        ),
        follow=True,
    )

    assert said(answer) == ["One of the plans is named twice."]
    assert not Package.objects.exists()
