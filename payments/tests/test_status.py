from datetime import timedelta

import pytest

from common import clock
from common.errors import NotFound
from common.ids import uuid7
from payments.services.status import come_back, look_again
from payments.tests import crooked_gateway as faults
from payments.tests.factories import NOW, make_payment

pytestmark = pytest.mark.django_db


def test_look_again_asks_the_gateway_and_settles(payment, gateway):
    gateway.move("succeeded")

    found = look_again(payment_id=payment.id)

    assert found.status == "succeeded"
    assert found.events.get(version=3).source == "status_query"


def test_look_again_within_five_seconds_asks_once(payment, gateway):
    gateway.calls.clear()

    with clock.frozen(NOW):
        look_again(payment_id=payment.id)
        clock.advance(timedelta(seconds=4))
        look_again(payment_id=payment.id)
        assert len(gateway.calls) == 1
        clock.advance(timedelta(seconds=1))
        look_again(payment_id=payment.id)

    assert len(gateway.calls) == 2


@pytest.mark.parametrize("status", ["succeeded", "failed", "expired"])
def test_look_again_at_a_closed_payment_asks_nobody(method, gateway, status):
    payment = make_payment(status=status, method=method)

    assert look_again(payment_id=payment.id).status == status
    assert gateway.calls == []


def test_look_again_before_paying_fails_nothing(payment):
    assert look_again(payment_id=payment.id).status == "pending"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [faults.hang, faults.answers(401, {})])
@pytest.mark.parametrize("act", [look_again, come_back])
def test_a_customer_who_waits_is_told_what_we_know_while_the_gateway_is_silent(
    payment, gateway, act, fault
):
    gateway.faults = [fault]

    assert act(payment_id=payment.id).status == "pending"


def test_come_back_asks_the_gateway_and_settles(payment, gateway):
    """A redirect is a reason to ask, never an answer."""
    gateway.move("succeeded")

    found = come_back(payment_id=payment.id)

    assert found.status == "succeeded"
    assert found.events.get(version=3).source == "return"


def test_come_back_without_having_paid_settles_nothing(payment):
    assert come_back(payment_id=payment.id).status == "pending"


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_come_back_to_a_closed_payment_hears_of_late_success(method, gateway, status):
    payment = make_payment(status=status, method=method, gateway_reference=None)
    gateway.create("key", {"amount": 1000, "currency": "USD", "reference": str(payment.id)})
    gateway.move("succeeded")

    assert come_back(payment_id=payment.id).status == "succeeded"


def test_come_back_to_a_payment_that_succeeded_asks_nobody(method, gateway):
    payment = make_payment(status="succeeded", method=method)

    come_back(payment_id=payment.id)

    assert gateway.calls == []


@pytest.mark.parametrize("act", [look_again, come_back])
def test_an_unknown_payment_is_not_found(act, db):
    with pytest.raises(NotFound):
        act(payment_id=uuid7())
