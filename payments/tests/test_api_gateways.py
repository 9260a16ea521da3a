from io import BytesIO

import pytest
from django.core.handlers.asgi import ASGIRequest

from common.ids import uuid7
from payments.api.views import WebhookView
from payments.models import WebhookEvent
from payments.services.checkout import start_checkout
from payments.tests import crooked_gateway as faults
from payments.tests.factories import BACK, CANCEL, make_order
from payments.tests.signing import headers_for, webhook_body

pytestmark = pytest.mark.django_db


def post_webhook(api, method_id, body, headers):
    return api.generic(
        "POST",
        f"/api/payments/webhook/{method_id}",
        body,
        content_type="application/json",
        headers=headers,
    )


def test_webhook_is_stored_and_acknowledged_once_and_for_all(api, payment, method):
    body = webhook_body(payment.gateway_reference)

    answers = [post_webhook(api, method.id, body, headers_for(body)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert WebhookEvent.objects.get().body.encode() == body


def test_webhook_keeps_the_body_as_it_came(api, payment, method):
    body = b'{ "data":{"object":{"object":"payment",  "id":"pay_1"}},"type":"t","id":"evt_1" }\n'

    assert post_webhook(api, method.id, body, headers_for(body)).status_code == 200
    assert WebhookEvent.objects.get().body == body.decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "evt_1", "webhook-timestamp": "1", "webhook-signature": "v1,Zm9yZ2Vk"},
        {"webhook-id": "\xe9", "webhook-timestamp": "\xe9", "webhook-signature": "v1,\xe9"},
    ],
)
def test_webhook_without_a_valid_signature_is_400(api, payment, method, headers):
    """Never 200."""
    answer = post_webhook(api, method.id, webhook_body(payment.gateway_reference), headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize("method_id", [uuid7(), "not-an-id"])
def test_webhook_for_an_unknown_method_is_404(api, method, method_id):
    body = webhook_body("pay_1")

    assert post_webhook(api, method_id, body, headers_for(body)).status_code == 404


@pytest.mark.parametrize("size", [256 * 1024 + 1, 3_000_000])
def test_webhook_with_a_huge_body_is_413(api, method, size):
    body = b" " * size

    answer = post_webhook(api, method.id, body, headers_for(body))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_webhook_with_a_body_at_the_limit_is_read(api, method):
    body = webhook_body("pay_1", filler="x" * (256 * 1024 - 200))
    body += b" " * (256 * 1024 - len(body))

    assert post_webhook(api, method.id, body, headers_for(body)).status_code == 200


def test_webhook_with_a_huge_body_in_chunks_is_413(method):
    """ASGI, no Content-Length."""
    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    request = ASGIRequest(scope, BytesIO(b" " * (256 * 1024 + 1)))

    answer = WebhookView.as_view()(request, payment_method_id=method.id)

    assert answer.status_code == 413
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    ("word", "landing"),
    [
        ("succeeded", (BACK, "succeeded")),
        ("pending", (BACK, "pending")),
        ("failed", (CANCEL, "failed")),
        ("canceled", (CANCEL, "failed")),
        ("expired", (CANCEL, "expired")),
    ],
)
def test_return_asks_the_gateway_and_sends_the_browser_on(api, payment, gateway, word, landing):
    address, status = landing
    gateway.move(word)

    answer = api.get(f"/api/payments/return/{payment.id}")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{address}?payment_id={payment.id}&status={status}"


def test_return_believes_nothing_that_the_browser_says(api, payment):
    answer = api.get(
        f"/api/payments/return/{payment.id}",
        {"status": "succeeded", "return_url": "https://evil.example/", "reference": "other"},
    )

    assert answer.headers["Location"] == f"{BACK}?payment_id={payment.id}&status=pending"


@pytest.mark.usefixtures("impatient")
def test_return_while_the_gateway_is_silent_sends_the_browser_on(api, payment, gateway):
    gateway.faults = [faults.hang]

    answer = api.get(f"/api/payments/return/{payment.id}")

    assert answer.headers["Location"] == f"{BACK}?payment_id={payment.id}&status=pending"


def test_return_keeps_the_query_and_fragment_of_the_address(api, user, method):
    order = make_order(method=method, return_url=f"{BACK}?package_id=7&empty=#top")
    payment = start_checkout(user=user, order=order, idempotency_key="key")

    answer = api.get(f"/api/payments/return/{payment.id}")

    assert (
        answer.headers["Location"]
        == f"{BACK}?package_id=7&empty=&payment_id={payment.id}&status=pending#top"
    )


@pytest.mark.parametrize("payment_id", [uuid7(), "not-an-id"])
def test_return_for_an_unknown_payment_is_404(api, db, payment_id):
    assert api.get(f"/api/payments/return/{payment_id}").status_code == 404
