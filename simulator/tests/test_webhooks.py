import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from kombu.exceptions import OperationalError

from common import clock
from common.testing import run_concurrently
from simulator import tasks, transport, wake
from simulator.cards import CARDS
from simulator.enums import DeliveryState
from simulator.models import WebhookDelivery
from simulator.services import webhooks
from simulator.services.payments import submit_card
from simulator.tests.factories import (
    WEBHOOK_SECRET,
    MerchantFactory,
    PaymentFactory,
    WebhookDeliveryFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def told(shop):
    """A merchant whose webhooks arrive at ``shop``."""
    return MerchantFactory(webhook_url=f"{shop.url}/hook?from=simulator")


@pytest.fixture
def delivery(told):
    with clock.frozen(NOON):
        return WebhookDeliveryFactory(merchant=told)


def send(at=NOON, **which):
    with clock.frozen(at):
        return webhooks.send_webhook(**which)


def state_of(delivery):
    delivery.refresh_from_db()
    return (delivery.state, delivery.attempts, delivery.last_status_code)


def is_genuine(headers, body):
    """The check of a receiver, written from the specification and not with our code."""
    key = base64.b64decode(WEBHOOK_SECRET[len("whsec_") :])
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode()
    expected = base64.b64encode(hmac.digest(key, signed + b"." + body, hashlib.sha256)).decode()
    version, _, signature = headers["webhook-signature"].partition(",")
    return version == "v1" and hmac.compare_digest(signature, expected)


def test_delivery_arrives_signed_and_whole(shop, delivery):
    assert send() == DeliveryState.DELIVERED

    [(path, headers, body)] = shop.received
    assert path == "/hook?from=simulator"
    assert body.decode() == delivery.event.body
    assert headers["Content-Type"] == "application/json"
    assert headers["webhook-id"] == delivery.event_id
    assert headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert is_genuine(headers, body)
    assert not is_genuine(headers, body + b" ")
    assert state_of(delivery) == ("delivered", 1, 200)
    assert (delivery.response_excerpt, delivery.leased_until) == ("thanks", None)


def test_payment_tells_its_merchant(shop, told):
    """A20 weakness 10: webhooks were queued and never delivered."""
    payment = PaymentFactory(merchant=told)
    submit_card(payment_id=payment.id, card=CARDS[0])

    assert tasks.send_due_webhooks() == 1
    assert tasks.send_due_webhooks() == 0

    [(_, headers, body)] = shop.received
    assert is_genuine(headers, body)
    content = json.loads(body)
    assert list(content) == ["id", "type", "created_at", "data"]
    assert content["id"] == headers["webhook-id"]
    assert content["type"] == "payment.succeeded"
    assert content["data"]["object"]["id"] == payment.id
    assert content["data"]["object"]["status"] == "succeeded"


def test_delivery_refused_once_is_retried_after_ten_seconds(shop, delivery):
    shop.answers = [(500, b"our fault", {})]

    assert send() == DeliveryState.PENDING
    assert state_of(delivery) == ("pending", 1, 500)
    assert delivery.response_excerpt == "our fault"
    assert delivery.next_attempt_at == NOON + timedelta(seconds=10)
    assert send(NOON + timedelta(seconds=9)) is None

    assert send(NOON + timedelta(seconds=10)) == DeliveryState.DELIVERED
    assert state_of(delivery) == ("delivered", 2, 200)
    first, second = shop.received
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert int(second[1]["webhook-timestamp"]) == int(NOON.timestamp()) + 10
    assert is_genuine(*second[1:])


def test_delivery_never_accepted_climbs_the_ladder_and_is_given_up(shop, delivery):
    shop.answers = [(503, b"", {})] * 7
    at, waits = NOON, []
    for _ in range(6):
        assert send(at) == DeliveryState.PENDING
        delivery.refresh_from_db()
        waits.append(delivery.next_attempt_at - at)
        at = delivery.next_attempt_at

    assert send(at) == DeliveryState.FAILED

    assert [int(wait.total_seconds()) for wait in waits] == [10, 60, 300, 1800, 7200, 86400]
    assert state_of(delivery) == ("failed", 7, 503)
    assert send(at + timedelta(days=365)) is None
    assert len(shop.received) == 7


def test_delivery_to_a_slow_merchant_is_a_failed_attempt(shop, delivery, monkeypatch):
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.2)
    shop.delay_seconds = 1

    assert send() == DeliveryState.PENDING

    assert state_of(delivery) == ("pending", 1, None)
    assert delivery.response_excerpt.startswith("ReadTimeout")


def test_delivery_to_nobody_is_a_failed_attempt():
    delivery = WebhookDeliveryFactory()

    assert webhooks.send_webhook() == DeliveryState.PENDING
    assert state_of(delivery) == ("pending", 1, None)
    assert delivery.response_excerpt.startswith("ConnectError")


