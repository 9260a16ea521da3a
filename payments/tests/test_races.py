"""Many at once, on real connections: one payment, one settlement, one delivery."""

import pytest

from catalog.models import Subscription
from common.models import OutboxEvent
from common.testing import drain_outbox, run_concurrently
from payments.enums import EventSource
from payments.models import PaymentTransaction, WebhookEvent
from payments.services.checkout import start_checkout
from payments.services.fulfilment import fulfil_payment, grant_initial_package
from payments.services.reconciliation import claim_due_payments, reconcile_payment
from payments.services.settlement import refresh_payment
from payments.services.status import come_back, look_again
from payments.services.webhooks import process_webhook, receive_webhook
from payments.tests.factories import make_order, make_payment
from payments.tests.signing import headers_for, webhook_body
from payments.tests.test_fulfilment import balance_of, make_initial_package

pytestmark = pytest.mark.django_db(transaction=True)


def receive(method, body, event_id):
    headers = headers_for(body, event_id=event_id)
    return receive_webhook(payment_method_id=method.id, headers=headers, body=body)


def assert_none_failed(results):
    assert [result for result in results if isinstance(result, Exception)] == []


def test_webhooks_return_poller_status_and_staff_at_once_settle_once_and_deliver_once(
    payment, method, gateway, admin_user
):
    for number in (1, 2):
        event_id = f"evt_{number}"
        receive(method, webhook_body(payment.gateway_reference, event_id=event_id), event_id)
    first, second = WebhookEvent.objects.values_list("id", flat=True)
    gateway.move("succeeded")

    results = run_concurrently(
        [
            lambda: process_webhook(webhook_event_id=first),
            lambda: process_webhook(webhook_event_id=second),
            lambda: come_back(payment_id=payment.id),
            lambda: look_again(payment_id=payment.id),
            lambda: reconcile_payment(payment_id=payment.id),
            lambda: refresh_payment(
                payment_id=payment.id, source=EventSource.ADMIN, actor_id=admin_user.id
            ),
        ]
    )
    drain_outbox()

    assert_none_failed(results)
    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("succeeded", 3)
    assert payment.events.count() == 3
    assert OutboxEvent.objects.filter(type="payments.payment_succeeded").count() == 1
    assert balance_of(payment.user_id) == 1000
    assert Subscription.objects.count() == 1


def test_one_webhook_twenty_times_at_once_is_one_row_and_one_effect(payment, method, gateway):
    gateway.move("succeeded")
    body = webhook_body(payment.gateway_reference)

    results = run_concurrently([lambda: receive(method, body, "evt_1")] * 20)
    drain_outbox()

    assert sorted(results) == [False] * 19 + [True]
    assert WebhookEvent.objects.get().verdict == "moved"
    assert OutboxEvent.objects.filter(type="payments.webhook_received").count() == 1
    payment.refresh_from_db()
    assert payment.version == 3
    assert balance_of(payment.user_id) == 1000


def test_checkout_submitted_ten_times_at_once_with_one_key_is_one_payment(user, method, gateway):
    order = make_order(method=method)

    results = run_concurrently(
        [lambda: start_checkout(user=user, order=order, idempotency_key="key")] * 10
    )

    assert_none_failed(results)
    payment = PaymentTransaction.objects.get()
    assert set(results) == {payment}
    assert (payment.status, payment.version) == ("pending", 2)
    assert len(gateway.payments) == 1


def test_one_payment_fulfilled_ten_times_at_once_is_delivered_once():
    payment = make_payment(status="succeeded")

    results = run_concurrently([lambda: fulfil_payment(payment_id=payment.id)] * 10)

    assert_none_failed(results)
    assert balance_of(payment.user_id) == 1000
    assert Subscription.objects.count() == 1


def test_initial_package_asked_for_ten_times_at_once_is_granted_once(user):
    make_initial_package()

    results = run_concurrently([lambda: grant_initial_package(user_id=user.id)] * 10)

    assert_none_failed(results)
    assert balance_of(user.id) == 100
    assert Subscription.objects.count() == 1


def test_initial_package_and_a_purchase_at_once_leave_the_bought_subscription(user):
    make_initial_package()
    payment = make_payment(status="succeeded", user=user)

    results = run_concurrently(
        [
            lambda: grant_initial_package(user_id=user.id),
            lambda: fulfil_payment(payment_id=payment.id),
        ]
    )

    assert_none_failed(results)
    assert balance_of(user.id) == 1100
    assert Subscription.objects.get(status="active").reference == f"payment:{payment.id}"


def test_two_schedulers_at_once_claim_each_check_once(method):
    payments = {make_payment(method=method).id for _ in range(6)}

    results = run_concurrently([lambda: claim_due_payments(limit=3)] * 4)

    assert_none_failed(results)
    claimed = [payment_id for ids in results for payment_id in ids]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) | set(claim_due_payments(limit=10)) == payments
