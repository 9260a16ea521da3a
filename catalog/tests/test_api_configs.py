"""Configurations over HTTP: one by one, and all of a package at once."""

import pytest

from catalog import services
from catalog.contents import ConfigTerms
from catalog.models import PackageFeatureConfig
from catalog.tests.factories import (
    FeatureEndpointFactory,
    make_package,
)

pytestmark = pytest.mark.django_db


NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


def faults(answer):
    return [error["field"] for error in answer.json()["errors"]]


@pytest.fixture
def endpoint():
    return FeatureEndpointFactory()


@pytest.fixture
def package(endpoint):
    return make_package(features=[endpoint.feature])


def test_configs_are_replaced_in_one_request(staff, package, endpoint, admin_user):
    url = f"/api/packages/{package.id}/configs/bulk"
    staff.put(url, {"configs": [{"config": {"priority": 1}}]})

    answer = staff.put(
        url,
        {
            "configs": [
                {"config": {"priority": 2}, "description": "Base"},
                {
                    "feature": str(endpoint.feature_id),
                    "feature_endpoint": str(endpoint.id),
                    "config": {"min_credits": 5},
                    "sequence": 1,
                },
            ]
        },
    )

    assert answer.status_code == 200
    rows = answer.json()["configs"]
    assert [(row["feature_endpoint"], row["config"]) for row in rows] == [
        (None, {"priority": 2}),
        (str(endpoint.id), {"min_credits": 5}),
    ]
    assert package.histories.get(version=3).actor == admin_user
    assert PackageFeatureConfig.objects.count() == 2


@pytest.mark.parametrize(
    ("config", "status", "field"),
    [
        ({"config": {"speed": 1}}, 422, "config.speed"),
        ({"config": {"min_credits": 5, "max_credits": 1}}, 422, "config.max_credits"),
        ({"config": {}, "feature": NOBODY}, 422, "feature"),
        ({"config": {}, "feature": "nonsense"}, 400, "configs.0.feature"),
        ({}, 400, "configs.0.config"),
        ({"config": {}, "package": NOBODY}, 400, "configs.0.package"),
    ],
)
def test_replacing_with_one_bad_config_changes_nothing(staff, package, config, status, field):
    url = f"/api/packages/{package.id}/configs/bulk"
    staff.put(url, {"configs": [{"config": {"priority": 1}}]})

    answer = staff.put(url, {"configs": [config]})

    assert (answer.status_code, faults(answer)) == (status, [field])
    assert package.configs.get().config == {"priority": 1}


def test_single_config_is_created_changed_and_trashed_with_a_version_each(
    staff, package, endpoint, admin_user
):
    created = staff.post(
        "/api/package-feature-configs",
        {
            "package": str(package.id),
            "feature": str(endpoint.feature_id),
            "config": {"daily_limit": 5},
        },
    )
    url = f"/api/package-feature-configs/{created.json()['id']}"
    changed = staff.patch(url, {"config": {"daily_limit": 6}})
    trashed = staff.delete(url)
    restored = staff.post(f"{url}/restore")

    statuses = [answer.status_code for answer in (created, changed, trashed, restored)]
    assert statuses == [201, 200, 204, 200]
    histories = package.histories.order_by("version")
    assert [len(history.snapshot["configs"]) for history in histories] == [0, 1, 1, 0, 1]
    assert {history.actor for history in histories[1:]} == {admin_user}


@pytest.mark.parametrize(
    "case",
    [
        ({"config": {"daily_limit": "5"}}, 422, "config.daily_limit"),
        ({"config": [1]}, 422, "config"),
        ({"feature": NOBODY}, 400, "feature"),
        ({"feature": None, "endpoint": True}, 422, "feature"),
        ({"package": NOBODY}, 400, "package"),
    ],
)
def test_single_bad_config_is_refused(staff, package, endpoint, case):
    change, status, field = case
    if "endpoint" in change:
        change = {"feature": None, "feature_endpoint": str(endpoint.id)}
    values = {"package": str(package.id), "feature": str(endpoint.feature_id), "config": {}}

    answer = staff.post("/api/package-feature-configs", values | change)

    assert (answer.status_code, faults(answer)) == (status, [field])
    assert not PackageFeatureConfig.objects.exists()
    assert package.histories.count() == 1


def test_second_config_for_a_scope_is_a_conflict(staff, package):
    values = {"package": str(package.id), "config": {}}

    statuses = [staff.post("/api/package-feature-configs", values).status_code for _ in range(2)]

    assert statuses == [201, 409]


def test_config_cannot_move_to_another_package(staff, package):
    [row] = services.replace_configs(
        package_id=package.id, configs=[ConfigTerms(config={})], actor_id=None
    )
    url = f"/api/package-feature-configs/{row.id}"

    assert staff.patch(url, {"package": str(package.id)}).status_code == 200
    answer = staff.patch(url, {"package": str(make_package().id)})
    assert (answer.status_code, faults(answer)) == (400, ["package"])
