from datetime import UTC, datetime
from uuid import UUID

import pytest

from common.errors import Invalid
from payments.enums import PaymentStatus
from payments.gateways import http
from payments.gateways.base import (
    CheckoutRequest,
    GatewayPayment,
    GatewayProtocolError,
    GatewayRefused,
    GatewayUnavailable,
    without_card_numbers,
)
from payments.gateways.registry import gateway_with
from payments.gateways.simulator import SimulatorGateway
from payments.tests import crooked_gateway as faults
from payments.tests.crooked_gateway import SECRET_KEY, WEBHOOK_SECRET

PAYMENT_ID = UUID("01900000-0000-7000-8000-000000000001")
REQUEST = CheckoutRequest(
    payment_id=PAYMENT_ID,
    amount_minor=1250,
    currency="USD",
    description="Pro, Monthly",
    customer_email="ada@example.com",
    return_url="http://localhost:8000/back",
    cancel_url="http://localhost:8000/back",
)
CREDENTIALS = {
    "base_url": "http://localhost:8001",
    "secret_key": SECRET_KEY,
    "webhook_secret": WEBHOOK_SECRET,
}


def fetch(adapter, gateway):
    (reference,) = gateway.payments
    return adapter.fetch_payment(gateway_reference=reference, payment_id=PAYMENT_ID)


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
    assert gateway.calls == [
        (
            "POST",
            "/v1/payments",
            str(PAYMENT_ID),
            {
                "amount": 1250,
                "currency": "USD",
                "reference": str(PAYMENT_ID),
                "description": "Pro, Monthly",
                "customer_email": "ada@example.com",
                "return_url": "http://localhost:8000/back",
                "cancel_url": "http://localhost:8000/back",
            },
        )
    ]


@pytest.mark.parametrize("fault", [faults.server_error, faults.hang_up])
def test_create_checkout_after_two_quick_faults_opens_one_checkout(adapter, gateway, fault):
    gateway.faults = [fault, fault]

    adapter.create_checkout(REQUEST)

    assert len(gateway.payments) == 1
    assert [call[2] for call in gateway.calls] == [str(PAYMENT_ID)] * 3


@pytest.mark.usefixtures("impatient")
def test_create_checkout_repeated_after_a_lost_answer_opens_no_second_one(adapter, gateway):
    gateway.faults = [faults.charge_and_hang]
    with pytest.raises(GatewayUnavailable):
        adapter.create_checkout(REQUEST)

    adapter.create_checkout(REQUEST)

    assert len(gateway.payments) == 1


def test_create_checkout_with_three_quick_faults_is_unavailable(adapter, gateway):
    gateway.faults = [faults.server_error] * 3

    with pytest.raises(GatewayUnavailable):
        adapter.create_checkout(REQUEST)

    assert len(gateway.calls) == 3


@pytest.mark.usefixtures("impatient")
def test_retries_stop_when_no_time_is_left(adapter, gateway, monkeypatch):
    monkeypatch.setattr(http, "PAUSES_SECONDS", (5, 5))
    gateway.faults = [faults.server_error] * 3

    with pytest.raises(GatewayUnavailable):
        adapter.create_checkout(REQUEST)

    assert len(gateway.calls) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [faults.hang, faults.drip])
def test_an_answer_that_does_not_come_in_time_proves_nothing_and_is_not_asked_again(
    adapter, gateway, fault
):
    """Trust test 30; W40."""
    adapter.create_checkout(REQUEST)
    gateway.faults = [fault]
    gateway.calls.clear()

    with pytest.raises(GatewayUnavailable):
        fetch(adapter, gateway)

    assert len(gateway.calls) == 1


