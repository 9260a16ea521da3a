"""Signs webhooks as a gateway does."""

import base64
import hashlib
import hmac
import json

from common import clock
from payments.tests.crooked_gateway import WEBHOOK_SECRET


def signature(body, *, event_id="evt_1", at=None, secret=WEBHOOK_SECRET):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = f"{event_id}.{int((at or clock.now()).timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def headers_for(body, *, event_id="evt_1", at=None, secret=WEBHOOK_SECRET):
    at = at or clock.now()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature(body, event_id=event_id, at=at, secret=secret),
    }


def webhook_body(gateway_reference, *, kind="payment.succeeded", event_id="evt_1", **claims):
    """What the gateway claims is never believed, so it may claim anything."""
    subject = {"id": gateway_reference, "object": "payment"} | claims
    return json.dumps({"id": event_id, "type": kind, "data": {"object": subject}}).encode()
