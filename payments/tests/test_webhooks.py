from datetime import timedelta
from itertools import permutations

import pytest

from common import clock
from common.errors import NotFound
from common.ids import uuid7
from common.models import EventDelivery, OutboxEvent
from common.testing import drain_outbox
from payments import metrics
from payments.gateways.base import GatewayUnavailable, InvalidSignature
from payments.models import PaymentMethod, WebhookEvent
from payments.services.webhooks import process_again, process_webhook, receive_webhook
from payments.tests import crooked_gateway as faults
from payments.tests.factories import make_payment
from payments.tests.signing import headers_for, webhook_body
from wallets.selectors import balances_of

pytestmark = pytest.mark.django_db


def receive(method, body, *, event_id="evt_1", **signed):
    headers = headers_for(body, event_id=event_id, **signed)
    return receive_webhook(payment_method_id=method.id, headers=headers, body=body)


def counted(verdict):
    return metrics.webhooks.labels(verdict=verdict)._value.get()


def test_receive_stores_the_webhook_and_publishes_that(payment, method):
    body = webhook_body(payment.gateway_reference)

    assert receive(method, body) is True

    event = WebhookEvent.objects.get()
    assert (event.payment_method, event.gateway_event_id) == (method, "evt_1")
    assert (event.event_type, event.gateway_reference) == (
        "payment.succeeded",
        payment.gateway_reference,
    )
    assert (event.body.encode(), event.headers) == (body, headers_for(body))
    assert (event.processed_at, event.verdict) == (None, "")
    (heard,) = OutboxEvent.objects.filter(type="payments.webhook_received")
    assert heard.payload == {"webhook_event_id": str(event.id)}


def test_receive_of_the_same_event_again_has_no_effect(payment, method):
    body = webhook_body(payment.gateway_reference)
    receive(method, body)
    before = counted("duplicate")

    assert receive(method, body) is False
    assert WebhookEvent.objects.count() == 1
    assert OutboxEvent.objects.filter(type="payments.webhook_received").count() == 1
    assert counted("duplicate") == before + 1


def test_receive_with_a_bad_signature_stores_nothing(payment, method):
    body = webhook_body(payment.gateway_reference)
    before = counted("invalid_signature")

    with pytest.raises(InvalidSignature):
        receive_webhook(
            payment_method_id=method.id,
            headers=headers_for(body) | {"webhook-signature": "v1,Zm9yZ2Vk"},
            body=body,
        )

    assert not WebhookEvent.objects.exists()
    assert counted("invalid_signature") == before + 1


def test_receive_of_an_old_event_stores_nothing(payment, method):
    body = webhook_body(payment.gateway_reference)

    with pytest.raises(InvalidSignature):
        receive(method, body, at=clock.now() - timedelta(seconds=302))

    assert not WebhookEvent.objects.exists()


def test_receive_for_an_unknown_method_is_refused(method):
    method.id = uuid7()

    with pytest.raises(NotFound):
        receive(method, webhook_body("pay_1"))


@pytest.mark.parametrize("columns", [{"is_active": False}, {"deleted_at": clock.now()}])
def test_receive_for_a_closed_method_still_hears_of_payments_on_their_way(
    payment, method, gateway, columns
):
    PaymentMethod.objects.update(**columns)
    gateway.move("succeeded")

    receive(method, webhook_body(payment.gateway_reference))
    drain_outbox()

    payment.refresh_from_db()
    assert payment.status == "succeeded"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("succeeded", ("succeeded", "moved")),
        ("failed", ("failed", "moved")),
        ("canceled", ("failed", "moved")),
        ("requires_action", ("requires_action", "moved")),
        ("pending", ("pending", "unchanged")),
    ],
)
def test_process_believes_the_gateway_and_not_the_body(payment, method, gateway, word, expected):
    """The body claims success, an amount and a currency; nobody listens."""
    gateway.move(word)

    receive(
        method,
        webhook_body(payment.gateway_reference, status="succeeded", amount=1, currency="BDT"),
    )
    drain_outbox()

    payment.refresh_from_db()
    event = WebhookEvent.objects.get()
    assert (payment.status, event.verdict) == expected
    assert event.processed_at is not None


