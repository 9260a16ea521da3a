from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery, current_app
from django.db import transaction

from common import clock, outbox, tasks
from common.enums import DeliveryStatus
from common.errors import Conflict
from common.events import DomainEvent, call_handler, publish, subscribe
from common.models import EventDelivery, OutboxEvent
from common.testing import drain_outbox, run_concurrently
from common.tests.factories import ToolFactory
from common.tests.models import Tool

heard: list[int | str] = []
broken: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Counted(DomainEvent):
    type = "tests.counted"

    number: int


@subscribe(Counted)
def remember(event: Counted) -> None:
    if broken:
        raise RuntimeError(broken[0])
    heard.append(event.number)


@dataclass(frozen=True, kw_only=True)
class Announced(DomainEvent):
    type = "tests.announced"

    words: str


@dataclass(frozen=True, kw_only=True)
class Begun(DomainEvent):
    type = "tests.begun"

    name: str


@subscribe(Begun)
def begin(event: Begun) -> None:
    ToolFactory(name=event.name)
    raise RuntimeError


@subscribe(Announced)
def choke(event: Announced) -> None:
    raise RuntimeError(event.words)


@subscribe(Announced)
def listen(event: Announced) -> None:
    heard.append(event.words)


@pytest.fixture(autouse=True)
def _quiet():
    heard.clear()
    broken.clear()


def tell(number=1):
    with transaction.atomic():
        publish(Counted(number=number))
    return EventDelivery.objects.latest("id")


@pytest.mark.django_db(transaction=True)
def test_publish_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError):
        publish(Counted(number=1))


@pytest.mark.django_db
def test_published_event_is_heard_once_however_often_it_is_delivered():
    delivery = tell(7)

    assert tasks.deliver_events(delivery_ids=[str(delivery.id)]) == 1
    assert tasks.deliver_events(delivery_ids=[str(delivery.id)]) == 0
    assert heard == [7]


@pytest.mark.django_db
def test_failed_delivery_waits_longer_each_time_then_is_dead_and_can_be_replayed():
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        delivery = tell()
        broken.append("out of order")
        waits = []
        for _ in range(outbox.MAX_ATTEMPTS):
            outbox.deliver(delivery.id)
            delivery.refresh_from_db()
            waits.append((delivery.next_attempt_at - clock.now()).total_seconds())
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
        assert (delivery.status, delivery.last_error) == (
            DeliveryStatus.DEAD,
            "RuntimeError: out of order",
        )
        broken.clear()

        assert outbox.replay(delivery_ids=[delivery.id]) == 1
        with pytest.raises(Conflict):
            outbox.replay(delivery_ids=[delivery.id])
        assert drain_outbox() == 1
        assert heard == [1]


@pytest.mark.django_db
def test_sweep_delivers_what_nobody_was_woken_for():
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        tell(3)
        assert tasks.sweep_outbox() == 0
        clock.advance(timedelta(seconds=10))
        assert outbox.oldest_pending_seconds() == 10

        assert tasks.sweep_outbox() == 1
        assert tasks.sweep_outbox() == 0
    assert heard == [3]
    assert outbox.oldest_pending_seconds() == 0


@pytest.mark.django_db
def test_delivered_events_are_forgotten_after_30_days():
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        tell()
        drain_outbox()
        clock.advance(timedelta(days=31))
        tell()

        assert tasks.forget_delivered_events() == 1
        assert tasks.forget_delivered_events() == 0


@pytest.mark.django_db
def test_handler_that_no_longer_exists_is_named():
    with pytest.raises(LookupError, match="gone"):
        call_handler("gone", OutboxEvent(type="tests.counted", payload={}))


@pytest.mark.django_db
def test_drain_outbox_reports_a_failing_handler():
    tell()
    broken.append("out of order")
    with pytest.raises(AssertionError, match="out of order"):
        drain_outbox()


def test_clock_that_runs_cannot_be_advanced():
    with pytest.raises(RuntimeError):
        clock.advance(timedelta(seconds=1))


@pytest.mark.django_db
def test_handler_that_fails_does_not_stop_the_others():
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        with transaction.atomic():
            publish(Announced(words="hear"))
        clock.advance(timedelta(seconds=10))

        assert tasks.sweep_outbox() == 1

    assert heard == ["hear"]
    assert dict(EventDelivery.objects.values_list("handler", "status")) == {
        f"{__name__}.choke": DeliveryStatus.PENDING,
        f"{__name__}.listen": DeliveryStatus.DONE,
    }


@pytest.mark.django_db
def test_error_that_cannot_be_stored_is_stored_as_far_as_it_can():
    delivery = tell()
    broken.append("a\x00b\ud800c")

    assert outbox.deliver(delivery.id) is False

    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.last_error) == (1, "RuntimeError: ab?c")


@pytest.mark.django_db
def test_handler_that_fails_leaves_no_trace_of_what_it_did():
    with transaction.atomic():
        publish(Begun(name="half done"))

    assert outbox.deliver(EventDelivery.objects.get().id) is False
    assert not Tool.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_that_sweep_at_once_run_each_delivery_once():
    with clock.frozen(clock.now() - timedelta(minutes=1)):
        for number in range(30):
            tell(number)

    results = run_concurrently([tasks.sweep_outbox] * 4)

    assert sum(results) == 30
    assert sorted(heard) == list(range(30))


@pytest.mark.django_db(transaction=True)
def test_fact_of_a_transaction_that_is_taken_back_is_not_recorded():
    with transaction.atomic():
        publish(Counted(number=1))
        transaction.set_rollback(True)

    assert not OutboxEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_does_not_undo_the_fact(logged):
    usual = current_app._get_current_object()
    stranded = Celery("stranded", broker="redis://127.0.0.1:1/0", set_as_current=False)
    stranded.conf.update(task_publish_retry=False, broker_connection_timeout=1)
    stranded.set_current()
    try:
        tell(5)
    finally:
        usual.set_current()

    assert [line["event"] for line in logged.parsed()] == ["outbox_wake_failed"]
    assert drain_outbox() == 1
    assert heard == [5]
