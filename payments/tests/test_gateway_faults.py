"""Gateways that are slow, broken or make no sense prove nothing."""

import pytest

from payments.gateways import http
from payments.gateways.base import GatewayProtocolError, GatewayUnavailable
from payments.gateways.simulator import SimulatorGateway
from payments.tests import crooked_gateway as faults
from payments.tests.factories import CREDENTIALS
from payments.tests.gateway_calls import PAYMENT_ID, REQUEST, fetch


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
    """HTML with 200, unknown words, wrong types."""
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
