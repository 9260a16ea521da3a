from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from common import clock
from common.errors import NotFound
from common.testing import run_concurrently
from simulator import tasks
from simulator.enums import EventType, PaymentStatus
from simulator.models import Merchant, Payment, Refund, StoredReply, WebhookDelivery, WebhookEvent
from simulator.services import payments
from simulator.services.moves import MoveRefused, PaymentChanged, move_payment
from simulator.state import ANNOUNCED_AS, MOVES, OPEN
from simulator.tests.factories import MerchantFactory, PaymentFactory, WebhookDeliveryFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_state_table_knows_every_status_and_ends():
    assert set(MOVES) == set(PaymentStatus)
    assert {status for status, after in MOVES.items() if not after} == {
        PaymentStatus.FAILED,
        PaymentStatus.CANCELED,
        PaymentStatus.EXPIRED,
        PaymentStatus.REFUNDED,
    }
    assert set.union(*map(set, MOVES.values())) == set(ANNOUNCED_AS)
    assert set(ANNOUNCED_AS.values()) == set(EventType)


REFUSED = [
    (before, after)
    for before in PaymentStatus
    for after in PaymentStatus
    if after not in MOVES[before]
]


@pytest.mark.parametrize(("before", "after"), REFUSED, ids=lambda status: str(status.value))
def test_move_that_the_table_lacks_is_refused(before, after):
    payment = PaymentFactory.build(status=before, merchant=MerchantFactory())

    with pytest.raises(MoveRefused):
        move_payment(payment=payment, to=after)


def test_move_of_a_stale_payment_is_refused_and_tells_nobody():
    payment = PaymentFactory()
    stale = Payment.objects.get(pk=payment.pk)
    move_payment(payment=payment, to=PaymentStatus.CANCELED)

    with pytest.raises(PaymentChanged):
        move_payment(payment=stale, to=PaymentStatus.SUCCEEDED)

    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("canceled", 2)
    assert WebhookEvent.objects.count() == 1


def test_move_that_rolls_back_leaves_no_webhook():
    """A20 weaknesses 7 and 18: the event said captured and no payment existed."""
    payment = PaymentFactory()

    with transaction.atomic():
        move_payment(payment=payment, to=PaymentStatus.SUCCEEDED)
        transaction.set_rollback(True)

    payment.refresh_from_db()
    assert payment.status == "pending"
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda: payments.cancel_payment(payment_id="pay_unknown"),
        lambda: payments.answer_challenge(payment_id="pay_unknown", outcome="complete"),
        lambda: payments.submit_card(payment_id="pay_unknown", card=None),
    ],
)
def test_act_on_an_unknown_payment_is_not_found(act):
    with pytest.raises(NotFound):
        act()


def test_expire_closes_only_what_is_open_and_over():
    with clock.frozen(NOON):
        over = [PaymentFactory(status=status, expires_at=NOON) for status in OPEN]
        PaymentFactory(expires_at=NOON + timedelta(seconds=1))
        PaymentFactory(paid=True, expires_at=NOON)

        assert tasks.expire_payments() == 2
        assert tasks.expire_payments() == 0

    for payment in over:
        payment.refresh_from_db()
        assert payment.status == "expired"
        assert payment.events.get().type == "payment.expired"
    assert Payment.objects.filter(status="expired").count() == 2


def test_expire_takes_the_longest_overdue_first():
    newer = PaymentFactory(expires_at=NOON)
    older = PaymentFactory(expires_at=NOON - timedelta(hours=1))

    with clock.frozen(NOON):
        assert payments.expire_payments(limit=1) == 1

    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.status, newer.status) == ("expired", "pending")


@pytest.mark.django_db(transaction=True)
def test_parallel_sweeps_expire_once():
    for _ in range(3):
        PaymentFactory(expires_at=NOON)

    with clock.frozen(NOON):
        results = run_concurrently([tasks.expire_payments] * 4)

    assert sum(results) == 3
    assert WebhookEvent.objects.count() == 3


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("simulated_payment_amount_in_range", {"amount": 0}),
        ("simulated_payment_amount_in_range", {"amount": 100_000_000}),
        (
            "simulated_payment_refunded_within_amount",
            {"status": "refunded", "amount_refunded": 1251},
        ),
        ("simulated_payment_refunded_within_amount", {"amount_refunded": -1}),
        ("simulated_payment_status_tells_what_is_refunded", {"amount_refunded": 1}),
        (
            "simulated_payment_status_tells_what_is_refunded",
            {"status": "refunded", "amount_refunded": 1249},
        ),
        (
            "simulated_payment_status_tells_what_is_refunded",
            {"status": "partially_refunded", "amount_refunded": 1250},
        ),
        ("simulated_payment_card_has_brand_and_last4", {"card_brand": "visa"}),
        ("simulated_payment_card_has_brand_and_last4", {"card_last4": "4242"}),
        ("simulated_payment_has_reason_exactly_when_failed", {"status": "failed"}),
        ("simulated_payment_has_reason_exactly_when_failed", {"failure_code": "expired_card"}),
    ],
)
def test_database_refuses_an_impossible_payment(name, values):
    payment = PaymentFactory()

    # A row can break two rules at once; PostgreSQL names whichever it checks first.
    with pytest.raises(IntegrityError, match="simulated_payment_"), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**values)

    assert name in {constraint.name for constraint in Payment._meta.constraints}


def test_database_refuses_a_reference_twice_per_merchant():
    payment = PaymentFactory()

    with pytest.raises(IntegrityError, match="simulated_payment_reference_once_per_merchant"):
        PaymentFactory(merchant=payment.merchant, reference=payment.reference)


def test_database_refuses_two_merchants_of_one_name():
    merchant = MerchantFactory()

    with pytest.raises(IntegrityError, match="simulated_merchant_name_taken_once"):
        MerchantFactory(name=merchant.name)


def test_database_refuses_one_key_for_two_merchants():
    merchant = MerchantFactory()

    with pytest.raises(IntegrityError, match="simulated_merchant_key_of_one_merchant"):
        MerchantFactory(secret_key_hash=merchant.secret_key_hash)


def test_database_refuses_a_refund_of_nothing():
    with pytest.raises(IntegrityError, match="simulated_refund_gives_something"):
        Refund.objects.create(payment=PaymentFactory(), amount=0)


def test_database_refuses_a_key_twice():
    reply = {"merchant": MerchantFactory(), "route": "POST /v1/payments", "key": "k"}
    StoredReply.objects.create(**reply, request_hash="a")

    with pytest.raises(IntegrityError, match="simulated_reply_once_per_key"):
        StoredReply.objects.create(**reply, request_hash="b")


def test_database_refuses_a_lease_on_what_is_finished():
    delivery = WebhookDeliveryFactory()

    with pytest.raises(IntegrityError, match="simulated_delivery_leased_only_while_pending"):
        WebhookDelivery.objects.filter(pk=delivery.pk).update(state="failed", leased_until=NOON)


def test_names_for_people():
    merchant = MerchantFactory(name="Corner Shop")
    payment = PaymentFactory(merchant=merchant)
    delivery = WebhookDeliveryFactory(merchant=merchant)
    refund = Refund.objects.create(payment=payment, amount=1)
    reply = StoredReply(route="POST /v1/payments", key="k")

    assert str(Merchant.objects.get()) == "Corner Shop"
    assert str(payment) == payment.id
    assert str(refund) == refund.id
    assert str(reply) == "POST /v1/payments k"
    assert str(delivery.event) == f"payment.succeeded {delivery.event_id}"
    assert str(delivery) == f"{delivery.event_id} (pending)"
