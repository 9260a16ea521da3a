import json

import pytest
from rest_framework.test import APIClient

from common.errors import NotFound
from common.testing import run_concurrently
from simulator.enums import PaymentStatus
from simulator.models import Payment, Refund, WebhookEvent
from simulator.services.refunds import (
    PaymentNotRefundable,
    RefundExceedsPayment,
    refund_payment,
)
from simulator.tests.conftest import SECRET_KEY
from simulator.tests.factories import PaymentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]


@pytest.fixture
def paid(merchant):
    return PaymentFactory(merchant=merchant, paid=True, amount=1000)


def refund(api, payment, body, key="key-1"):
    return api.post(
        f"/v1/payments/{payment.id}/refunds",
        body,
        format="json",
        headers={"Idempotency-Key": key},
    )


def test_refund_without_amount_returns_everything(merchant_api, paid):
    answer = refund(merchant_api, paid, {"reason": "changed their mind"})

    paid.refresh_from_db()
    row = Refund.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": row.id,
        "object": "refund",
        "payment": paid.id,
        "amount": 1000,
        "currency": "USD",
        "status": "succeeded",
        "reason": "changed their mind",
        "created_at": answer.json()["created_at"],
    }
    assert row.id.startswith("re_")
    assert (paid.status, paid.amount_refunded) == (PaymentStatus.REFUNDED, 1000)
    event = WebhookEvent.objects.get()
    assert event.type == "refund.succeeded"
    assert json.loads(event.body)["data"]["object"] == answer.json()


def test_partial_refunds_repeat_until_nothing_is_left(merchant_api, paid):
    """A20 weakness 3: a second partial refund was impossible."""
    statuses = []
    for key, amount in (("a", 300), ("b", 300), ("c", 400)):
        assert refund(merchant_api, paid, {"amount": amount}, key).status_code == 201
        paid.refresh_from_db()
        statuses.append((paid.status, paid.amount_refunded))

    assert statuses == [
        (PaymentStatus.PARTIALLY_REFUNDED, 300),
        (PaymentStatus.PARTIALLY_REFUNDED, 600),
        (PaymentStatus.REFUNDED, 1000),
    ]
    answer = refund(merchant_api, paid, {"amount": 1}, "d")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_not_refundable")


def test_refund_of_more_than_is_left_moves_nothing(merchant_api, paid):
    refund(merchant_api, paid, {"amount": 700}, "a")

    answer = refund(merchant_api, paid, {"amount": 301}, "b")

    paid.refresh_from_db()
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_exceeds_payment")
    assert answer.json()["remaining"] == 300
    assert paid.amount_refunded == 700
    assert Refund.objects.count() == 1
    assert WebhookEvent.objects.count() == 1


@pytest.mark.parametrize("amount", [0, -1, "5", 1.5, 100_000_000])
def test_refund_of_a_bad_amount_is_refused(merchant_api, paid, amount):
    """A20 weakness 4: a negative refund was accepted, and zero meant everything."""
    answer = refund(merchant_api, paid, {"amount": amount})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["amount"]
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    "status", ["pending", "requires_action", "failed", "canceled", "expired", "refunded"]
)
def test_refund_of_a_payment_that_holds_no_money_is_refused(merchant, status):
    payment = PaymentFactory(
        merchant=merchant,
        status=status,
        failure_code="card_declined" if status == "failed" else "",
        amount_refunded=1250 if status == "refunded" else 0,
    )

    with pytest.raises(PaymentNotRefundable):
        refund_payment(merchant=merchant, payment_id=payment.id)

    assert not Refund.objects.exists()


def test_refund_of_another_merchants_payment_is_not_found(merchant, merchant_api):
    other = PaymentFactory(paid=True)

    assert refund(merchant_api, other, {}).status_code == 404
    with pytest.raises(NotFound):
        refund_payment(merchant=merchant, payment_id="pay_unknown")
    assert not Refund.objects.exists()


def test_refund_replayed_moves_nothing_more(merchant_api, paid):
    first = refund(merchant_api, paid, {"amount": 100})

    again = refund(merchant_api, paid, {"amount": 100})

    paid.refresh_from_db()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert paid.amount_refunded == 100
    assert refund(merchant_api, paid, {"amount": 101}).status_code == 422


def test_same_key_on_another_payment_is_another_refund(merchant, merchant_api, paid):
    other = PaymentFactory(merchant=merchant, paid=True)

    assert refund(merchant_api, paid, {}).json()["payment"] == paid.id
    assert refund(merchant_api, other, {}).json()["payment"] == other.id


def test_get_refund_answers_its_owner_only(merchant_api, paid):
    created = refund(merchant_api, paid, {}).json()
    others = Refund.objects.create(payment=PaymentFactory(paid=True), amount=1)

    assert merchant_api.get(f"/v1/refunds/{created['id']}").json() == created
    assert merchant_api.get(f"/v1/refunds/{others.id}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_refunds_never_return_more_than_was_paid(paid):
    """A20 weakness 1: concurrent refunds all passed."""

    def give_back():
        return refund_payment(merchant=paid.merchant, payment_id=paid.id, amount=300)

    results = run_concurrently([give_back] * 20)

    paid.refresh_from_db()
    refused = [result for result in results if isinstance(result, RefundExceedsPayment)]
    assert len(refused) == 17
    assert paid.amount_refunded == 900
    assert sum(Refund.objects.values_list("amount", flat=True)) == 900
    assert WebhookEvent.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_parallel_duplicates_of_one_create_make_one_payment(merchant_api, new_payment):
    """A20 weakness 6: the second of two duplicates failed after it had charged."""

    def create():
        api = APIClient(headers={"Authorization": f"Bearer {SECRET_KEY}"})
        return api.post(
            "/v1/payments", new_payment, format="json", headers={"Idempotency-Key": "one"}
        )

    answers = run_concurrently([create] * 10)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 9
    assert Payment.objects.count() == 1
