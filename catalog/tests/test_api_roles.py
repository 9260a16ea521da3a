"""Every route with every kind of caller."""

from uuid import UUID

import pytest

from catalog import selectors, services
from catalog.contents import ConfigTerms
from catalog.tests.factories import (
    FeatureEndpointFactory,
    PlanFactory,
    make_package,
    terms,
)
from common import clock

pytestmark = pytest.mark.django_db

LIFECYCLE = [
    ("get", "{path}"),
    ("post", "{path}"),
    ("get", "{path}/{id}"),
    ("put", "{path}/{id}"),
    ("patch", "{path}/{id}"),
    ("delete", "{path}/{id}"),
    ("post", "{path}/{id}/restore"),
    ("delete", "{path}/{id}/permanent"),
    ("delete", "{path}/bulk"),
    ("patch", "{path}/bulk"),
    ("post", "{path}/bulk/restore"),
    ("delete", "{path}/bulk/permanent"),
]
READ = [("get", "{path}"), ("get", "{path}/{id}")]
STAFF_ROUTES = [
    *[
        (resource, method, route)
        for resource in (
            "features",
            "feature-endpoints",
            "plans",
            "packages",
            "package-feature-configs",
        )
        for method, route in LIFECYCLE
    ],
    ("packages", "put", "{path}/{id}/configs/bulk"),
    *[
        (resource, method, route)
        for resource in ("package-histories", "user-subscriptions")
        for method, route in READ
    ],
]
PUBLIC_ROUTES = [
    ("features", "{path}/public"),
    ("plans", "{path}/public"),
    ("packages", "{path}/public"),
    ("packages", "{path}/{id}/public"),
]


@pytest.fixture
def rows(user):
    endpoint, plan = FeatureEndpointFactory(), PlanFactory()
    package = make_package(
        features=[endpoint.feature],
        plans=[terms(plan)],
        configs=[ConfigTerms(config={"priority": 1})],
    )
    subscription = services.start_subscription(
        user_id=user.id,
        offer=selectors.offer(package_id=package.id, plan_id=plan.id, currency="USD"),
        reference="payment:1",
        at=clock.now(),
    )
    return {
        "features": endpoint.feature,
        "feature-endpoints": endpoint,
        "plans": plan,
        "packages": package,
        "package-feature-configs": package.configs.get(),
        "package-histories": package.histories.latest("version"),
        "user-subscriptions": subscription,
    }


def call(client, rows, resource, method, route):
    url = "/api/" + route.format(path=resource, id=rows[resource].id)
    return getattr(client, method)(url)


@pytest.fixture
def outsiders(api, client_for, user, partner_api):
    return [api, client_for(user), partner_api]


@pytest.fixture
def staff(client_for, admin_user, super_admin):
    return [client_for(admin_user), client_for(super_admin)]


@pytest.mark.parametrize("address", STAFF_ROUTES)
def test_staff_route_answers_staff_and_nobody_else(address, rows, outsiders, staff):
    def statuses(clients):
        return [call(client, rows, *address).status_code for client in clients]

    assert statuses(outsiders) == [401, 403, 403]
    assert not {401, 403, 405, 500} & set(statuses(staff))


@pytest.mark.parametrize(("resource", "route"), PUBLIC_ROUTES)
def test_public_route_answers_anyone(resource, route, rows, outsiders):
    statuses = [call(client, rows, resource, "get", route).status_code for client in outsiders]

    assert statuses == [200, 200, 200]


def test_own_subscription_answers_people_only(rows, outsiders):
    statuses = [client.get("/api/user-subscriptions/self").status_code for client in outsiders]

    assert statuses == [401, 200, 403]


@pytest.mark.parametrize("pk", ["nonsense", UUID("01890000-0000-7000-8000-000000000000")])
@pytest.mark.parametrize("address", [row for row in STAFF_ROUTES if "{id}" in row[2]])
def test_unknown_and_malformed_ids_are_404(address, pk, staff):
    resource, method, route = address
    body = {"configs": []} if "configs" in route else {}

    answer = getattr(staff[0], method)(
        "/api/" + route.format(path=resource, id=pk),
        body,
    )

    assert answer.status_code == 404
