import pytest
from django.test import Client
from django.urls import reverse

from common import clock
from common.testing import count_queries, drain_outbox
from payments.models import PaymentMethod, PaymentTransaction, WebhookEvent
from payments.services.fulfilment import fulfil_payment
from payments.services.webhooks import receive_webhook
from payments.tests import crooked_gateway as faults
from payments.tests.factories import CREDENTIALS, make_method, make_payment
from payments.tests.signing import headers_for, webhook_body

pytestmark = pytest.mark.django_db

METHODS = "/admin/payments/paymentmethod/"
PAYMENTS = "/admin/payments/paymenttransaction/"
WEBHOOKS = "/admin/payments/webhookevent/"
FORM = {
    "name": "Test card",
    "value": "simulator",
    "description": "",
    "currencies": ["USD", "BDT"],
    "is_test": "on",
    "is_active": "on",
    "sequence": "0",
    "base_url": "",
    "secret_key": "",
    "webhook_secret": "",
}


@pytest.fixture
def office(admin_user):
    client = Client()
    client.force_login(admin_user)
    return client


def page(row, name="change"):
    return reverse(f"admin:payments_{row._meta.model_name}_{name}", args=[row.pk])


def act(office, address, action, *rows):
    return office.post(
        address, {"action": action, "_selected_action": [str(row.pk) for row in rows]}, follow=True
    )


def test_method_is_added_with_its_credentials(office):
    answer = office.post(reverse("admin:payments_paymentmethod_add"), FORM | CREDENTIALS)

    assert answer.status_code == 302
    method = PaymentMethod.objects.get()
    assert (method.name, method.currencies, method.credentials) == (
        "Test card",
        ["USD", "BDT"],
        CREDENTIALS,
    )


def test_method_page_shows_no_credential(office):
    method = make_method()

    shown = office.get(page(method)).content.decode()

    assert not any(value in shown for value in CREDENTIALS.values())
    assert f"…{CREDENTIALS['secret_key'][-4:]}" in shown
    assert f"/api/payments/webhook/{method.pk}" in shown


def test_method_saved_with_blank_credentials_keeps_them(office):
    method = make_method()

    assert office.post(page(method), FORM | {"name": "Renamed"}).status_code == 302

    method.refresh_from_db()
    assert (method.name, method.credentials) == ("Renamed", CREDENTIALS)


def test_method_saved_with_one_credential_changes_that_one(office):
    method = make_method()

    office.post(page(method), FORM | {"secret_key": "sk_test_another"})

    method.refresh_from_db()
    assert method.credentials == CREDENTIALS | {"secret_key": "sk_test_another"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"webhook_secret": "plain"}, "begins with whsec_"),
        ({"secret_key": "sk_live_1"}, "begins with sk_test_"),
        ({"is_test": ""}, "test money only"),
        ({"currencies": []}, "This field is required"),
        ({"value": ""}, "This field is required"),
        ({"value": "barter"}, "Select a valid choice"),
    ],
)
def test_method_saved_with_something_that_cannot_work_is_refused(office, changes, message):
    method = make_method()

    answer = office.post(page(method), FORM | changes)

    assert answer.status_code == 200
    assert message in answer.content.decode()
    method.refresh_from_db()
    assert method.credentials == CREDENTIALS


def test_method_added_without_credentials_is_refused(office):
    answer = office.post(reverse("admin:payments_paymentmethod_add"), FORM)

    assert "needs this credential" in answer.content.decode()
    assert not PaymentMethod.objects.exists()


def test_second_method_of_one_gateway_and_mode_is_refused(office):
    make_method()

    answer = office.post(reverse("admin:payments_paymentmethod_add"), FORM | CREDENTIALS)

    assert "has a method of this mode already" in answer.content.decode()
    assert PaymentMethod.objects.count() == 1


def test_method_goes_to_the_trash_and_comes_back(office):
    method = make_method()

    act(office, METHODS, "trash", method)
    assert not PaymentMethod.objects.exists()
    act(office, METHODS, "restore", method)

    assert PaymentMethod.objects.get() == method


def test_method_whose_place_is_taken_stays_in_the_trash(office):
    method = make_method()
    method.soft_delete()
    successor = make_method()

    answer = act(office, METHODS, "restore", method)

    assert "taken its place" in answer.content.decode()
    assert PaymentMethod.objects.get() == successor


