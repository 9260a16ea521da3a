import json
from unittest.mock import ANY

import pytest

from common.ids import uuid7
from common.testing import count_queries
from payments.models import PaymentMethod, PaymentTransaction
from payments.tests.factories import make_method, make_payment

pytestmark = pytest.mark.django_db


def test_public_methods_show_what_a_customer_may_know(api, method):
    answer = api.get("/api/payment-methods/public")

    assert answer.status_code == 200
    assert answer.json()["results"] == [
        {
            "id": str(method.id),
            "name": "Simulator",
            "value": "simulator",
            "description": "",
            "currencies": ["USD", "BDT"],
            "is_test": True,
        }
    ]


@pytest.mark.parametrize("columns", [{"is_active": False}, {"deleted_at": "2026-01-01T00:00Z"}])
def test_public_methods_leave_out_closed_ones(api, method, columns):
    PaymentMethod.objects.update(**columns)

    assert api.get("/api/payment-methods/public").json()["results"] == []


def test_transactions_are_those_of_their_owner(customer, staff, user, other_user):
    own, foreign = make_payment(user=user), make_payment(user=other_user)

    seen = [row["id"] for row in customer.get("/api/payment-transactions").json()["results"]]
    by_staff = [row["id"] for row in staff.get("/api/payment-transactions").json()["results"]]

    assert seen == [str(own.id)]
    assert by_staff == [str(foreign.id), str(own.id)]


@pytest.mark.parametrize("path", ["", "/status", "/events"])
def test_transaction_of_another_user_is_404(customer, staff, other_user, path):
    payment = make_payment(user=other_user, status="failed")
    url = f"/api/payment-transactions/{payment.id}{path}"

    assert customer.get(url).status_code == 404
    assert staff.get(url).status_code == 200
    assert customer.get(f"/api/payment-transactions/{uuid7()}{path}").status_code == 404
    assert customer.get(f"/api/payment-transactions/not-an-id{path}").status_code == 404


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/status", "/{id}/events"])
def test_transactions_need_a_person(api, partner_api, path):
    payment = make_payment()
    url = "/api/payment-transactions" + path.format(id=payment.id)

    assert api.get(url).status_code == 401
    assert partner_api.get(url).status_code == 403


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["", "/{id}"])
def test_transactions_are_read_only_even_for_staff(staff, verb, path):
    payment = make_payment()

    answer = getattr(staff, verb)(
        "/api/payment-transactions" + path.format(id=payment.id), {"status": "succeeded"}
    )

    assert answer.status_code == 405
    assert PaymentTransaction.objects.get().status == "pending"


def test_transaction_can_show_its_method(customer, user):
    payment = make_payment(user=user)

    answer = customer.get(
        f"/api/payment-transactions/{payment.id}", {"expand": "payment_method", "fields": "id"}
    )
    whole = customer.get(f"/api/payment-transactions/{payment.id}", {"expand": "payment_method"})

    assert answer.json() == {"id": str(payment.id)}
    assert whole.json()["payment_method"]["name"] == "Simulator"
    assert "credentials" not in json.dumps(whole.json())


def test_transaction_that_is_closed_offers_no_checkout(customer, user):
    payment = make_payment(user=user, status="expired", checkout_url="http://localhost:8001/pay")

    answer = customer.get(f"/api/payment-transactions/{payment.id}")

    assert answer.json()["checkout_url"] == ""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "failed"}, ["failed"]),
        ({"status__in": "failed,expired"}, ["expired", "failed"]),
        ({"currency": "BDT"}, []),
        ({"quarantined_at__isnull": "false"}, []),
        ({"ordering": "created_at", "status__in": "failed,expired"}, ["failed", "expired"]),
    ],
)
def test_transactions_can_be_filtered(staff, query, found):
    for status in ("pending", "failed", "expired"):
        make_payment(status=status)

    answer = staff.get("/api/payment-transactions", query)

    assert [row["status"] for row in answer.json()["results"]] == found


def test_transactions_can_be_searched_by_staff(staff, user):
    payment = make_payment(user=user)
    make_payment()

    answer = staff.get("/api/payment-transactions", {"search": user.email})

    assert [row["id"] for row in answer.json()["results"]] == [str(payment.id)]


def test_transactions_with_an_unknown_parameter_are_400(customer):
    assert customer.get("/api/payment-transactions", {"stauts": "failed"}).status_code == 400


def test_transactions_take_the_same_queries_for_one_and_for_three(staff):
    make_payment()
    with count_queries() as one:
        staff.get("/api/payment-transactions")
    make_payment()
    make_payment()

    with count_queries() as three:
        staff.get("/api/payment-transactions")

    assert len(three) == len(one)


def test_status_asks_the_gateway_first(customer, payment, gateway):
    gateway.move("succeeded")

    answer = customer.get(f"/api/payment-transactions/{payment.id}/status")

    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.json()["paid_at"] is not None


def test_status_of_a_quarantined_payment_says_so(customer, payment, gateway):
    gateway.lies = {"amount": 1}

    answer = customer.get(f"/api/payment-transactions/{payment.id}/status").json()

    assert (answer["status"], answer["is_quarantined"], answer["checkout_url"]) == (
        "pending",
        True,
        "",
    )


OPENED = {
    "version": 2,
    "from_status": "initiated",
    "to_status": "pending",
    "source": "checkout",
    "reason": "gateway_evidence",
    "created_at": ANY,
}


def test_events_tell_the_owner_what_happened_and_staff_the_evidence(
    customer, staff, payment, gateway, user
):
    url = f"/api/payment-transactions/{payment.id}/events"

    by_owner, by_staff = customer.get(url).json()["results"], staff.get(url).json()["results"]

    assert [row["version"] for row in by_owner] == [1, 2]
    assert by_owner[1] == OPENED
    assert by_staff[0]["actor"] == str(user.id)
    assert by_staff[1] == OPENED | {
        "actor": None,
        "evidence": {
            "gateway_reference": payment.gateway_reference,
            "reference": str(payment.id),
            "amount_minor": 1000,
            "currency": "USD",
            "is_test": True,
            "gateway_status": "pending",
            "amount_refunded_minor": 0,
            "failure_code": "",
        },
    }


def test_methods_have_no_route_that_shows_credentials(staff):
    make_method()

    answer = staff.get("/api/payment-methods/public")

    assert "credentials" not in answer.content.decode()