@pytest.mark.parametrize(
    "fault",
    [
        faults.html,
        faults.redirect,
        faults.flood,
        faults.answers(200, []),
        faults.answers(200, {}),
        faults.lying(status="paid?"),
        faults.lying(amount="1250"),
        faults.lying(amount=12.5),
        faults.lying(amount=True),
        faults.lying(amount=-1),
        faults.lying(mode="sandbox"),
        faults.lying(id=""),
        faults.lying(id="p" * 101),
        faults.lying(id="pay\x00"),
        faults.lying(currency=None),
        faults.lying(failure="declined"),
        faults.lying(checkout_url="javascript:alert(1)"),
        faults.lying(checkout_url="http://localhost:port"),
        faults.lying(checkout_url="http://host/" + "x" * 1000),
        faults.lying(expires_at="soon"),
        faults.lying(expires_at="2026-01-01T00:00:00"),
    ],
)
def test_an_answer_that_makes_no_sense_proves_nothing(adapter, gateway, fault):
    """Trust test 30: HTML with 200, unknown words, wrong types."""
    adapter.create_checkout(REQUEST)
    gateway.faults = [fault]

    with pytest.raises(GatewayProtocolError):
        fetch(adapter, gateway)


def test_an_answer_of_nested_brackets_proves_nothing(adapter, gateway):
    adapter.create_checkout(REQUEST)
    gateway.faults = [lambda handler, _: handler.send(200, b"[" * 100_000, "application/json")]

    with pytest.raises(GatewayProtocolError):
        fetch(adapter, gateway)


def test_an_answer_that_cannot_be_decoded_proves_nothing(adapter, gateway):
    adapter.create_checkout(REQUEST)
    gateway.faults = [
        lambda handler, _: handler.send(200, b"not gzip", **{"Content-Encoding": "gzip"})
    ]

    with pytest.raises(GatewayProtocolError):
        fetch(adapter, gateway)


@pytest.mark.parametrize("status", [409, 429])
def test_an_answer_of_not_now_is_unavailable(adapter, gateway, status):
    gateway.faults = [faults.answers(status, {"code": "busy"})]

    with pytest.raises(GatewayUnavailable):
        adapter.create_checkout(REQUEST)


def test_a_gateway_that_is_not_there_is_unavailable(settings):
    settings.GATEWAY_TIMEOUT_SECONDS = 2
    adapter = SimulatorGateway(**{**CREDENTIALS, "base_url": "http://127.0.0.1:9"})

    with pytest.raises(GatewayUnavailable):
        adapter.create_checkout(REQUEST)


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
    ("change", "is_test", "field"),
    [
        ({"base_url": "ftp://localhost"}, True, "base_url"),
        ({"base_url": "localhost"}, True, "base_url"),
        ({"base_url": "http://"}, True, "base_url"),
        ({"base_url": "http://local\x00host"}, True, "base_url"),
        ({"secret_key": "sk_live_1"}, True, "secret_key"),
        ({"secret_key": ""}, True, "secret_key"),
        ({"webhook_secret": ""}, True, "webhook_secret"),
        ({"webhook_secret": "plain-word"}, True, "webhook_secret"),
        ({"webhook_secret": "whsec_c2hvcnQ="}, True, "webhook_secret"),
        ({"webhook_secret": "whsec_%%%"}, True, "webhook_secret"),
        ({"api_key": "1"}, True, "api_key"),
        ({}, False, "is_test"),
    ],
)
def test_credentials_that_cannot_work_are_refused_by_name(change, is_test, field):
    """W45; trust test 20: an empty secret fails closed."""
    with pytest.raises(Invalid) as caught:
        gateway_with(value="simulator", is_test=is_test, credentials=CREDENTIALS | change)

    assert caught.value.field == field
    assert not any(value and value in caught.value.message for value in change.values())


def test_credentials_with_one_missing_are_refused_by_name():
    with pytest.raises(Invalid) as caught:
        gateway_with(value="simulator", is_test=True, credentials={"base_url": "http://localhost"})

    assert caught.value.field == "secret_key"


def test_credentials_that_work_make_the_adapter():
    assert gateway_with(
        value="simulator", is_test=True, credentials=CREDENTIALS
    ) == SimulatorGateway(**CREDENTIALS)


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