def test_methods_cannot_be_deleted(office):
    assert office.post(page(make_method(), "delete"), {"post": "yes"}).status_code == 403


def test_payment_page_shows_its_timeline_and_where_it_led(office, payment, gateway):
    PaymentTransaction.objects.filter(pk=payment.pk).update(
        status="succeeded", paid_at=clock.now(), next_check_at=None
    )
    fulfil_payment(payment_id=payment.pk)

    shown = office.get(page(payment)).content.decode()

    assert payment.user.email in shown
    assert "checkout_started" in shown
    assert f"q=payment%3A{payment.pk}" in shown
    assert f"q={payment.gateway_reference}" in shown
    assert payment.checkout_url not in shown


def test_payment_page_before_anything_happened_has_no_links(office):
    payment = make_payment(status="initiated")

    assert office.get(page(payment)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        {"q": "person"},
        {"status__exact": "pending"},
        {"quarantined_at__isempty": "0"},
        {"fulfilled_at__isempty": "1"},
        {"currency__exact": "USD"},
    ],
)
def test_payments_can_be_searched_and_filtered(office, query):
    make_payment()

    assert office.get(PAYMENTS, query).status_code == 200


def test_payments_are_a_window(office):
    """No hand moves a payment."""
    payment = make_payment()

    assert office.post(page(payment), {"status": "succeeded"}).status_code == 403
    assert office.post(page(payment, "delete"), {"post": "yes"}).status_code == 403
    assert office.get(reverse("admin:payments_paymenttransaction_add")).status_code == 403
    assert PaymentTransaction.objects.get().status == "pending"


def test_payments_list_takes_the_same_queries_for_one_and_for_three(office):
    make_payment()
    office.get(PAYMENTS)
    with count_queries() as one:
        office.get(PAYMENTS)
    make_payment()
    make_payment()

    with count_queries() as three:
        office.get(PAYMENTS)

    assert len(three) == len(one)


def test_check_now_asks_the_gateway_in_the_name_of_staff(office, admin_user, payment, gateway):
    gateway.move("succeeded")

    answer = act(office, PAYMENTS, "check_now", payment)

    payment.refresh_from_db()
    event = payment.events.get(version=3)
    assert payment.status == "succeeded"
    assert (event.source, event.actor) == ("admin", admin_user)
    assert "moved" in answer.content.decode()


def test_check_now_releases_a_quarantined_payment_on_matching_evidence(office, payment, gateway):
    gateway.move("succeeded")
    gateway.lies = {"amount": 1}
    act(office, PAYMENTS, "check_now", payment)
    payment.refresh_from_db()
    assert payment.quarantine_reason == "amount_mismatch"

    gateway.lies = {}
    act(office, PAYMENTS, "check_now", payment)

    payment.refresh_from_db()
    assert (payment.status, payment.quarantine_reason) == ("succeeded", "")


@pytest.mark.usefixtures("impatient")
def test_check_now_without_an_answer_says_so(office, payment, gateway):
    gateway.faults = [faults.hang]

    answer = act(office, PAYMENTS, "check_now", payment)

    assert "did not answer in time" in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.fixture
def webhook(payment, method):
    body = webhook_body(payment.gateway_reference)
    receive_webhook(payment_method_id=method.pk, headers=headers_for(body), body=body)
    drain_outbox()
    return WebhookEvent.objects.get()


def test_webhook_page_leads_to_the_payment(office, webhook):
    shown = office.get(page(webhook)).content.decode()

    assert f"q={webhook.gateway_reference}" in shown
    assert office.get(WEBHOOKS, {"q": "evt_1"}).status_code == 200


def test_webhook_is_processed_again(office, webhook, payment, gateway):
    gateway.move("succeeded")

    act(office, WEBHOOKS, "process_again", webhook)
    drain_outbox()

    webhook.refresh_from_db()
    payment.refresh_from_db()
    assert (webhook.verdict, payment.status) == ("moved", "succeeded")


@pytest.mark.parametrize("address", [METHODS, PAYMENTS, WEBHOOKS])
def test_the_back_office_is_for_staff(user, address):
    client = Client()
    client.force_login(user)

    assert client.get(address).status_code == 302
