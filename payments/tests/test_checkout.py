import pytest
from django.db import connection, transaction

from catalog import services as catalog
from catalog.contents import PlanTerms
from catalog.tests.factories import make_package, terms
from common.models import OutboxEvent
from payments.enums import EventSource
from payments.gateways.base import GatewayRefused, GatewayUnavailable
from payments.models import PaymentTransaction
from payments.schedule import LADDER
from payments.services.checkout import KeyReused, start_checkout
from payments.services.settlement import refresh_payment
from payments.tests import crooked_gateway as faults
from payments.tests.factories import BACK, CANCEL, make_order

pytestmark = pytest.mark.django_db


def only_payment():
    return PaymentTransaction.objects.get()


def statuses(payment):
    return [event.to_status for event in payment.events.order_by("version")]


def test_start_checkout_freezes_the_offer_and_opens_the_gateways_page(user, method, gateway):
    package = make_package(plans=[terms(credits_valid_days=90, price_usd_minor=1999)])
    order = make_order(method=method, package=package)

    payment = start_checkout(user=user, order=order, idempotency_key="key")

    (reference,) = gateway.payments
    line = package.plans.get()
    assert payment == only_payment()
    assert (payment.user, payment.payment_method) == (user, method)
    assert payment.is_test is True
    assert payment.idempotency_key == "key"
    assert payment.package_history.package_id == package.id
    assert (payment.plan_id, payment.package_plan_id) == (line.plan_id, line.id)
    assert (payment.package_name, payment.plan_name) == (package.name, line.plan.name)
    assert (payment.duration_days, payment.credits, payment.credits_valid_days) == (30, 1000, 90)
    assert (payment.amount_minor, payment.currency) == (1999, "USD")
    assert (payment.status, payment.version, payment.gateway_status) == ("pending", 2, "pending")
    assert payment.gateway_reference == reference
    assert payment.checkout_url == f"{gateway.base_url}/checkout/{reference}?token=t"
    assert payment.expires_at.year == 2099
    assert payment.next_check_at == payment.created_at + LADDER[0]
    assert (payment.return_url, payment.cancel_url) == (BACK, CANCEL)
    assert statuses(payment) == ["initiated", "pending"]
    assert payment.events.get(version=1).actor == user
    _, _, key, body = gateway.calls[0]
    ours = f"http://localhost:8000/api/payments/return/{payment.id}"
    assert (key, body["reference"]) == (str(payment.id), str(payment.id))
    assert (body["amount"], body["currency"], body["customer_email"]) == (1999, "USD", user.email)
    assert (body["return_url"], body["cancel_url"]) == (ours, ours)


def test_start_checkout_in_taka_takes_the_price_in_taka(user, method):
    order = make_order(method=method, currency="BDT")

    payment = start_checkout(user=user, order=order, idempotency_key="key")

    assert (payment.amount_minor, payment.currency) == (120_000, "BDT")


def test_start_checkout_keeps_its_price_when_the_package_changes(user, method):
    package = make_package()
    order = make_order(method=method, package=package)
    payment = start_checkout(user=user, order=order, idempotency_key="key")
    plan_id = package.plans.get().plan_id
    dearer = PlanTerms(plan_id=plan_id, price_usd_minor=9900, price_bdt_minor=1, credits=5)
    catalog.update_package(package_id=package.id, fields={}, plans=[dearer], actor_id=None)

    again = start_checkout(user=user, order=order, idempotency_key="key")

    assert again == payment
    assert (again.amount_minor, again.credits) == (1000, 1000)


def test_start_checkout_repeated_with_its_key_returns_the_first_payment(user, method, gateway):
    order = make_order(method=method)
    first = start_checkout(user=user, order=order, idempotency_key="key")

    again = start_checkout(user=user, order=order, idempotency_key="key")

    assert again == first
    assert again.checkout_url == first.checkout_url
    assert len(gateway.calls) == 1


