from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from common import clock
from common.errors import NotFound
from common.ids import uuid7
from common.models import OutboxEvent
from payments import metrics
from payments.enums import EventSource, PaymentStatus, SettlementResult
from payments.gateways.base import GatewayPayment, GatewayRefused, GatewayUnavailable
from payments.services.settlement import refresh_payment, settle_payment
from payments.tests import crooked_gateway as faults
from payments.tests.factories import make_payment

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


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
    assert published() == [
        (
            "payments.payment_succeeded",
            {
                "payment_id": str(payment.id),
                "user_id": str(payment.user_id),
                "amount_minor": 1000,
                "currency": "USD",
            },
        )
    ]


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
    """W36: paid_at is not written again, and nothing is told twice."""
    payment = make_payment()
    settle(payment, status)
    told, version, paid_at = published(), payment.version, payment.paid_at

    assert settle(payment, status) == SettlementResult.UNCHANGED
    assert (payment.version, payment.paid_at, published()) == (version, paid_at, told)


@pytest.mark.parametrize("closed", ["failed", "expired"])
def test_settle_with_late_success_moves_a_closed_payment(closed):
    """W40; trust test 19."""
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
    """Trust test 18, for the statuses there are."""
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
    """W38, W39; trust test 21 (the 1 taka trick)."""
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


def test_refresh_asks_the_gateway_and_settles_by_its_answer(payment, gateway):
    gateway.move("succeeded")

    with clock.frozen(NOW):
        result = refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert result == SettlementResult.MOVED
    assert (payment.status, payment.checked_at) == ("succeeded", NOW)
    assert gateway.calls[-1][:2] == ("GET", f"/v1/payments/{payment.gateway_reference}")


def test_refresh_before_the_gateways_id_is_known_finds_the_payment_by_ours(method, gateway):
    payment = make_payment(status="initiated", method=method)
    gateway.create("key", {"amount": 1000, "currency": "USD", "reference": str(payment.id)})

    refresh_payment(payment_id=payment.id, source=EventSource.RECONCILIATION)

    payment.refresh_from_db()
    assert payment.status == "pending"
    assert payment.gateway_reference == next(iter(gateway.payments))
    assert payment.checkout_url.startswith(gateway.base_url)


@pytest.mark.parametrize("status", ["initiated", "pending"])
def test_refresh_of_a_payment_that_the_gateway_does_not_have_changes_nothing(method, status):
    """W40: asking before paying fails nobody's payment."""
    payment = make_payment(status=status, method=method)

    result = refresh_payment(payment_id=payment.id, source=EventSource.STATUS_QUERY)

    payment.refresh_from_db()
    assert result == SettlementResult.UNCHANGED
    assert (payment.status, payment.version) == (status, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.hang, GatewayUnavailable),
        (faults.html, GatewayUnavailable),
        (faults.answers(401, {"code": "not_authenticated"}), GatewayRefused),
    ],
)
def test_refresh_without_a_usable_answer_changes_nothing(payment, gateway, fault, error):
    """Trust test 30."""
    gateway.move("succeeded")
    gateway.faults = [fault]

    with pytest.raises(error):
        refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("pending", 2)


def test_refresh_of_an_unknown_payment_is_refused():
    with pytest.raises(NotFound):
        refresh_payment(payment_id=uuid7(), source=EventSource.WEBHOOK)


def test_refresh_looks_again_right_after_the_gateway_closes_the_checkout(payment, gateway):
    closes_at = payment.created_at + timedelta(hours=3)
    gateway.move("requires_action")
    gateway.lies = {"expires_at": closes_at.isoformat()}

    with clock.frozen(payment.created_at + timedelta(hours=2)):
        refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert payment.next_check_at == closes_at + timedelta(minutes=1)
