import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common import clock
from payments.models import PaymentEvent, PaymentMethod, PaymentTransaction, WebhookEvent
from payments.tests.factories import CREDENTIALS, make_method, make_payment

pytestmark = pytest.mark.django_db


def assert_refused(name, act):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()


def change(payment, **columns):
    return lambda: PaymentTransaction.objects.filter(pk=payment.pk).update(**columns)


def test_method_credentials_are_encrypted_at_rest():
    method = make_method()

    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM payments_paymentmethod")
        ((stored,),) = cursor.fetchall()

    assert PaymentMethod.objects.get(pk=method.pk).credentials == CREDENTIALS
    assert not any(value in stored for value in CREDENTIALS.values())


def test_method_of_one_gateway_and_mode_is_alone_among_the_living():
    method = make_method()

    def again():
        PaymentMethod.objects.create(
            name="Again", value="simulator", is_test=True, currencies=["USD"], credentials={}
        )

    assert_refused("one_living_method_per_gateway_and_mode", again)
    method.soft_delete()
    again()


@pytest.mark.parametrize("currencies", [[], ["EUR"], ["USD", "EUR"]])
def test_method_with_unknown_or_no_currencies_is_refused(currencies):
    make_method()

    assert_refused(
        "payment_method_has_known_currencies",
        lambda: PaymentMethod.objects.update(currencies=currencies),
    )


def test_method_of_an_unknown_gateway_is_refused():
    make_method()

    assert_refused(
        "payment_method_has_known_gateway", lambda: PaymentMethod.objects.update(value="barter")
    )


def test_payment_of_one_user_and_key_is_alone():
    first = make_payment()

    assert_refused(
        "payment_once_per_user_and_key",
        lambda: make_payment(user=first.user, idempotency_key=first.idempotency_key),
    )


def test_payment_of_one_method_and_gateway_reference_is_alone():
    """No two payments can be tied to one payment at the gateway."""
    first = make_payment()

    assert_refused(
        "payment_once_per_method_and_gateway_reference",
        lambda: make_payment(gateway_reference=first.gateway_reference),
    )


def test_payments_whose_gateway_reference_is_not_known_yet_stand_side_by_side():
    """An empty reference is no reference."""
    make_payment(status="initiated")
    make_payment(status="initiated")

    assert not PaymentTransaction.objects.filter(gateway_reference="").exists()


@pytest.mark.parametrize(
    ("status", "columns", "name"),
    [
        ("expired", {"status": "paid"}, "payment_status_is_one_we_know"),
        ("succeeded", {"paid_at": None}, "payment_succeeded_exactly_when_paid"),
        ("expired", {"paid_at": clock.now()}, "payment_succeeded_exactly_when_paid"),
        ("failed", {"failed_at": None}, "payment_failed_exactly_when_dated"),
        ("succeeded", {"failed_at": clock.now()}, "payment_failed_exactly_when_dated"),
        ("succeeded", {"gateway_reference": None}, "payment_succeeded_only_at_a_gateway"),
        ("expired", {"fulfilled_at": clock.now()}, "payment_fulfilled_only_when_paid"),
        ("expired", {"quarantined_at": clock.now()}, "payment_quarantined_exactly_for_a_reason"),
        ("expired", {"quarantine_reason": "x"}, "payment_quarantined_exactly_for_a_reason"),
        ("pending", {"next_check_at": None}, "payment_open_exactly_when_a_check_is_due"),
        ("expired", {"next_check_at": clock.now()}, "payment_open_exactly_when_a_check_is_due"),
    ],
)
def test_payment_that_contradicts_itself_is_refused(status, columns, name):
    payment = make_payment(status=status)

    assert_refused(name, change(payment, **columns))


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"amount_minor": 0}, "payment_is_of_money"),
        ({"credits": -1}, "payment_buys_no_negative_credits"),
    ],
)
def test_payment_of_nothing_is_refused(columns, name):
    make_payment()

    assert_refused(name, lambda: make_payment(**columns))


@pytest.mark.parametrize(
    "columns", [{"amount_minor": 1}, {"credits": 9}, {"currency": "BDT"}, {"is_test": False}]
)
def test_payment_whose_terms_change_is_refused(columns):
    payment = make_payment()

    assert_refused("UPDATE of payments_paymenttransaction", change(payment, **columns))


def test_payment_event_of_one_version_is_alone():
    payment = make_payment()

    assert_refused(
        "event_once_per_payment_version",
        lambda: PaymentEvent.objects.create(
            payment=payment, version=1, to_status="pending", source="webhook", reason="again"
        ),
    )


def test_payment_event_of_success_without_evidence_is_refused():
    payment = make_payment()

    assert_refused(
        "event_of_success_has_evidence",
        lambda: PaymentEvent.objects.create(
            payment=payment, version=2, to_status="succeeded", source="admin", reason="by hand"
        ),
    )


def test_payment_event_of_an_unknown_source_is_refused():
    """The sources that the code uses are the sources that the table takes."""
    payment = make_payment()

    assert_refused(
        "event_source_is_one_we_know",
        lambda: PaymentEvent.objects.create(
            payment=payment, version=2, to_status="pending", source="gossip", reason="heard"
        ),
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payments_paymentevent SET reason = 'other'",
        "DELETE FROM payments_paymentevent",
        "DELETE FROM payments_paymenttransaction",
    ],
)
def test_payments_and_their_events_stay_whatever_the_sql(statement):
    make_payment()

    with (
        pytest.raises(DatabaseError, match="is refused"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_payment_events_are_append_only_for_the_orm():
    make_payment()

    with pytest.raises(DatabaseError, match="is refused"), transaction.atomic():
        PaymentEvent.objects.all().delete()


def make_webhook(method, **columns):
    defaults = {
        "payment_method": method,
        "gateway_event_id": "evt_1",
        "event_type": "payment.succeeded",
        "gateway_reference": "pay_1",
        "headers": {},
        "body": "{}",
    }
    return WebhookEvent.objects.create(**defaults | columns)


def test_webhook_of_one_method_and_event_is_alone():
    method = make_method()
    make_webhook(method)

    assert_refused("webhook_once_per_method_and_event", lambda: make_webhook(method))


@pytest.mark.parametrize("columns", [{"verdict": "moved"}, {"processed_at": clock.now()}])
def test_webhook_processed_without_a_verdict_or_the_reverse_is_refused(columns):
    method = make_method()

    assert_refused(
        "webhook_processed_exactly_with_a_verdict", lambda: make_webhook(method, **columns)
    )


def test_rows_name_themselves():
    method = make_method()
    payment = make_payment()
    event = payment.events.get()

    assert str(method) == "Simulator"
    assert str(payment) == f"{payment.package_name}, {payment.plan_name} (pending)"
    assert str(event) == "1: nothing to initiated"
    assert str(make_webhook(method)) == "payment.succeeded evt_1"