def test_start_checkout_with_another_key_is_another_payment(user, other_user, method):
    order = make_order(method=method)

    start_checkout(user=user, order=order, idempotency_key="key")
    start_checkout(user=user, order=order, idempotency_key="another")
    start_checkout(user=other_user, order=order, idempotency_key="key")

    assert PaymentTransaction.objects.count() == 3


def test_start_checkout_with_the_key_of_another_order_is_refused(user, method):
    order = make_order(method=method)
    start_checkout(user=user, order=order, idempotency_key="key")

    with pytest.raises(KeyReused):
        start_checkout(user=user, order=make_order(method=method), idempotency_key="key")

    assert PaymentTransaction.objects.count() == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [faults.hang, faults.charge_and_hang, faults.html])
def test_start_checkout_that_gets_no_answer_can_be_repeated_and_opens_one_checkout(
    user, method, gateway, fault
):
    order = make_order(method=method)
    gateway.faults = [fault]
    with pytest.raises(GatewayUnavailable):
        start_checkout(user=user, order=order, idempotency_key="key")
    assert (only_payment().status, only_payment().checkout_url) == ("initiated", "")

    payment = start_checkout(user=user, order=order, idempotency_key="key")

    assert payment == only_payment()
    assert payment.status == "pending"
    assert len(gateway.payments) == 1
    assert statuses(payment) == ["initiated", "pending"]


def test_start_checkout_that_is_refused_fails_and_stays_failed(user, method, gateway):
    order = make_order(method=method)
    gateway.faults = [faults.answers(422, {"code": "amount_too_large", "detail": "secret"})]

    for _ in range(2):
        with pytest.raises(GatewayRefused):
            start_checkout(user=user, order=order, idempotency_key="key")

    payment = only_payment()
    assert (payment.status, payment.failure_code) == ("failed", "gateway_refused")
    assert payment.next_check_at is None
    assert payment.events.get(version=2).evidence == {"answer": "amount_too_large"}
    assert len(gateway.calls) == 1
    (event,) = OutboxEvent.objects.filter(type="payments.payment_failed")
    assert event.payload == {
        "payment_id": str(payment.id),
        "user_id": str(user.id),
        "code": "gateway_refused",
    }


@pytest.mark.django_db(transaction=True)
def test_start_checkout_refused_when_its_repeat_was_accepted_changes_nothing(user, method, gateway):
    order = make_order(method=method)

    def overtaken(handler, honestly):
        honestly()
        reference = PaymentTransaction.objects.get().id
        refresh_payment(payment_id=reference, source=EventSource.WEBHOOK)
        handler.send_json(422, {"code": "late"})
        connection.close()

    gateway.faults = [overtaken]

    payment = start_checkout(user=user, order=order, idempotency_key="key")

    assert payment.status == "pending"
    assert statuses(payment) == ["initiated", "pending"]


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"amount": 1}, "amount_mismatch"),
        ({"currency": "BDT"}, "currency_mismatch"),
        ({"reference": "another"}, "reference_mismatch"),
        ({"mode": "live"}, "mode_mismatch"),
    ],
)
def test_start_checkout_for_another_payment_than_ours_is_quarantined_and_not_offered(
    user, method, gateway, lies, reason
):
    order = make_order(method=method)
    gateway.lies = lies

    for _ in range(2):
        with pytest.raises(GatewayRefused):
            start_checkout(user=user, order=order, idempotency_key="key")

    payment = only_payment()
    assert (payment.status, payment.quarantine_reason) == ("initiated", reason)
    assert (payment.checkout_url, payment.gateway_reference) == ("", None)
    assert len(gateway.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_start_checkout_is_on_record_before_the_gateway_hears_of_it(user, method, gateway):
    seen = []

    def look(handler, honestly):
        seen.append((only_payment().status, connection.in_atomic_block))
        handler.send_json(*honestly())
        connection.close()

    gateway.faults = [look]

    start_checkout(user=user, order=make_order(method=method), idempotency_key="key")

    assert seen == [("initiated", False)]


@pytest.mark.django_db(transaction=True)
def test_start_checkout_inside_a_transaction_is_refused(user, method):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        start_checkout(user=user, order=make_order(method=method), idempotency_key="key")
