"""The whole path over HTTP: our server, the simulator's process, a customer's browser."""

import re

import httpx
import pytest
from celery import current_app

from common.testing import drain_outbox
from payments.models import PaymentEvent, PaymentTransaction, WebhookEvent
from payments.tests.factories import make_order
from wallets.selectors import balances_of

pytestmark = pytest.mark.processes

CARD = {"expiry": "12 / 40", "cvc": "123", "name": "Ada Lovelace"}


@pytest.fixture
def browser():
    with httpx.Client(timeout=20) as client:
        yield client


@pytest.fixture
def checkout(simulator, live_server, client_for, user):
    """An initiated payment, as the API answers."""
    order = make_order(method=simulator)
    answer = client_for(user).post(
        "/api/payments/initiate",
        {
            "package": str(order.package_id),
            "plan": str(order.plan_id),
            "payment_method": str(simulator.id),
            "currency": "USD",
            "return_url": f"{live_server.url}/done",
            "cancel_url": f"{live_server.url}/canceled",
        },
        headers={"Idempotency-Key": "key"},
    )
    assert answer.status_code == 201
    return answer.json()


def submit(browser, url, **fields):
    """Fill in the form of a hosted page; return where the browser is sent."""
    page = browser.get(url)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    csrf = {"csrfmiddlewaretoken": token[1]} if token else {}
    answer = browser.post(url, data=csrf | fields)
    assert answer.status_code == 303
    return str(answer.url.join(answer.headers["Location"]))


def follow(browser, url):
    """Let the browser return to us; return where we send it."""
    answer = browser.get(url)
    assert answer.status_code == 303
    return answer.headers["Location"]


def send_webhooks():
    current_app.loader.import_default_modules()
    return current_app.tasks["simulator.tasks.send_due_webhooks"]()


def balance_of(user):
    return balances_of([user.id])[user.id].balance


def test_approved_card_pays_by_webhook_alone(checkout, browser, user):
    submit(browser, checkout["checkout_url"], number="4242 4242 4242 4242", **CARD)

    assert send_webhooks() == 1
    drain_outbox()

    payment = PaymentTransaction.objects.get()
    assert payment.status == "succeeded"
    assert payment.events.get(version=3).source == "webhook"
    assert WebhookEvent.objects.get().verdict == "moved"
    assert balance_of(user) == 1000


def test_three_d_secure_card_pays_by_return_and_a_late_webhook_changes_nothing(
    checkout, browser, live_server, user
):
    challenge = submit(browser, checkout["checkout_url"], number="4000002500003155", **CARD)
    send_webhooks()
    drain_outbox()
    assert PaymentTransaction.objects.get().status == "requires_action"

    back = submit(browser, challenge, outcome="complete")
    landed = follow(browser, back)
    payment = PaymentTransaction.objects.get()
    assert landed == f"{live_server.url}/done?payment_id={payment.id}&status=succeeded"
    send_webhooks()
    drain_outbox()

    payment.refresh_from_db()
    assert [event.to_status for event in payment.events.order_by("version")] == [
        "initiated",
        "pending",
        "requires_action",
        "succeeded",
    ]
    assert balance_of(user) == 1000


def test_declined_card_fails_with_its_reason(checkout, browser, user):
    submit(browser, checkout["checkout_url"], number="4000000000009995", **CARD)

    send_webhooks()
    drain_outbox()

    payment = PaymentTransaction.objects.get()
    assert (payment.status, payment.failure_code) == ("failed", "insufficient_funds")
    assert balance_of(user) == 0


def test_cancel_leads_back_to_the_shops_cancel_page(checkout, browser, live_server):
    back = submit(browser, checkout["checkout_url"], action="cancel")

    landed = follow(browser, back)

    payment = PaymentTransaction.objects.get()
    assert landed == f"{live_server.url}/canceled?payment_id={payment.id}&status=failed"
    assert payment.failure_code == "canceled"


def test_return_before_paying_settles_nothing(checkout, browser, live_server):
    payment = PaymentTransaction.objects.get()

    landed = follow(browser, f"{live_server.url}/api/payments/return/{payment.id}?status=succeeded")

    payment.refresh_from_db()
    assert payment.status == "pending"
    assert landed == f"{live_server.url}/done?payment_id={payment.id}&status=pending"


def test_no_card_number_reaches_our_tables(checkout, browser):
    submit(browser, checkout["checkout_url"], number="4242424242424242", **CARD)
    send_webhooks()
    drain_outbox()

    models = [PaymentTransaction, PaymentEvent, WebhookEvent]
    rows = [str(row) for model in models for row in model.objects.values()]
    assert len(rows) == 5
    assert not any("4242424242424242" in row for row in rows)
