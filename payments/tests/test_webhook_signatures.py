import base64
import json
from datetime import timedelta
from functools import partial

import pytest

from payments.gateways.base import InvalidSignature, WebhookMessage
from payments.gateways.simulator import SimulatorGateway
from payments.tests import signing
from payments.tests.crooked_gateway import SECRET_KEY, WEBHOOK_SECRET
from payments.tests.factories import NOW

OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret of 24 bytes or more").decode()
EVENT = {
    "id": "evt_1",
    "type": "payment.succeeded",
    "created_at": "2026-03-01T12:00:00Z",
    "data": {"object": {"id": "pay_1", "object": "payment"}},
}
ADAPTER = SimulatorGateway(
    base_url="http://localhost", secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET
)


signature = partial(signing.signature, at=NOW)
headers_for = partial(signing.headers_for, at=NOW)


def parse(body, headers):
    return ADAPTER.parse_webhook(headers=headers, body=body, now=NOW)


def test_parse_webhook_that_is_signed_says_where_to_look():
    body = json.dumps(EVENT).encode()
    headers = headers_for(body)

    assert parse(body, {**headers, "cookie": "c"}) == WebhookMessage(
        event_id="evt_1",
        event_type="payment.succeeded",
        gateway_reference="pay_1",
        headers=headers,
    )


def test_parse_webhook_of_a_refund_names_its_payment():
    refund = {"id": "re_1", "object": "refund", "payment": "pay_9"}
    body = json.dumps(EVENT | {"data": {"object": refund}}).encode()

    assert parse(body, headers_for(body)).gateway_reference == "pay_9"


def test_parse_webhook_signed_with_both_secrets_during_rotation_holds():
    body = json.dumps(EVENT).encode()
    headers = headers_for(body)
    headers["webhook-signature"] = f"{signature(body, secret=OTHER_SECRET)} {signature(body)}"

    assert parse(body, headers).event_id == "evt_1"


@pytest.mark.parametrize("off_by", [-300, 300])
def test_parse_webhook_at_the_edge_of_the_tolerance_holds(off_by):
    body = json.dumps(EVENT).encode()

    assert parse(body, headers_for(body, at=NOW + timedelta(seconds=off_by))).event_id == "evt_1"


@pytest.mark.parametrize("off_by", [-301, 301])
def test_parse_webhook_outside_the_tolerance_is_refused(off_by):
    body = json.dumps(EVENT).encode()

    with pytest.raises(InvalidSignature):
        parse(body, headers_for(body, at=NOW + timedelta(seconds=off_by)))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,Zm9yZ2Vk"},
        {"webhook-signature": "v1,\xe9"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "\u0663"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-1"},
        {"webhook-id": "evt_2"},
    ],
)
def test_parse_webhook_with_a_forged_header_is_refused(change):
    body = json.dumps(EVENT).encode()

    with pytest.raises(InvalidSignature):
        parse(body, headers_for(body) | change)


def test_parse_webhook_without_headers_is_refused():
    with pytest.raises(InvalidSignature):
        parse(json.dumps(EVENT).encode(), {})


def test_parse_webhook_of_another_merchant_is_refused():
    body = json.dumps(EVENT).encode()

    with pytest.raises(InvalidSignature):
        parse(body, headers_for(body, secret=OTHER_SECRET))


def test_parse_webhook_with_a_changed_body_is_refused():
    body = json.dumps(EVENT).encode()

    with pytest.raises(InvalidSignature):
        parse(body.replace(b"pay_1", b"pay_2"), headers_for(body))


@pytest.mark.parametrize("secret", ["", "whsec_", "none"])
def test_parse_webhook_without_a_sound_secret_is_refused(secret):
    """An empty secret fails closed."""
    body = json.dumps(EVENT).encode()
    adapter = SimulatorGateway(
        base_url="http://localhost", secret_key=SECRET_KEY, webhook_secret=secret
    )

    with pytest.raises(InvalidSignature):
        adapter.parse_webhook(headers=headers_for(body), body=body, now=NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps(EVENT | {"id": ""}).encode(),
        json.dumps(EVENT | {"type": 5}).encode(),
        json.dumps(EVENT | {"id": "evt_\x00"}).encode(),
        json.dumps(EVENT | {"data": None}).encode(),
        json.dumps(EVENT | {"data": {"object": {"object": "payment"}}}).encode(),
        json.dumps(EVENT | {"data": {"object": {"object": "refund", "id": "re_1"}}}).encode(),
        json.dumps(EVENT | {"id": "evt_2"}).encode(),
    ],
)
def test_parse_webhook_that_is_signed_but_unreadable_is_refused(body):
    with pytest.raises(InvalidSignature):
        parse(body, headers_for(body))
