from datetime import UTC, datetime

import pytest
from rest_framework.test import APIClient

from common import clock
from simulator.currencies import EXPONENTS
from simulator.models import Merchant, Payment, StoredReply
from simulator.tests.factories import MerchantFactory, PaymentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def create(api, body, key="key-1"):
    return api.post("/v1/payments", body, format="json", headers={"Idempotency-Key": key})


def test_create_payment_answers_the_whole_object(merchant_api, new_payment, settings):
    settings.SIMULATOR_BASE_URL = "http://pay.example:8001"
    settings.SIMULATOR_PAYMENT_TTL_SECONDS = 600
    with clock.frozen(NOON):
        answer = create(merchant_api, new_payment)

    payment = Payment.objects.get()
    token = payment.checkout_token
    assert answer.status_code == 201
    assert answer.json() == {
        "id": payment.id,
        "object": "payment",
        "mode": "test",
        "amount": 1250,
        "currency": "USD",
        "status": "pending",
        "reference": "order-1",
        "description": "Ten credits",
        "amount_refunded": 0,
        "card": None,
        "failure": None,
        "checkout_url": f"http://pay.example:8001/checkout/{payment.id}?token={token}",
        "return_url": "https://shop.example/return?cart=7",
        "cancel_url": "https://shop.example/cancel",
        "metadata": {"cart": "7"},
        "created_at": "2026-11-21T12:00:00.000Z",
        "expires_at": "2026-11-21T12:10:00.000Z",
    }
    assert payment.customer_email == "ada@example.com"
    assert len(token) >= 43


def test_create_payment_with_required_fields_only_leaves_the_rest_empty(merchant_api, new_payment):
    for optional in ("description", "customer_email", "metadata"):
        del new_payment[optional]

    answer = create(merchant_api, new_payment)

    assert answer.status_code == 201
    assert (answer.json()["description"], answer.json()["metadata"]) == ("", {})


def test_create_payment_takes_every_listed_currency(merchant_api, new_payment):
    """A20 weakness 22: the unit of an amount was undefined, and the currency was free text."""
    for code in sorted(EXPONENTS):
        body = new_payment | {"currency": code, "reference": code}
        assert create(merchant_api, body, key=code).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -5),
        ("amount", 100_000_000),
        ("amount", "1250"),
        ("amount", 12.5),
        ("amount", 1250.0),
        ("amount", True),
        ("amount", None),
        ("currency", "usd"),
        ("currency", "XXX"),
        ("currency", ["USD"]),
        ("reference", ""),
        ("reference", "r" * 101),
        ("reference", 17),
        ("reference", "a\x00b"),
        ("description", "d" * 501),
        ("customer_email", "not an address"),
        ("return_url", "javascript:alert(1)"),
        ("return_url", "ftp://shop.example/x"),
        ("return_url", "/relative"),
        ("return_url", "https://"),
        ("return_url", "https://shop.example/a b"),
        ("return_url", "https://shop.example:port/"),
        ("return_url", "https://user@shop.example/"),
        ("return_url", "https:\\\\shop.example"),
        ("cancel_url", "data:text/html,x"),
        ("cancel_url", "https://shop.example/" + "x" * 2000),
        ("metadata", "text"),
        ("metadata", {"key": 7}),
        ("metadata", {"": "empty"}),
        ("metadata", {"k" * 41: "long"}),
        ("metadata", {"a\x00": "nul"}),
        ("metadata", {"key": "v" * 501}),
        ("metadata", {f"key{n}": "v" for n in range(51)}),
        ("colour", "red"),
    ],
)
def test_create_payment_with_a_bad_value_names_the_field(merchant_api, new_payment, field, value):
    answer = create(merchant_api, new_payment | {field: value})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}
    assert not Payment.objects.exists()
    assert not StoredReply.objects.exists()


@pytest.mark.parametrize("field", ["amount", "currency", "reference", "return_url", "cancel_url"])
def test_create_payment_without_a_required_field_names_it(merchant_api, new_payment, field):
    del new_payment[field]

    answer = create(merchant_api, new_payment)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("body", [[], "text", 7, None])
def test_create_payment_with_a_body_that_is_no_object_is_refused(merchant_api, body):
    assert create(merchant_api, body).status_code == 400


def test_create_payment_with_a_used_reference_is_a_conflict(merchant_api, new_payment):
    """A20 weakness 19: what a rule of the business refused was a 500."""
    create(merchant_api, new_payment)

    answer = create(merchant_api, new_payment, key="key-2")

    assert (answer.status_code, answer.json()["code"]) == (409, "reference_taken")
    assert Payment.objects.count() == 1


