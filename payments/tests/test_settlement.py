from dataclasses import replace
from itertools import permutations

import pytest

from common import clock
from common.models import OutboxEvent
from payments import metrics
from payments.enums import EventSource, PaymentStatus, SettlementResult
from payments.gateways.base import GatewayPayment
from payments.services.settlement import settle_payment
from payments.tests.factories import NOW, make_payment

pytestmark = pytest.mark.django_db


def evidence_for(payment, status, **facts):
    honest = GatewayPayment(
        gateway_reference=payment.gateway_reference or "pay_new",
        reference=str(payment.id),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        is_test=payment.is_test,
        status=PaymentStatus(status),
        gateway_status=status,
        checkout_url="http://localhost:8001/checkout",
    )
    return replace(honest, **facts)


def settle(payment, status, *, source=EventSource.WEBHOOK, actor_id=None, **facts):
    result = settle_payment(
        payment_id=payment.id,
        evidence=evidence_for(payment, status, **facts),
        source=source,
        actor_id=actor_id,
    )
    payment.refresh_from_db()
    return result


def published():
    return list(
        OutboxEvent.objects.filter(type__startswith="payments.")
        .order_by("created_at", "id")
        .values_list("type", "payload")
    )


def test_settle_with_matching_success_moves_and_publishes_once():
    payment = make_payment()

    with clock.frozen(NOW):
        result = settle(payment, "succeeded")

    assert result == SettlementResult.MOVED
    assert (payment.status, payment.paid_at, payment.next_check_at) == ("succeeded", NOW, None)
    assert (payment.gateway_status, payment.version) == ("succeeded", 2)
    event = payment.events.get(version=2)
    assert (event.source, event.reason) == ("webhook", "gateway_evidence")
    assert event.evidence == {
        "gateway_reference": payment.gateway_reference,
        "reference": str(payment.id),
        "amount_minor": 1000,
        "currency": "USD",
        "is_test": True,
        "gateway_status": "succeeded",
        "amount_refunded_minor": 0,
        "failure_code": "",
    }
    ((kind, fact),) = published()
    assert kind == "payments.payment_succeeded"
    assert fact == {
        "payment_id": str(payment.id),
        "user_id": str(payment.user_id),
        "amount_minor": 1000,
        "currency": "USD",
    }


def test_settle_with_a_decline_fails_and_publishes_its_code():
    payment = make_payment()

    with clock.frozen(NOW):
        result = settle(
            payment,
            "failed",
            failure_code="card_declined",
            failure_message="The card was declined.",
        )

    assert result == SettlementResult.MOVED
    assert (payment.status, payment.failed_at, payment.next_check_at) == ("failed", NOW, None)
    assert (payment.failure_code, payment.failure_message) == (
        "card_declined",
        "The card was declined.",
    )
    assert published() == [
        (
            "payments.payment_failed",
            {
                "payment_id": str(payment.id),
                "user_id": str(payment.user_id),
                "code": "card_declined",
            },
        )
    ]


@pytest.mark.parametrize("status", ["expired", "requires_action"])
def test_settle_with_a_state_that_concerns_nobody_else_publishes_nothing(status):
    payment = make_payment()

    assert settle(payment, status) == SettlementResult.MOVED
    assert payment.status == status
    assert published() == []


@pytest.mark.parametrize("status", PaymentStatus.values[1:])
def test_settle_again_with_the_same_evidence_has_no_effect(status):
    """Paid_at is not written again, and nothing is told twice."""
    payment = make_payment()
    settle(payment, status)
    told, version, paid_at = published(), payment.version, payment.paid_at

    assert settle(payment, status) == SettlementResult.UNCHANGED
    assert (payment.version, payment.paid_at, published()) == (version, paid_at, told)


@pytest.mark.parametrize("closed", ["failed", "expired"])
def test_settle_with_late_success_moves_a_closed_payment(closed):
    payment = make_payment(status=closed)

    with clock.frozen(NOW):
        result = settle(payment, "succeeded")

    assert result == SettlementResult.MOVED
    assert (payment.status, payment.paid_at, payment.failed_at) == ("succeeded", NOW, None)
    assert payment.failure_code == ""
    assert payment.events.get(version=2).reason == "late_gateway_evidence"
    assert [kind for kind, _ in published()] == ["payments.payment_succeeded"]