def test_delivery_does_not_follow_a_redirect(shop, delivery):
    """A20 weakness 10: a merchant could point the sender at an address inside."""
    shop.answers = [(302, b"", {"Location": f"{shop.url}/secret"})]

    assert send() == DeliveryState.PENDING

    assert state_of(delivery) == ("pending", 1, 302)
    assert [path for path, _, _ in shop.received] == ["/hook?from=simulator"]
    assert shop.visited == []


@pytest.mark.parametrize("status", [201, 204, 299])
def test_delivery_accepted_with_any_2xx_is_delivered(shop, delivery, status):
    shop.answers = [(status, b"", {})]

    assert send() == DeliveryState.DELIVERED


@pytest.mark.parametrize(
    ("content", "excerpt"),
    [
        (b"x" * 100_000, "x" * 500),
        (b"\x00nul\x00", "nul"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("\u00fc".encode() * 1500, "\u00fc" * 500),
    ],
)
def test_delivery_keeps_an_excerpt_of_any_answer(shop, delivery, content, excerpt):
    shop.answers = [(200, content, {})]

    assert send() == DeliveryState.DELIVERED
    delivery.refresh_from_db()
    assert delivery.response_excerpt == excerpt


def test_claimed_delivery_is_left_alone_until_its_lease_ends(shop, delivery):
    """A worker that died while sending loses nothing: another one sends again."""
    with clock.frozen(NOON):
        webhooks._claim(None)

    assert send(NOON + timedelta(seconds=59)) is None
    assert send(NOON + timedelta(seconds=60)) == DeliveryState.DELIVERED
    assert state_of(delivery) == ("delivered", 2, 200)


def test_result_of_a_lost_lease_is_not_written(shop, delivery):
    with clock.frozen(NOON):
        slow = webhooks._claim(None)
    assert send(NOON + timedelta(seconds=60)) == DeliveryState.DELIVERED

    webhooks._record(slow, transport.Answer(500, "late"))

    assert state_of(delivery) == ("delivered", 2, 200)


@pytest.mark.django_db(transaction=True)
def test_parallel_workers_send_each_delivery_once(shop, told):
    for _ in range(5):
        WebhookDeliveryFactory(merchant=told)

    results = run_concurrently([tasks.send_due_webhooks] * 4)

    assert sum(results) == 5
    ids = [headers["webhook-id"] for _, headers, _ in shop.received]
    assert len(ids) == len(set(ids)) == 5


def test_send_webhook_task_twice_sends_once(shop, told):
    other = WebhookDeliveryFactory(merchant=told)
    delivery = WebhookDeliveryFactory(merchant=told)

    tasks.send_webhook(delivery_id=str(delivery.id), from_a_newer_release=True)
    tasks.send_webhook(delivery_id=str(delivery.id))
    tasks.send_webhook(delivery_id=str(uuid4()))

    assert [headers["webhook-id"] for _, headers, _ in shop.received] == [delivery.event_id]
    assert state_of(other) == ("pending", 0, None)


def test_sweep_stops_when_its_time_is_up(shop, delivery, monkeypatch):
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", -1)

    assert tasks.send_due_webhooks() == 0
    assert state_of(delivery) == ("pending", 0, None)


def test_resend_starts_again_from_the_first_rung(shop, told):
    failed = WebhookDeliveryFactory(merchant=told, state="failed", attempts=7)
    delivered = WebhookDeliveryFactory(merchant=told, state="delivered", attempts=1)
    pending = WebhookDeliveryFactory(merchant=told, attempts=2)

    count = webhooks.resend_deliveries(delivery_ids=[failed.id, delivered.id, pending.id])

    assert count == 2
    assert state_of(failed) == state_of(delivered) == ("pending", 0, None)
    assert state_of(pending) == ("pending", 2, None)
    assert tasks.send_due_webhooks() == 3


def test_commit_wakes_a_worker_for_its_webhook(django_capture_on_commit_callbacks, monkeypatch):
    woken = []
    monkeypatch.setattr(
        wake.current_app, "send_task", lambda name, kwargs: woken.append((name, kwargs))
    )
    payment = PaymentFactory()

    with django_capture_on_commit_callbacks(execute=True):
        Client().post(
            f"/checkout/{payment.id}?token={payment.checkout_token}", {"action": "cancel"}
        )

    delivery = WebhookDelivery.objects.get()
    assert woken == [("simulator.tasks.send_webhook", {"delivery_id": str(delivery.id)})]


def test_wake_without_a_broker_leaves_the_webhook_to_the_sweep(monkeypatch, shop, delivery):
    def no_broker(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(wake.current_app, "send_task", no_broker)

    wake.workers(str(delivery.id))

    assert send() == DeliveryState.DELIVERED
