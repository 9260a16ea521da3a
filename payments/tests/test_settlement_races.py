"""Everybody who can hear of one success, at once and over HTTP; and the same event 100 times."""

from functools import partial

import pytest
from rest_framework.test import APIClient

from catalog.models import Subscription
from common import clock, outbox
from common.enums import DeliveryStatus
from common.models import EventDelivery, OutboxEvent
from common.testing import drain_outbox, run_concurrently
from payments.enums import EventSource
from payments.models import WebhookEvent
from payments.services.fulfilment import fulfil_payment
from payments.services.reconciliation import reconcile_payment
from payments.services.settlement import refresh_payment
from payments.tests.signing import headers_for, webhook_body
from payments.verification import verify
from wallets.enums import TransactionKind
from wallets.selectors import balances_of, transactions_of_kind

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def what_was_paid_is_what_was_delivered():
    yield
    assert [finding.culprits for finding in verify(now=clock.now()) if finding.wrong] == []


def post_webhook(payment, body, event_id):
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in headers_for(body, event_id=event_id).items()
    }
    path = f"/api/payments/webhook/{payment.payment_method_id}"
    client = APIClient()
    return client.post(path, body, content_type="application/json", **headers).status_code


def deliver_what_waits():
    """A worker: it takes what is there now, as long as nobody else has it."""
    waiting = EventDelivery.objects.filter(status=DeliveryStatus.PENDING)
    return [outbox.deliver(pk) for pk in waiting.values_list("id", flat=True)]


def assert_delivered_once(payment, events):
    payment.refresh_from_db()
    assert (payment.status, payment.version, payment.events.count()) == ("succeeded", 3, 3)
    assert OutboxEvent.objects.filter(type="payments.payment_succeeded").count() == 1
    assert WebhookEvent.objects.count() == events
    assert transactions_of_kind(TransactionKind.PURCHASE).count() == 1
    assert transactions_of_kind(TransactionKind.RECEIPT).count() == 1
    assert Subscription.objects.get().reference == f"payment:{payment.id}"
    assert balances_of([payment.user_id])[payment.user_id].balance == 1000


def everybody(payment, customer, admin_user):
    """Whoever can hear that a payment succeeded, each as a call without arguments."""

    def webhook(event_id):
        body = webhook_body(payment.gateway_reference, event_id=event_id)
        status = post_webhook(payment, body, event_id)
        deliver_what_waits()
        return status

    by_staff = {"source": EventSource.ADMIN, "actor_id": admin_user.id}
    return [
        partial(webhook, "evt_1"),
        partial(webhook, "evt_2"),
        lambda: APIClient().get(f"/api/payments/return/{payment.id}").status_code,
        lambda: customer.get(f"/api/payment-transactions/{payment.id}/status").status_code,
        partial(reconcile_payment, payment_id=payment.id),
        partial(refresh_payment, payment_id=payment.id, **by_staff),
        deliver_what_waits,
        deliver_what_waits,
    ]


@pytest.mark.parametrize("attempt", range(5))
def test_two_webhooks_return_status_poller_staff_and_workers_at_once_grant_once(
    payment, gateway, admin_user, customer, attempt
):
    gateway.move("succeeded")

    results = run_concurrently(everybody(payment, customer, admin_user))
    drain_outbox()
    run_concurrently([partial(fulfil_payment, payment_id=payment.id)] * 4)

    assert [result for result in results if isinstance(result, Exception)] == []
    assert results[:4] == [200, 200, 303, 200]
    assert_delivered_once(payment, events=2)


def test_one_webhook_a_hundred_times_at_once_has_one_effect(payment, gateway):
    gateway.move("succeeded")
    body = webhook_body(payment.gateway_reference)

    statuses = run_concurrently([partial(post_webhook, payment, body, "evt_1")] * 100)
    run_concurrently([deliver_what_waits] * 4)
    drain_outbox()

    assert statuses == [200] * 100
    assert OutboxEvent.objects.filter(type="payments.webhook_received").count() == 1
    assert_delivered_once(payment, events=1)
