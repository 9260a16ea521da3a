"""Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from payments.gateways.base import InvalidSignature

TOLERANCE_SECONDS = 300
MIN_KEY_BYTES = 24
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_PREFIX = "whsec_"


def signing_key(secret: str) -> bytes:
    """Decode the bytes that ``secret`` stands for.

    Raises:
        ValueError: it is not "whsec_" and the base64 of at least 24 bytes.
    """
    if not secret.startswith(_PREFIX):
        raise ValueError("A webhook secret begins with whsec_.")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("A webhook secret is base64 after whsec_.") from error
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"A webhook secret has at least {MIN_KEY_BYTES} bytes.")
    return key


def verify(*, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check that the holder of ``secret`` signed this body in the last five minutes.

    While a sender changes its secret it signs with both, in one header; one
    signature that holds is enough. Without a sound secret nothing holds.

    Raises:
        InvalidSignature: no signature holds, or its time is off by more than 300 seconds.
    """
    message_id, timestamp, signatures = (headers.get(name, "") for name in HEADERS)
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > len("9" * 12):
        raise InvalidSignature("The webhook carries no valid timestamp.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature("The webhook's timestamp is too far from now.")
    try:
        key = signing_key(secret)
    except ValueError as error:
        raise InvalidSignature("The webhook cannot be verified.") from error
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    if not any(
        hmac.compare_digest(expected, candidate.encode()) for candidate in signatures.split()
    ):
        raise InvalidSignature("The webhook's signature does not hold.")
