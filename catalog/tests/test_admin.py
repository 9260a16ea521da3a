"""The back office: saving leaves versions behind, and nothing goes around the services."""

import pytest
from django.urls import reverse

from catalog import selectors, services
from catalog.contents import ConfigTerms
from catalog.models import Feature, FeatureEndpoint, PackageFeatureConfig, Plan
from catalog.tests.factories import (
    FeatureEndpointFactory,
    FeatureFactory,
    PlanFactory,
    make_package,
)
from common import clock
from common.models import OutboxEvent

pytestmark = pytest.mark.django_db

MODELS = [
    "feature",
    "featureendpoint",
    "plan",
    "package",
    "packagefeatureconfig",
    "packagehistory",
    "subscription",
]


@pytest.fixture
def office(client, super_admin):
    client.force_login(super_admin)
    return client


def listing(model):
    return reverse(f"admin:catalog_{model}_changelist")


def page(row):
    return reverse(f"admin:catalog_{row._meta.model_name}_change", args=[row.pk])


def adding(model):
    return reverse(f"admin:catalog_{model}_add")


def act(office, action, *rows):
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return office.post(listing(rows[0]._meta.model_name), data, follow=True)


def said(answer):
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def held(user):
    endpoint = FeatureEndpointFactory()
    package = make_package(
        features=[endpoint.feature], configs=[ConfigTerms(config={"priority": 1})]
    )
    plan = package.plans.get().plan
    return services.start_subscription(
        user_id=user.id,
        offer=selectors.offer(package_id=package.id, plan_id=plan.id, currency="USD"),
        reference="payment:1",
        at=clock.now(),
    )


@pytest.mark.parametrize("model", MODELS)
def test_every_list_and_page_opens(office, held, model):
    listed = office.get(listing(model), {"q": "a"})
    row = office.get(listing(model)).context["cl"].result_list[0]

    assert listed.status_code == 200
    assert office.get(page(row)).status_code == 200


@pytest.mark.parametrize("row", ["package_history", "self"])
def test_histories_and_subscriptions_are_windows(office, held, row):
    row = held if row == "self" else held.package_history

    assert office.post(page(row), {}).status_code == 403
    assert office.get(adding(row._meta.model_name)).status_code == 403


def test_bad_config_is_refused_on_its_page(office, held):
    row = PackageFeatureConfig.objects.get()

    answer = office.post(page(row), {"config": '{"priority": 101}', "sequence": 0})

    assert "priority must be a whole number from 0 to 100." in answer.content.decode()
    row.refresh_from_db()
    assert row.config == {"priority": 1}


def test_saved_config_makes_a_version(office, held, super_admin):
    row = PackageFeatureConfig.objects.get()

    office.post(page(row), {"config": '{"priority": 2}', "sequence": 0, "is_active": "on"})

    newest = row.package.histories.latest("version")
    assert newest.snapshot["configs"][0]["config"] == {"priority": 2}
    assert newest.actor == super_admin


def test_circle_of_features_is_refused_on_the_page(office):
    parent = FeatureFactory(name="Parent", value="parent")
    child = FeatureFactory(name="Child", parent=parent)

    answer = office.post(
        page(parent),
        {"parent": child.pk, "value": "parent", "name": "Parent", "type": "other", "sequence": 0},
        follow=True,
    )

    assert said(answer) == ["This would put Parent in Child in Parent."]
    parent.refresh_from_db()
    assert parent.parent is None


def test_saved_endpoint_is_announced(office):
    office.post(
        adding("featureendpoint"),
        {
            "feature": FeatureFactory().pk,
            "value": "article",
            "name": "Article",
            "endpoint": "/v1/article",
            "method": "POST",
            "min_credits": 5,
            "sequence": 0,
        },
    )

    assert FeatureEndpoint.objects.get().value == "article"
    assert OutboxEvent.objects.get().type == "catalog.endpoints_changed"


def test_rows_go_to_the_trash_and_come_back(office):
    rows = [FeatureFactory(), FeatureFactory()]

    assert said(act(office, "trash", *rows)) == ["Trashed. Rows: 2."]
    assert not Feature.objects.exists()
    assert said(act(office, "restore", *rows)) == ["Restored. Rows: 2."]
    assert Feature.objects.count() == 2


def test_trashed_rows_are_listed_but_not_offered(office):
    FeatureFactory(name="Gone").soft_delete()
    FeatureFactory(name="Here")
    query = {"app_label": "catalog", "model_name": "feature", "field_name": "parent", "term": "e"}

    listed = office.get(listing("feature")).context["cl"].result_list
    offered = office.get(reverse("admin:autocomplete"), query).json()["results"]

    assert {row.name for row in listed} == {"Gone", "Here"}
    assert [row["text"] for row in offered] == ["Here"]


@pytest.mark.parametrize("kind", ["feature", "plan", "package"])
def test_row_in_use_does_not_go_to_the_trash(office, kind):
    package = make_package(name="Pro", is_initial=True)
    row = {
        "feature": package.features.get().feature,
        "plan": package.plans.get().plan,
        "package": package,
    }[kind]

    [message] = said(act(office, "trash", row))

    assert "Pro" in message or "initial" in message
    row.refresh_from_db()
    assert row.deleted_at is None


def test_nothing_is_deleted_for_good_here(office):
    plan = PlanFactory()

    assert office.post(f"{page(plan)[: -len('change/')]}delete/").status_code == 403
    assert Plan.objects.filter(pk=plan.pk).exists()
