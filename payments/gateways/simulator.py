"""The simulator: a payment service provider that we run ourselves, reached like any other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

from common.errors import Invalid
from payments.enums import PaymentStatus
from payments.gateways import http, standard_webhooks
from payments.gateways.base import (
    CheckoutRequest,
    GatewayPayment,
    GatewayProtocolError,
    GatewayRefused,
    InvalidSignature,
    WebhookMessage,
    without_card_numbers,
)

_STATUSES = {
    "pending": PaymentStatus.PENDING,
    "requires_action": PaymentStatus.REQUIRES_ACTION,
    "succeeded": PaymentStatus.SUCCEEDED,
    "failed": PaymentStatus.FAILED,
    "canceled": PaymentStatus.FAILED,
    "expired": PaymentStatus.EXPIRED,
    "partially_refunded": PaymentStatus.SUCCEEDED,
    "refunded": PaymentStatus.SUCCEEDED,
}
_MODES = {"test": True, "live": False}
_ID_MAX_LENGTH = 100
_ADDRESS_MAX_LENGTH = 1000


@dataclass(frozen=True, kw_only=True)
class SimulatorGateway:
    """Implements ``Gateway`` with one merchant's credentials."""

    base_url: str
    secret_key: str
    webhook_secret: str

    @classmethod
    def from_credentials(cls, credentials: Mapping[str, str], *, is_test: bool) -> Self:
        """Check what can be checked without a call.

        Raises:
            Invalid: a credential cannot work; names it, never shows it.
        """
        if not is_test:
            raise Invalid("The simulator takes test money only.", field="is_test")
        if not http.is_address(credentials["base_url"]):
            raise Invalid("Give an http or https address.", field="base_url")
        if not credentials["secret_key"].startswith("sk_test_"):
            raise Invalid("A key of the simulator begins with sk_test_.", field="secret_key")
        try:
            standard_webhooks.signing_key(credentials["webhook_secret"])
        except ValueError as error:
            raise Invalid(str(error), field="webhook_secret") from error
        return cls(**credentials)

    def create_checkout(self, request: CheckoutRequest) -> GatewayPayment:
        answer = http.call(
            "POST",
            self._url("/v1/payments"),
            headers={**self._headers(), "Idempotency-Key": str(request.payment_id)},
            json={
                "amount": request.amount_minor,
                "currency": request.currency,
                "reference": str(request.payment_id),
                "description": request.description,
                "customer_email": request.customer_email,
                "return_url": request.return_url,
                "cancel_url": request.cancel_url,
            },
        )
        if answer.status in http.CLIENT_ERRORS:
            raise _refusal(answer)
        return _payment(answer.content)

    def fetch_payment(
        self, *, gateway_reference: str | None, payment_id: UUID
    ) -> GatewayPayment | None:
        if gateway_reference is None:
            return self._find(payment_id)
        url = self._url(f"/v1/payments/{quote(gateway_reference, safe='')}")
        answer = http.call("GET", url, headers=self._headers())
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status in http.CLIENT_ERRORS:
            raise _refusal(answer)
        return _payment(answer.content)

    def _find(self, payment_id: UUID) -> GatewayPayment | None:
        answer = http.call(
            "GET",
            self._url("/v1/payments"),
            headers=self._headers(),
            params={"reference": str(payment_id)},
        )
        if answer.status in http.CLIENT_ERRORS:
            raise _refusal(answer)
        results = answer.content.get("results")
        if not isinstance(results, list):
            raise GatewayProtocolError("The payment gateway's list is not a list.")
        return _payment(results[0]) if results else None

    def parse_webhook(
        self, *, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> WebhookMessage:
        standard_webhooks.verify(secret=self.webhook_secret, headers=headers, body=body, now=now)
        try:
            event = json.loads(body)
            subject = event["data"]["object"]
            of_payment = subject["object"] == "payment"
            message = WebhookMessage(
                event_id=_identifier(event["id"]),
                event_type=_identifier(event["type"]),
                gateway_reference=_identifier(subject["id" if of_payment else "payment"]),
                headers={name: headers[name] for name in standard_webhooks.HEADERS},
            )
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidSignature("The webhook is signed, but cannot be read.") from error
        if message.event_id != headers["webhook-id"]:
            raise InvalidSignature("The webhook's id and body are of different events.")
        return message

    def _url(self, path: str) -> str:
        return self.base_url.rstrip("/") + path

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret_key}"}


def _refusal(answer: http.Answer) -> GatewayRefused:
    reason = str(answer.content.get("code") or f"http_{answer.status}")
    return GatewayRefused(
        "The payment gateway refused the request.",
        reason=without_card_numbers(reason, limit=50),
    )


def _payment(content: Any) -> GatewayPayment:
    try:
        failure = content["failure"] or {}
        return GatewayPayment(
            gateway_reference=_identifier(content["id"]),
            reference=_text(content["reference"]),
            amount_minor=_amount(content["amount"]),
            currency=_text(content["currency"]),
            is_test=_MODES[content["mode"]],
            status=_STATUSES[content["status"]],
            gateway_status=content["status"],
            amount_refunded_minor=_amount(content["amount_refunded"]),
            failure_code=_failure(content["status"], failure.get("code", ""), limit=50),
            failure_message=without_card_numbers(_text(failure.get("message", "")), limit=200),
            checkout_url=_web_address(content["checkout_url"]),
            expires_at=_moment(content["expires_at"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GatewayProtocolError("The payment gateway's answer is not a payment.") from error


def _failure(status: str, code: Any, *, limit: int) -> str:
    return without_card_numbers(_text(code), limit=limit) or (
        "canceled" if status == "canceled" else ""
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _identifier(value: Any) -> str:
    if not _text(value) or len(value) > _ID_MAX_LENGTH or not value.isprintable():
        raise ValueError("not an identifier")
    return str(value)


def _amount(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("not an amount of minor units")
    return value


def _web_address(value: Any) -> str:
    if not http.is_address(_text(value)) or len(value) > _ADDRESS_MAX_LENGTH:
        raise ValueError("not a web address")
    return str(value)


def _moment(value: Any) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at