def test_create_payment_with_another_merchants_reference_is_fine(merchant_api, new_payment):
    PaymentFactory(reference="order-1")

    assert create(merchant_api, new_payment).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "caf\u00e9"])
def test_create_payment_with_a_bad_idempotency_key_is_refused(merchant_api, new_payment, key):
    answer = create(merchant_api, new_payment, key=key)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["Idempotency-Key"]


def test_create_payment_without_idempotency_key_is_refused(merchant_api, new_payment):
    answer = merchant_api.post("/v1/payments", new_payment, format="json")

    assert answer.status_code == 400
    assert not Payment.objects.exists()


def test_create_payment_replayed_gets_the_same_bytes(merchant_api, new_payment):
    first = create(merchant_api, new_payment)
    Payment.objects.update(status="canceled")

    again = create(merchant_api, new_payment)

    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (again.status_code, again.content) == (201, first.content)
    assert Payment.objects.count() == 1


def test_create_payment_with_a_reused_key_and_another_body_is_refused(merchant_api, new_payment):
    create(merchant_api, new_payment)

    answer = create(merchant_api, new_payment | {"amount": 1251})

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Payment.objects.get().amount == 1250


def test_create_payment_with_another_merchants_key_is_fine(merchant_api, new_payment):
    """A20 weakness 6: keys were global, so that one merchant could read another's payment."""
    MerchantFactory(secret_key="sk_test_another_merchant_00")
    other = APIClient(headers={"Authorization": "Bearer sk_test_another_merchant_00"})
    mine = create(merchant_api, new_payment).json()

    theirs = create(other, new_payment)

    assert theirs.status_code == 201
    assert "Idempotency-Replayed" not in theirs.headers
    assert theirs.json()["id"] != mine["id"]


def test_refused_create_leaves_the_key_free(merchant_api, new_payment):
    create(merchant_api, new_payment, key="key-1")
    assert create(merchant_api, new_payment, key="key-2").status_code == 409

    assert create(merchant_api, new_payment | {"reference": "b"}, key="key-2").status_code == 201


def test_get_payment_answers_its_owner(merchant_api, new_payment):
    created = create(merchant_api, new_payment).json()

    assert merchant_api.get(f"/v1/payments/{created['id']}").json() == created


@pytest.mark.parametrize("path", ["/v1/payments/{}", "/v1/payments/pay_unknown"])
def test_get_payment_of_another_merchant_is_not_found(merchant_api, path):
    answer = merchant_api.get(path.format(PaymentFactory().id))

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_find_by_reference_answers_own_payments_only(merchant_api, new_payment):
    PaymentFactory(reference="order-1")
    created = create(merchant_api, new_payment).json()

    assert merchant_api.get("/v1/payments?reference=order-1").json() == {"results": [created]}
    assert merchant_api.get("/v1/payments?reference=none").json() == {"results": []}


@pytest.mark.parametrize(
    ("query", "field"), [("", "reference"), ("reference=a&status=failed", "status")]
)
def test_find_with_a_wrong_parameter_names_it(merchant_api, query, field):
    answer = merchant_api.get(f"/v1/payments?{query}")

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


ROUTES = [
    ("post", "/v1/payments"),
    ("get", "/v1/payments?reference=a"),
    ("get", "/v1/payments/pay_1"),
    ("post", "/v1/payments/pay_1/refunds"),
    ("get", "/v1/refunds/re_1"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_route_without_a_valid_key_gets_one_answer(merchant, method, path):
    """A20 weakness 14: a merchant route without authentication."""
    answers = []
    for header in (None, "", "Bearer", "Bearer sk_test_unknown", "Basic sk_test_x", "sk_test_x"):
        api = APIClient(headers={"Authorization": header} if header is not None else {})
        answers.append(getattr(api, method)(path, {}, format="json"))

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}
    bodies = [answer.json() for answer in answers]
    assert {(body["code"], body["detail"]) for body in bodies} == {
        (bodies[0]["code"], bodies[0]["detail"])
    }


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_route_with_a_suspended_merchants_key_is_forbidden(merchant_api, method, path):
    Merchant.objects.update(is_active=False)

    answer = getattr(merchant_api, method)(path, {}, format="json")

    assert (answer.status_code, answer.json()["code"]) == (403, "merchant_suspended")


def test_test_cards_are_public_and_complete():
    cards = APIClient().get("/v1/test-cards").json()["results"]

    assert len(cards) == 15
    assert cards[0] == {
        "number": "4242424242424242",
        "brand": "visa",
        "meaning": "Approved",
        "outcome": "approve",
        "failure": None,
    }
    assert cards[5]["failure"] == {"code": "card_declined", "message": "The card was declined."}


def test_unknown_api_route_is_a_problem():
    answer = APIClient().get("/v1/nothing")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
