"""Signatures of Standard Webhooks 1.0.0 (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
MIN_SECRET_BYTES = 24
NEW_SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_SECRET_BYTES)).decode()


def signing_key(secret: str) -> bytes:
    """Decode ``secret``.

    Raises:
        ValueError: it is not "whsec_" and the base64 of at least 24 bytes.
    """
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError("A webhook secret is whsec_ and base64.") from error
    if encoded == secret or len(key) < MIN_SECRET_BYTES:
        raise ValueError(f"A webhook secret is whsec_ and at least {MIN_SECRET_BYTES} bytes.")
    return key


def sign(*, secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Make the value of the ``webhook-signature`` header.

    Args:
        timestamp: of this attempt, in Unix seconds.
    """
    message = f"{event_id}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), message, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
