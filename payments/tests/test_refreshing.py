"""Asking the gateway, and settling by its answer."""

from datetime import timedelta

import pytest

from common import clock
from common.errors import NotFound
from common.ids import uuid7
from payments.enums import EventSource, SettlementResult
from payments.gateways.base import GatewayRefused, GatewayUnavailable
from payments.services.settlement import refresh_payment
from payments.tests import crooked_gateway as faults
from payments.tests.factories import NOW, make_payment

pytestmark = pytest.mark.django_db


def test_refresh_asks_the_gateway_and_settles_by_its_answer(payment, gateway):
    gateway.move("succeeded")

    with clock.frozen(NOW):
        result = refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert result == SettlementResult.MOVED
    assert (payment.status, payment.checked_at) == ("succeeded", NOW)
    assert gateway.calls[-1][:2] == ("GET", f"/v1/payments/{payment.gateway_reference}")


def test_refresh_before_the_gateways_id_is_known_finds_the_payment_by_ours(method, gateway):
    payment = make_payment(status="initiated", method=method)
    gateway.create("key", {"amount": 1000, "currency": "USD", "reference": str(payment.id)})

    refresh_payment(payment_id=payment.id, source=EventSource.RECONCILIATION)

    payment.refresh_from_db()
    assert payment.status == "pending"
    assert payment.gateway_reference == next(iter(gateway.payments))
    assert payment.checkout_url.startswith(gateway.base_url)


@pytest.mark.parametrize("status", ["initiated", "pending"])
def test_refresh_of_a_payment_that_the_gateway_does_not_have_changes_nothing(method, status):
    """Asking before paying fails nobody's payment."""
    payment = make_payment(status=status, method=method)

    result = refresh_payment(payment_id=payment.id, source=EventSource.STATUS_QUERY)

    payment.refresh_from_db()
    assert result == SettlementResult.UNCHANGED
    assert (payment.status, payment.version) == (status, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.hang, GatewayUnavailable),
        (faults.html, GatewayUnavailable),
        (faults.answers(401, {"code": "not_authenticated"}), GatewayRefused),
    ],
)
def test_refresh_without_a_usable_answer_changes_nothing(payment, gateway, fault, error):
    gateway.move("succeeded")
    gateway.faults = [fault]

    with pytest.raises(error):
        refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("pending", 2)


def test_refresh_of_an_unknown_payment_is_refused():
    with pytest.raises(NotFound):
        refresh_payment(payment_id=uuid7(), source=EventSource.WEBHOOK)


def test_refresh_looks_again_right_after_the_gateway_closes_the_checkout(payment, gateway):
    closes_at = payment.created_at + timedelta(hours=3)
    gateway.move("requires_action")
    gateway.lies = {"expires_at": closes_at.isoformat()}

    with clock.frozen(payment.created_at + timedelta(hours=2)):
        refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert payment.next_check_at == closes_at + timedelta(minutes=1)
