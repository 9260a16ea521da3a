"""HTTP to gateways: bounded in time and size, repeated only where a repeat is harmless."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from json import loads
from typing import Any

import httpx
from django.conf import settings

from payments.gateways.base import GatewayProtocolError, GatewayUnavailable

PAUSES_SECONDS = (0.2, 0.6)  # before the second and the third attempt
MAX_ANSWER_BYTES = 1_048_576
CLIENT_ERRORS = range(400, 500)
TOO_EARLY = frozenset({408, 409, 425, 429})  # "not now": says nothing about the payment


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    content: dict[str, Any]


def is_address(text: str) -> bool:
    """Whether ``text`` is an absolute http or https address."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


class _Fault(Exception):
    """An attempt failed fast; the next one may do better."""


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str] | None = None,
    json: Mapping[str, Any] | None = None,
) -> Answer:
    """One request to a gateway, tried up to three times in GATEWAY_TIMEOUT_SECONDS altogether.

    Everything sent here must be safe to repeat: a read, or a write under an
    idempotency key. A timeout is not tried again; the caller's schedule does that.

    Returns:
        A JSON answer that succeeded, or that refuses (4xx).

    Raises:
        GatewayUnavailable: no connection, no answer in time, 5xx, or "not now".
        GatewayProtocolError: an answer that is not a JSON object.
    """
    deadline = time.monotonic() + settings.GATEWAY_TIMEOUT_SECONDS
    request = httpx.Request(method, url, headers=dict(headers), params=params, json=json)
    for pause in (*PAUSES_SECONDS, None):
        try:
            return _attempt(request, deadline)
        except _Fault as fault:
            if pause is None or time.monotonic() + pause >= deadline:
                raise GatewayUnavailable("The payment gateway does not answer.") from fault
            time.sleep(pause)
    raise AssertionError  # pragma: no cover -- the last round returns or raises


def _attempt(request: httpx.Request, deadline: float) -> Answer:
    remaining = max(0.001, deadline - time.monotonic())
    try:
        with httpx.Client(timeout=remaining) as client:
            response = client.send(request, stream=True)
            try:
                body = _read(response, deadline)
            finally:
                response.close()
    except httpx.TimeoutException as error:
        raise GatewayUnavailable("The payment gateway did not answer in time.") from error
    except httpx.DecodingError as error:
        raise GatewayProtocolError("The payment gateway's answer cannot be decoded.") from error
    except httpx.TransportError as error:
        raise _Fault from error
    if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise _Fault(f"HTTP {response.status_code}")
    if response.status_code in TOO_EARLY:
        raise GatewayUnavailable("The payment gateway asks us to come back later.")
    return _understood(response, body)


def _read(response: httpx.Response, deadline: float) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise GatewayProtocolError("The payment gateway's answer has no end.")
        if time.monotonic() > deadline:
            raise GatewayUnavailable("The payment gateway did not answer in time.")
    return body


def _understood(response: httpx.Response, body: bytes) -> Answer:
    refused = response.status_code in CLIENT_ERRORS
    if not refused and not response.is_success:
        raise GatewayProtocolError("The payment gateway sent us elsewhere.")
    try:
        content = loads(body)
    except (ValueError, RecursionError) as error:
        if refused:
            return Answer(status=response.status_code, content={})
        raise GatewayProtocolError("The payment gateway's answer is not JSON.") from error
    if not isinstance(content, dict):
        raise GatewayProtocolError("The payment gateway's answer is not an object.")
    return Answer(status=response.status_code, content=content)