def test_process_of_success_delivers_the_purchase(payment, method, gateway):
    gateway.move("succeeded")

    receive(method, webhook_body(payment.gateway_reference))
    drain_outbox()

    payment.refresh_from_db()
    assert payment.fulfilled_at is not None
    assert balances_of([payment.user_id])[payment.user_id].balance == 1000


def test_process_of_another_amount_quarantines_and_delivers_nothing(payment, method, gateway):
    gateway.move("succeeded")
    gateway.lies = {"amount": 1}

    receive(method, webhook_body(payment.gateway_reference))
    drain_outbox()

    payment.refresh_from_db()
    assert (payment.status, payment.quarantine_reason) == ("pending", "amount_mismatch")
    assert WebhookEvent.objects.get().verdict == "quarantined"
    assert balances_of([payment.user_id])[payment.user_id].balance == 0


@pytest.mark.parametrize("reference", ["pay_unknown", "None", "null"])
def test_process_for_an_unknown_payment_is_stored_and_reported(
    payment, method, reference, django_capture_on_commit_callbacks
):
    make_payment(status="initiated", method=method)
    before = counted("unknown_payment")

    with django_capture_on_commit_callbacks(execute=True):
        receive(method, webhook_body(reference))
        drain_outbox()

    assert WebhookEvent.objects.get().verdict == "unknown_payment"
    assert counted("unknown_payment") == before + 1


@pytest.mark.usefixtures("impatient")
def test_process_while_the_gateway_is_down_is_tried_again(payment, method, gateway):
    gateway.move("succeeded")
    gateway.faults = [faults.hang]
    receive(method, webhook_body(payment.gateway_reference))
    event = WebhookEvent.objects.get()

    with pytest.raises(GatewayUnavailable):
        process_webhook(webhook_event_id=event.id)
    event.refresh_from_db()
    assert (event.processed_at, event.verdict) == (None, "")

    drain_outbox()
    event.refresh_from_db()
    assert event.verdict == "moved"


def test_process_twice_settles_once(payment, method, gateway):
    gateway.move("succeeded")
    receive(method, webhook_body(payment.gateway_reference))
    event = WebhookEvent.objects.get()

    verdicts = [process_webhook(webhook_event_id=event.id) for _ in range(2)]

    payment.refresh_from_db()
    assert verdicts == ["moved", "unchanged"]
    assert payment.version == 3


@pytest.mark.parametrize(
    "order",
    list(permutations(["payment.requires_action", "payment.failed", "payment.succeeded"])),
)
def test_webhooks_in_any_order_end_in_the_same_state(payment, method, gateway, order):
    """Each event fetches the present, so the order tells nothing."""
    gateway.move("succeeded")

    for kind in order:
        body = webhook_body(payment.gateway_reference, kind=kind, event_id=kind)
        receive(method, body, event_id=kind)
        drain_outbox()

    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("succeeded", 3)
    assert balances_of([payment.user_id])[payment.user_id].balance == 1000


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_webhooks_late_and_mixed_with_what_happens_end_in_the_same_state(
    payment, method, gateway, order
):
    """The gateway moves on between deliveries, and every delivery may be the late one."""
    history = ["requires_action", "failed", "requires_action", "succeeded"]

    for step, status in zip(order, history, strict=True):
        gateway.move(status)
        kind = f"evt_{step}"
        receive(method, webhook_body(payment.gateway_reference, event_id=kind), event_id=kind)
        drain_outbox()

    payment.refresh_from_db()
    assert payment.status == "succeeded"
    assert balances_of([payment.user_id])[payment.user_id].balance == 1000


def test_process_again_has_the_worker_follow_up_once_more(payment, method, gateway):
    receive(method, webhook_body(payment.gateway_reference))
    drain_outbox()
    gateway.move("succeeded")
    event = WebhookEvent.objects.get()

    assert process_again(webhook_event_ids=[event.id]) == 1
    drain_outbox()

    event.refresh_from_db()
    payment.refresh_from_db()
    assert (event.verdict, payment.status) == ("moved", "succeeded")
    assert EventDelivery.objects.filter(event__type="payments.webhook_received").count() == 2
