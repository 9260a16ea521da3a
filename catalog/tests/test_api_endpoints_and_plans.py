"""Endpoints and plans over HTTP."""

import pytest

from catalog.models import FeatureEndpoint, Plan
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
    terms,
)
from common.models import OutboxEvent

pytestmark = pytest.mark.django_db


NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


def faults(answer):
    return [error["field"] for error in answer.json()["errors"]]


def announcements():
    return OutboxEvent.objects.filter(type="catalog.endpoints_changed").count()


def endpoint_body(**change):
    body = {
        "feature": str(FeatureFactory().id),
        "value": "article",
        "name": "Article",
        "endpoint": "/v1/article",
        "min_credits": 50,
    }
    return body | change


def test_create_endpoint_answers_the_whole_row(staff):
    answer = staff.post("/api/feature-endpoints", endpoint_body())

    assert answer.status_code == 201
    body = answer.json()
    assert (body["method"], body["min_credits"], body["is_active"]) == ("POST", 50, True)
    assert announcements() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"min_credits": -1}, "min_credits"),
        ({"min_credits": 1.5}, "min_credits"),
        ({"min_credits": None}, "min_credits"),
        ({"min_credits": 2**63}, "min_credits"),
        ({"method": "HEAD"}, "method"),
        ({"endpoint": ""}, "endpoint"),
        ({"feature": NOBODY}, "feature"),
        ({"credits": 5}, "credits"),
    ],
)
def test_create_endpoint_with_one_bad_value_names_it(staff, change, field):
    answer = staff.post("/api/feature-endpoints", endpoint_body(**change))

    assert (answer.status_code, faults(answer)) == (400, [field])
    assert not FeatureEndpoint.objects.exists()


def test_update_of_an_endpoint_changes_every_field(staff):
    # `endpoint` was dropped, `min_credits` had to be a string, `credits` was accepted.
    endpoint = FeatureEndpointFactory()
    change = endpoint_body(method="PUT", sequence=3, is_active=False, description="Longer")

    answer = staff.patch(f"/api/feature-endpoints/{endpoint.id}", change)

    assert answer.status_code == 200
    assert {key: answer.json()[key] for key in change} == change
    endpoint.refresh_from_db()
    assert (endpoint.endpoint, endpoint.min_credits) == ("/v1/article", 50)
    refused = staff.patch(f"/api/feature-endpoints/{endpoint.id}", {"credits": 5})
    assert (refused.status_code, faults(refused)) == (400, ["credits"])


def test_path_and_method_that_are_taken_are_a_conflict(staff):
    taken = FeatureEndpointFactory(endpoint="/v1/article")

    answer = staff.post("/api/feature-endpoints", endpoint_body(feature=str(taken.feature_id)))

    assert (answer.status_code, faults(answer)) == (409, ["endpoint"])


def test_restored_endpoint_of_a_trashed_feature_is_a_conflict(staff):
    endpoint = FeatureEndpointFactory()
    endpoint.soft_delete()
    endpoint.feature.soft_delete()

    answer = staff.post(f"/api/feature-endpoints/{endpoint.id}/restore")

    assert (answer.status_code, answer.json()["code"]) == (409, "needs_trashed")
    endpoint.refresh_from_db()
    assert endpoint.deleted_at is not None


def test_create_plan_of_no_days_is_refused(staff):
    answer = staff.post("/api/plans", {"name": "Never", "duration_days": 0})

    assert (answer.status_code, faults(answer)) == (400, ["duration_days"])


def test_plan_in_use_cannot_be_trashed(staff):
    plan = PlanFactory()
    make_package(name="Pro", plans=[terms(plan)])

    answer = staff.delete(f"/api/plans/{plan.id}")

    assert (answer.status_code, answer.json()["used_by"][0]["name"]) == (409, "Pro")
    assert Plan.objects.filter(pk=plan.pk).exists()


def test_longer_plan_makes_a_version_by_the_caller(staff, admin_user):
    plan = PlanFactory(duration_days=30)
    package = make_package(plans=[terms(plan)])

    assert staff.patch(f"/api/plans/{plan.id}", {"duration_days": 31}).status_code == 200

    assert package.histories.get(version=2).actor == admin_user


def test_public_plans_are_the_active_ones_in_sequence(api):
    month = PlanFactory(name="Monthly", sequence=2)
    PlanFactory(name="Weekly", duration_days=7, sequence=1)
    PlanFactory(is_active=False)

    rows = api.get("/api/plans/public").json()["results"]

    assert [row["name"] for row in rows] == ["Weekly", "Monthly"]
    assert rows[1] == {
        "id": str(month.id),
        "name": "Monthly",
        "description": "",
        "duration_days": 30,
    }
