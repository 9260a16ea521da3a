from datetime import timedelta

import pytest

from common import clock
from payments.enums import EventSource, PaymentStatus
from payments.models import PaymentEvent, PaymentTransaction
from payments.services.settlement import refresh_payment
from payments.state import MOVES, Cause, MoveNotAllowed, PaymentMoved, annotate, can_move, move
from payments.tests.factories import NOW, make_payment

pytestmark = pytest.mark.django_db

CAUSE = Cause(source=EventSource.WEBHOOK, reason="test", evidence={"gateway_status": "said"})
ALLOWED = {
    ("initiated", "pending"),
    ("initiated", "requires_action"),
    ("initiated", "succeeded"),
    ("initiated", "failed"),
    ("initiated", "expired"),
    ("pending", "requires_action"),
    ("pending", "succeeded"),
    ("pending", "failed"),
    ("pending", "expired"),
    ("requires_action", "succeeded"),
    ("requires_action", "failed"),
    ("requires_action", "expired"),
    ("failed", "succeeded"),
    ("expired", "succeeded"),
}
EVERY_PAIR = [(one, two) for one in PaymentStatus.values for two in PaymentStatus.values]


def columns_for(status):
    return {
        "gateway_reference": "pay_moved",
        "paid_at": NOW if status == "succeeded" else None,
        "failed_at": NOW if status == "failed" else None,
        "next_check_at": NOW if status in {"pending", "requires_action"} else None,
    }


def test_every_status_has_its_line_in_the_table():
    assert set(MOVES) == set(PaymentStatus)


@pytest.mark.parametrize(("one", "two"), EVERY_PAIR)
def test_can_move_knows_exactly_the_allowed_moves(one, two):
    assert can_move(one, two) == ((one, two) in ALLOWED)


@pytest.mark.parametrize(("one", "two"), sorted(ALLOWED))
def test_move_that_is_allowed_writes_one_event_with_the_next_version(one, two, user):
    payment = make_payment(status=one)

    with clock.frozen(NOW):
        move(
            payment,
            two,
            Cause(
                source=EventSource.ADMIN, reason="asked", actor_id=user.id, evidence={"word": two}
            ),
            **columns_for(two),
        )

    stored = PaymentTransaction.objects.get(pk=payment.pk)
    assert (stored.status, stored.version, stored.updated_at) == (two, 2, NOW)
    assert (payment.status, payment.version) == (two, 2)
    event = payment.events.get(version=2)
    assert (event.from_status, event.to_status) == (one, two)
    assert (event.source, event.reason, event.actor_id) == ("admin", "asked", user.id)
    assert (event.evidence, event.created_at) == ({"word": two}, NOW)


@pytest.mark.parametrize(("one", "two"), sorted(set(EVERY_PAIR) - ALLOWED))
def test_move_that_is_not_allowed_changes_nothing(one, two):
    payment = make_payment(status=one)

    with pytest.raises(MoveNotAllowed):
        move(payment, two, CAUSE, **columns_for(two))

    assert PaymentTransaction.objects.get(pk=payment.pk).version == 1
    assert payment.events.count() == 1


@pytest.mark.parametrize("status", ["initiated", "pending", "failed", "expired"])
def test_move_to_succeeded_without_evidence_changes_nothing(status):
    """Nobody makes a payment succeed by hand."""
    payment = make_payment(status=status)

    with pytest.raises(MoveNotAllowed):
        move(
            payment,
            PaymentStatus.SUCCEEDED,
            Cause(source=EventSource.ADMIN, reason="because"),
            **columns_for("succeeded"),
        )

    assert PaymentTransaction.objects.get(pk=payment.pk).status == status


def test_move_of_an_outdated_payment_changes_nothing():
    """A compare-and-set, not a read and a write."""
    payment = make_payment(status="pending")
    outdated = PaymentTransaction.objects.get(pk=payment.pk)
    move(payment, PaymentStatus.FAILED, CAUSE, **columns_for("failed"))

    with pytest.raises(PaymentMoved):
        move(outdated, PaymentStatus.EXPIRED, CAUSE, **columns_for("expired"))

    assert PaymentTransaction.objects.get(pk=payment.pk).status == "failed"
    assert PaymentEvent.objects.filter(payment=payment).count() == 2


def test_annotate_keeps_the_status_and_writes_an_event():
    payment = make_payment(status="pending")

    annotate(payment, CAUSE, gateway_status="odd")

    stored = PaymentTransaction.objects.get(pk=payment.pk)
    assert (stored.status, stored.version, stored.gateway_status) == ("pending", 2, "odd")
    event = payment.events.get(version=2)
    assert (event.from_status, event.to_status) == ("pending", "pending")


def test_annotate_of_an_outdated_payment_changes_nothing():
    payment = make_payment(status="pending")
    outdated = PaymentTransaction.objects.get(pk=payment.pk)
    annotate(payment, CAUSE)

    with pytest.raises(PaymentMoved):
        annotate(outdated, CAUSE, gateway_status="odd")

    assert PaymentTransaction.objects.get(pk=payment.pk).gateway_status == ""


def test_the_next_check_follows_the_age_of_the_payment(payment, gateway):
    gateway.move("requires_action")

    with clock.frozen(payment.created_at + timedelta(hours=2)):
        refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)

    payment.refresh_from_db()
    assert payment.next_check_at == payment.created_at + timedelta(hours=6)
