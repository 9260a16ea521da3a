from unittest.mock import ANY

import pytest

from catalog.tests.factories import make_package, terms
from common.ids import uuid7
from payments.models import PaymentTransaction
from payments.tests import crooked_gateway as faults
from payments.tests.factories import BACK, CANCEL

pytestmark = pytest.mark.django_db

KEY = {"Idempotency-Key": "key"}


def body_for(method, **changes):
    package = make_package(plans=[terms(credits_valid_days=90)])
    return {
        "package": str(package.id),
        "plan": str(package.plans.get().plan_id),
        "payment_method": str(method.id),
        "currency": "USD",
        "return_url": BACK,
        "cancel_url": CANCEL,
    } | changes


def initiate(client, body, headers=KEY):
    return client.post("/api/payments/initiate", body, headers=headers)


PENDING = {
    "credits": 1000,
    "amount_minor": 1000,
    "currency": "USD",
    "is_test": True,
    "status": "pending",
    "is_quarantined": False,
    "gateway_status": "pending",
    "failure_code": "",
    "failure_message": "",
    "return_url": BACK,
    "cancel_url": CANCEL,
    "expires_at": "2099-01-01T00:00:00Z",
    "paid_at": None,
    "failed_at": None,
    "fulfilled_at": None,
}


def test_initiate_answers_with_the_payment_and_where_to_pay(customer, user, method, gateway):
    body = body_for(method)

    answer = initiate(customer, body)

    payment = PaymentTransaction.objects.get()
    checkout_url = f"{gateway.base_url}/checkout/{payment.gateway_reference}?token=t"
    assert answer.status_code == 201
    assert answer.json() == {
        "payment": PENDING
        | {
            "id": str(payment.id),
            "user": str(user.id),
            "payment_method": str(method.id),
            "package_history": str(payment.package_history_id),
            "package_name": payment.package_name,
            "plan": body["plan"],
            "plan_name": payment.plan_name,
            "checkout_url": checkout_url,
            "created_at": ANY,
            "updated_at": ANY,
        },
        "checkout_url": checkout_url,
    }


def test_initiate_twice_with_one_key_replays_the_answer_and_pays_once(customer, method, gateway):
    body = body_for(method)

    first, again = initiate(customer, body), initiate(customer, body)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert PaymentTransaction.objects.count() == 1
    assert len(gateway.payments) == 1


def test_initiate_with_one_key_and_another_body_is_422(customer, method):
    initiate(customer, body_for(method))

    answer = initiate(customer, body_for(method))

    assert answer.status_code == 422
    assert PaymentTransaction.objects.count() == 1


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 256}])
def test_initiate_without_a_sound_key_is_400(customer, method, headers):
    answer = initiate(customer, body_for(method), headers=headers)

    assert answer.status_code == 400
    assert not PaymentTransaction.objects.exists()


@pytest.mark.usefixtures("impatient")
def test_initiate_while_the_gateway_is_silent_is_503_and_the_repeat_succeeds(
    customer, method, gateway
):
    body = body_for(method)
    gateway.faults = [faults.charge_and_hang]

    first = initiate(customer, body)
    again = initiate(customer, body)

    assert (first.status_code, first.json()["code"]) == (503, "gateway_unavailable")
    assert again.status_code == 201
    assert PaymentTransaction.objects.count() == 1
    assert len(gateway.payments) == 1


def test_initiate_that_the_gateway_refuses_is_502_without_its_words(customer, method, gateway):
    gateway.faults = [faults.answers(422, {"code": "no", "detail": "internal: shard 7"})]
    body = body_for(method)

    first, again = initiate(customer, body), initiate(customer, body)

    assert [first.status_code, again.status_code] == [502, 502]
    assert first.json()["code"] == "gateway_error"
    assert "shard" not in first.content.decode()
    assert PaymentTransaction.objects.get().status == "failed"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"package": "x"}, 400, "package"),
        ({"package": str(uuid7())}, 404, "package"),
        ({"plan": None}, 400, "plan"),
        ({"plan": str(uuid7())}, 404, "plan"),
        ({"payment_method": str(uuid7())}, 422, "payment_method"),
        ({"payment_method": [5]}, 400, "payment_method"),
        ({"currency": "EUR"}, 400, "currency"),
        ({"return_url": "https://evil.example/"}, 422, "return_url"),
        ({"cancel_url": "https://evil.example/"}, 422, "cancel_url"),
        ({"return_url": "http://localhost:8000/" + "x" * 500}, 400, "return_url"),
        ({"return_url": "http://localhost:8000/\x00"}, 400, "return_url"),
        ({"amount_minor": 1}, 400, "amount_minor"),
    ],
)
def test_initiate_with_a_bad_value_names_the_field(customer, method, changes, status, field):
    answer = initiate(customer, body_for(method, **changes))

    assert answer.status_code == status
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not PaymentTransaction.objects.exists()


@pytest.mark.parametrize(
    "field", ["package", "plan", "payment_method", "currency", "return_url", "cancel_url"]
)
def test_initiate_without_a_field_names_it(customer, method, field):
    body = body_for(method)
    del body[field]

    answer = initiate(customer, body)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_initiate_by_a_user_who_is_not_verified_is_welcome(client_for, user, method):
    user.is_verified = False
    user.save()

    assert initiate(client_for(user), body_for(method)).status_code == 201


@pytest.mark.parametrize("path", ["initiate"])
def test_initiate_needs_a_person(api, partner_api, method, path):
    assert initiate(api, body_for(method)).status_code == 401
    assert initiate(partner_api, body_for(method)).status_code == 403