@pytest.mark.parametrize(
    "order", list(permutations(["pending", "requires_action", "failed", "expired", "succeeded"]))
)
def test_settle_with_evidence_in_any_order_ends_succeeded_once(order):
    """For the statuses there are."""
    payment = make_payment(status="initiated")

    for status in order:
        settle(payment, status)

    assert payment.status == "succeeded"
    assert [kind for kind, _ in published()].count("payments.payment_succeeded") == 1
    versions = list(payment.events.order_by("version").values_list("version", flat=True))
    assert versions == list(range(1, payment.version + 1))


CONTRADICTIONS = [
    ({"amount_minor": 1}, "amount_mismatch"),
    ({"currency": "BDT"}, "currency_mismatch"),
    ({"reference": "another"}, "reference_mismatch"),
    ({"gateway_reference": "pay_other"}, "reference_mismatch"),
    ({"is_test": False}, "mode_mismatch"),
    ({"amount_refunded_minor": 1000}, "refunded_at_gateway"),
]


@pytest.mark.parametrize(("facts", "reason"), CONTRADICTIONS)
def test_settle_with_a_contradiction_quarantines_and_moves_nothing(facts, reason):
    payment = make_payment()
    known = payment.gateway_reference

    with clock.frozen(NOW):
        result = settle(payment, "succeeded", **facts)

    assert result == SettlementResult.QUARANTINED
    assert (payment.status, payment.paid_at) == ("pending", None)
    assert (payment.quarantined_at, payment.quarantine_reason) == (NOW, reason)
    assert (payment.gateway_reference, payment.next_check_at) == (known, None)
    event = payment.events.get(version=2)
    assert (event.from_status, event.to_status, event.reason) == ("pending", "pending", reason)
    assert published() == [
        ("payments.payment_quarantined", {"payment_id": str(payment.id), "reason": reason})
    ]


def test_settle_again_with_the_same_contradiction_has_no_effect():
    payment = make_payment()
    settle(payment, "succeeded", amount_minor=1)

    assert settle(payment, "succeeded", amount_minor=1) == SettlementResult.UNCHANGED
    assert payment.version == 2
    assert len(published()) == 1


def test_settle_with_another_contradiction_is_recorded_too():
    payment = make_payment()
    settle(payment, "succeeded", amount_minor=1)

    assert settle(payment, "succeeded", currency="BDT") == SettlementResult.QUARANTINED
    assert payment.quarantine_reason == "currency_mismatch"


@pytest.mark.parametrize("source", sorted(set(EventSource) - {EventSource.ADMIN}))
def test_settle_of_a_quarantined_payment_is_left_to_staff(source):
    payment = make_payment()
    settle(payment, "succeeded", amount_minor=1)

    assert settle(payment, "succeeded", source=source) == SettlementResult.UNCHANGED
    assert (payment.status, payment.quarantine_reason) == ("pending", "amount_mismatch")


def test_settle_of_a_quarantined_payment_by_staff_with_matching_evidence_moves_it(admin_user):
    payment = make_payment()
    settle(payment, "succeeded", amount_minor=1)

    result = settle(payment, "succeeded", source=EventSource.ADMIN, actor_id=admin_user.id)

    assert result == SettlementResult.MOVED
    assert (payment.status, payment.quarantined_at) == ("succeeded", None)
    event = payment.events.get(version=3)
    assert (event.source, event.actor, event.reason) == ("admin", admin_user, "quarantine_released")


@pytest.mark.parametrize("status", ["pending", "succeeded"])
def test_settle_of_a_quarantined_payment_by_staff_with_nothing_new_releases_it(admin_user, status):
    payment = make_payment(status=status)
    settle(payment, status, amount_minor=1)

    result = settle(payment, status, source=EventSource.ADMIN, actor_id=admin_user.id)

    assert result == SettlementResult.MOVED
    assert (payment.status, payment.quarantined_at, payment.version) == (status, None, 3)
    assert (payment.next_check_at is None) == (status == "succeeded")


def test_settle_of_a_quarantined_payment_by_staff_with_the_contradiction_leaves_it(admin_user):
    payment = make_payment()
    settle(payment, "succeeded", amount_minor=1)

    settle(payment, "succeeded", amount_minor=1, source=EventSource.ADMIN, actor_id=admin_user.id)

    assert (payment.status, payment.quarantine_reason) == ("pending", "amount_mismatch")


def test_settle_counts_what_it_did(django_capture_on_commit_callbacks):
    def value():
        return metrics.settlements.labels(result="quarantined")._value.get()

    payment, before = make_payment(), value()

    with django_capture_on_commit_callbacks(execute=True):
        settle(payment, "succeeded", amount_minor=1)

    assert value() == before + 1
