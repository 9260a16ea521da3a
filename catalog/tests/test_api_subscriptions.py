"""Histories and subscriptions over HTTP: read, never written."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import UserFactory
from catalog import selectors, services
from catalog.tests.factories import (
    make_package,
)
from common import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


def subscribe(user, package, reference="payment:1"):
    plan = package.plans.get().plan
    return services.start_subscription(
        user_id=user.id,
        offer=selectors.offer(package_id=package.id, plan_id=plan.id, currency="USD"),
        reference=reference,
        at=clock.now(),
    )


@pytest.fixture
def package():
    return make_package()


def test_histories_of_a_package_are_read_newest_first(staff, package):
    services.update_package(package_id=package.id, fields={"name": "Other"}, actor_id=None)
    make_package()

    rows = staff.get("/api/package-histories", {"package": str(package.id)}).json()["results"]

    assert [row["version"] for row in rows] == [2, 1]
    assert rows[0]["snapshot"]["package"]["name"] == "Other"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("resource", ["package-histories", "user-subscriptions"])
def test_histories_and_subscriptions_cannot_be_written(staff, user, package, resource, method):
    subscribe(user, package)
    [row] = staff.get(f"/api/{resource}").json()["results"]

    for url in (f"/api/{resource}", f"/api/{resource}/{row['id']}"):
        assert getattr(staff, method)(url, {}).status_code == 405


def test_own_subscription_shows_what_is_held(client_for, user, package):
    subscription = subscribe(user, package)
    plan = subscription.plan

    answer = client_for(user).get("/api/user-subscriptions/self")

    assert answer.json() == {
        "id": str(subscription.id),
        "package": {"id": str(package.id), "value": package.value, "name": package.name},
        "plan": {"id": str(plan.id), "name": plan.name, "duration_days": 30},
        "package_history": str(subscription.package_history_id),
        "status": "active",
        "current_period_start": as_json(subscription.current_period_start),
        "current_period_end": as_json(subscription.current_period_end),
        "created_at": as_json(subscription.created_at),
    }


def as_json(moment):
    return moment.isoformat().replace("+00:00", "Z")


def test_own_subscription_is_404_without_one_or_after_its_end(
    client_for, user, other_user, package
):
    subscription = subscribe(other_user, package)

    assert client_for(user).get("/api/user-subscriptions/self").status_code == 404
    with clock.frozen(subscription.current_period_end + timedelta(seconds=1)):
        client = client_for(other_user)
        assert client.get("/api/user-subscriptions/self").status_code == 404


def test_staff_find_subscriptions_by_user_and_status(staff, user, other_user, package):
    subscribe(user, package, "payment:1")
    subscribe(user, make_package(), "payment:2")
    subscribe(other_user, package, "payment:3")

    def references(**query):
        rows = staff.get("/api/user-subscriptions", query).json()["results"]
        return [row["reference"] for row in rows]

    assert references() == ["payment:3", "payment:2", "payment:1"]
    assert references(user=str(user.id), status="canceled") == ["payment:1"]
    assert references(search=other_user.email) == ["payment:3"]


def test_list_takes_as_many_queries_for_three_rows_as_for_one(staff):
    counts = []
    for _ in range(3):
        person = UserFactory()
        subscribe(person, make_package(), f"payment:{person.id}")
        with CaptureQueriesContext(connection) as queries:
            assert staff.get("/api/user-subscriptions").status_code == 200
        counts.append(len(queries))

    assert counts[0] == counts[2]
