from datetime import UTC, datetime

import pytest

from payments.enums import PaymentStatus
from payments.gateways.base import (
    GatewayPayment,
    GatewayProtocolError,
    GatewayRefused,
    without_card_numbers,
)
from payments.tests import crooked_gateway as faults
from payments.tests.gateway_calls import PAYMENT_ID, REQUEST, fetch


def test_create_checkout_sends_the_payment_once_under_its_own_id(adapter, gateway):
    opened = adapter.create_checkout(REQUEST)

    (reference,) = gateway.payments
    assert opened == GatewayPayment(
        gateway_reference=reference,
        reference=str(PAYMENT_ID),
        amount_minor=1250,
        currency="USD",
        is_test=True,
        status=PaymentStatus.PENDING,
        gateway_status="pending",
        checkout_url=f"{gateway.base_url}/checkout/{reference}?token=t",
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    )
    ((method, path, key, body),) = gateway.calls
    assert (method, path, key) == ("POST", "/v1/payments", str(PAYMENT_ID))
    assert body == {
        "amount": 1250,
        "currency": "USD",
        "reference": str(PAYMENT_ID),
        "description": "Pro, Monthly",
        "customer_email": "ada@example.com",
        "return_url": "http://localhost:8000/back",
        "cancel_url": "http://localhost:8000/back",
    }


def test_create_checkout_that_is_refused_names_the_gateways_code(adapter, gateway):
    gateway.faults = [faults.answers(422, {"code": "amount_too_large", "detail": "No."})]

    with pytest.raises(GatewayRefused) as caught:
        adapter.create_checkout(REQUEST)

    assert caught.value.context == {"reason": "amount_too_large"}


def test_create_checkout_that_is_refused_without_words_names_the_status(adapter, gateway):
    gateway.faults = [lambda handler, _: handler.send(401, b"go away")]

    with pytest.raises(GatewayRefused) as caught:
        adapter.create_checkout(REQUEST)

    assert caught.value.context == {"reason": "http_401"}


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("pending", PaymentStatus.PENDING, ""),
        ("requires_action", PaymentStatus.REQUIRES_ACTION, ""),
        ("succeeded", PaymentStatus.SUCCEEDED, ""),
        ("failed", PaymentStatus.FAILED, ""),
        ("canceled", PaymentStatus.FAILED, "canceled"),
        ("expired", PaymentStatus.EXPIRED, ""),
        ("partially_refunded", PaymentStatus.SUCCEEDED, ""),
        ("refunded", PaymentStatus.SUCCEEDED, ""),
    ],
)
def test_fetch_payment_translates_the_gateways_words(adapter, gateway, word, status, code):
    adapter.create_checkout(REQUEST)
    gateway.move(word)

    found = fetch(adapter, gateway)

    assert (found.status, found.gateway_status, found.failure_code) == (status, word, code)


def test_fetch_payment_reports_a_decline_without_card_numbers(adapter, gateway):
    adapter.create_checkout(REQUEST)
    gateway.move(
        "failed",
        failure={
            "code": "card_declined",
            "message": "Card 4242 4242 4242 4242 \x00\ud800 declined.",
        },
    )

    found = fetch(adapter, gateway)

    assert (found.failure_code, found.failure_message) == (
        "card_declined",
        "Card [number] ? declined.",
    )


def test_fetch_payment_by_our_id_finds_what_was_created_unheard(adapter, gateway):
    adapter.create_checkout(REQUEST)

    found = adapter.fetch_payment(gateway_reference=None, payment_id=PAYMENT_ID)

    assert found.gateway_reference == next(iter(gateway.payments))


@pytest.mark.parametrize("reference", [None, "pay_unknown"])
def test_fetch_payment_that_the_gateway_does_not_have_is_none(adapter, reference):
    assert adapter.fetch_payment(gateway_reference=reference, payment_id=PAYMENT_ID) is None


@pytest.mark.parametrize("reference", [None, "pay_1"])
def test_fetch_payment_with_a_key_that_opens_nothing_is_refused(adapter, gateway, reference):
    gateway.faults = [faults.answers(401, {"code": "not_authenticated"})]

    with pytest.raises(GatewayRefused):
        adapter.fetch_payment(gateway_reference=reference, payment_id=PAYMENT_ID)


def test_fetch_payment_from_a_list_that_is_none_proves_nothing(adapter, gateway):
    gateway.faults = [faults.answers(200, {"results": "none"})]

    with pytest.raises(GatewayProtocolError):
        adapter.fetch_payment(gateway_reference=None, payment_id=PAYMENT_ID)


def test_fetch_payment_escapes_the_reference(adapter, gateway):
    adapter.fetch_payment(gateway_reference="../refunds?x", payment_id=PAYMENT_ID)

    assert gateway.calls[0][1] == "/v1/payments/..%2Frefunds%3Fx"


def test_evidence_holds_no_address_and_no_message():
    payment = GatewayPayment(
        gateway_reference="pay_1",
        reference="r",
        amount_minor=5,
        currency="USD",
        is_test=True,
        status=PaymentStatus.FAILED,
        gateway_status="failed",
        failure_code="card_declined",
        failure_message="The card was declined.",
        checkout_url="http://localhost/checkout?token=secret",
    )

    assert payment.evidence() == {
        "gateway_reference": "pay_1",
        "reference": "r",
        "amount_minor": 5,
        "currency": "USD",
        "is_test": True,
        "gateway_status": "failed",
        "amount_refunded_minor": 0,
        "failure_code": "card_declined",
    }


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("4242424242424242", "[number]"),
        ("3782-822463-10005", "[number]"),
        ("order 12345", "order 12345"),
    ],
)
def test_without_card_numbers_blots_out_card_numbers_only(text, clean):
    assert without_card_numbers(text, limit=50) == clean
