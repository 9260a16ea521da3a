from datetime import timedelta

import pytest
from django.db import connection

from common import clock
from common.events import WAKE_GRACE
from common.models import EventDelivery, OutboxEvent

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]


def parts_of(client):
    answer = client.get("/health/ready")
    body = answer.json()
    healthy = set(body["parts"].values()) == {"ok"}
    assert (answer.status_code, body["status"]) == (
        (200, "ok") if healthy else (503, "unavailable")
    )
    return body["parts"]


def faulty(client):
    return {name: state for name, state in parts_of(client).items() if state != "ok"}


def test_ready_when_every_part_answers(client):
    assert list(parts_of(client)) == ["database", "cache", "broker", "migrations", "outbox"]
    assert faulty(client) == {}


def test_not_ready_while_a_migration_waits(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'common'")

    assert faulty(client) == {"migrations": "MigrationsPending"}


@pytest.mark.parametrize(("age", "faults"), [(299, {}), (301, {"outbox": "OutboxStalled"})])
def test_not_ready_when_an_event_waits_too_long(client, settings, age, faults):
    settings.READY_MAX_OUTBOX_AGE_SECONDS = 300
    at = clock.now() - timedelta(seconds=age)
    event = OutboxEvent.objects.create(type="tests.old", payload={}, created_at=at)
    EventDelivery.objects.create(event=event, handler="x", next_attempt_at=at + WAKE_GRACE)

    assert faulty(client) == faults


def test_alive_without_a_database(client, django_db_blocker):
    with django_db_blocker.block():
        assert client.get("/health/live").json() == {"status": "ok"}


def test_head_is_answered(client):
    assert client.head("/health/live").status_code == 200
