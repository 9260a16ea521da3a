from datetime import timedelta

import pytest

from common import clock
from common.testing import drain_outbox
from payments import tasks
from payments.gateways.base import GatewayRefused, GatewayUnavailable
from payments.models import PaymentTransaction
from payments.schedule import LADDER
from payments.services.reconciliation import claim_due_payments, reconcile_payment
from payments.tests import crooked_gateway as faults
from payments.tests.factories import make_payment
from wallets.selectors import balances_of

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def queued(monkeypatch):
    """Runs queued checks at once, as a worker would a moment later."""
    ids = []

    def run(**kwargs):
        ids.append(kwargs["payment_id"])
        tasks.reconcile_payment(**kwargs)

    monkeypatch.setattr(tasks.reconcile_payment, "delay", run)
    return ids


def at(payment, age):
    return clock.frozen(payment.created_at + age)


def test_claim_takes_what_is_due_and_dates_the_next_check(payment):
    with at(payment, LADDER[0] - MINUTE):
        assert claim_due_payments(limit=10) == []
    with at(payment, LADDER[0]):
        assert claim_due_payments(limit=10) == [payment.id]
        assert claim_due_payments(limit=10) == []

    payment.refresh_from_db()
    assert (payment.checks_count, payment.next_check_at) == (1, payment.created_at + LADDER[1])


def test_claim_after_a_long_stop_catches_up_in_one_check(payment):
    with at(payment, timedelta(hours=30)):
        claim_due_payments(limit=10)

    payment.refresh_from_db()
    assert (payment.checks_count, payment.next_check_at) == (4, payment.created_at + LADDER[4])


def test_claim_of_the_last_check_leaves_another_in_case_the_worker_dies(payment):
    with at(payment, LADDER[-1]):
        claim_due_payments(limit=10)

    payment.refresh_from_db()
    assert payment.checks_count == 5
    assert payment.next_check_at == payment.created_at + LADDER[-1] + timedelta(hours=1)


def test_claim_takes_no_more_than_its_limit_and_the_longest_overdue_first(method):
    start = clock.now()
    payments = [
        make_payment(method=method, next_check_at=start - timedelta(minutes=minutes))
        for minutes in (1, 3, 2)
    ]

    assert claim_due_payments(limit=2) == [payments[1].id, payments[2].id]
    assert claim_due_payments(limit=2) == [payments[0].id]


def test_reconcile_alone_completes_a_payment_whose_webhooks_are_all_lost(payment, gateway, queued):
    gateway.move("succeeded")

    with at(payment, LADDER[0]):
        tasks.reconcile_payments()
        drain_outbox()

    payment.refresh_from_db()
    assert (payment.status, payment.next_check_at) == ("succeeded", None)
    assert payment.events.get(version=3).source == "reconciliation"
    assert balances_of([payment.user_id])[payment.user_id].balance == 1000


def test_reconcile_task_twice_checks_once(payment, gateway, queued):
    with at(payment, LADDER[0]):
        assert tasks.reconcile_payments() == 1
        assert tasks.reconcile_payments() == 0

    assert queued == [str(payment.id)]


def test_reconcile_payment_task_twice_settles_once(payment, gateway):
    gateway.move("succeeded")

    for _ in range(2):
        tasks.reconcile_payment(payment_id=str(payment.id), unknown="from a newer release")

    payment.refresh_from_db()
    assert (payment.status, payment.version) == ("succeeded", 3)


def test_reconcile_task_takes_every_batch(method, gateway, queued, monkeypatch):
    """Bounded batches, no end of the day."""
    monkeypatch.setattr(tasks, "BATCH", 2)
    for _ in range(3):
        make_payment(method=method)

    assert tasks.reconcile_payments() == 3
    assert len(set(queued)) == 3


def test_reconcile_by_the_whole_ladder_then_expires(payment, gateway, queued):
    """15 min, 1 h, 6 h, 24 h, 72 h, then expired."""
    asked = []
    for hours in range(80):
        gateway.calls.clear()
        with at(payment, timedelta(hours=hours)), clock.frozen(clock.now() + LADDER[0]):
            tasks.reconcile_payments()
        if gateway.calls:
            asked.append(hours)

    payment.refresh_from_db()
    assert asked == [0, 1, 6, 24, 72]
    assert (payment.status, payment.next_check_at) == ("expired", None)
    event = payment.events.get(version=3)
    assert (event.source, event.reason) == ("reconciliation", "not_completed_in_time")


def test_reconcile_of_a_checkout_that_the_gateway_expired_expires_it(payment, gateway):
    gateway.move("expired")

    reconcile_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert (payment.status, payment.gateway_status) == ("expired", "expired")


def test_reconcile_of_a_checkout_that_was_never_opened_expires_in_the_end(method):
    payment = make_payment(status="initiated", method=method, checks_count=5)

    reconcile_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.status == "expired"


def test_reconcile_of_a_payment_that_succeeded_at_the_last_moment_does_not_expire_it(
    payment, gateway
):
    PaymentTransaction.objects.update(checks_count=5)
    gateway.move("succeeded")

    reconcile_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.status == "succeeded"


def test_reconcile_of_a_contradicted_payment_quarantines_and_does_not_expire_it(payment, gateway):
    PaymentTransaction.objects.update(checks_count=5)
    gateway.lies = {"amount": 1}

    reconcile_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert (payment.status, payment.quarantine_reason) == ("pending", "amount_mismatch")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.hang, GatewayUnavailable),
        (faults.answers(401, {"code": "not_authenticated"}), GatewayRefused),
    ],
)
def test_reconcile_without_an_answer_waits_and_expires_only_at_the_last_check(
    payment, gateway, fault, error
):
    gateway.faults = [fault]
    with pytest.raises(error):
        reconcile_payment(payment_id=payment.id)
    payment.refresh_from_db()
    assert payment.status == "pending"

    PaymentTransaction.objects.update(checks_count=5)
    gateway.faults = [fault]
    reconcile_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.status == "expired"
    assert payment.events.get(version=3).reason == "gateway_silent"


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"status": "expired"}])
def test_reconcile_of_a_closed_payment_asks_nobody(method, gateway, fields):
    payment = make_payment(method=method, **fields)

    reconcile_payment(payment_id=payment.id)

    assert gateway.calls == []


def test_reconcile_of_a_quarantined_payment_asks_nobody(method, gateway):
    payment = make_payment(
        method=method,
        quarantined_at=clock.now(),
        quarantine_reason="amount_mismatch",
        next_check_at=None,
    )

    reconcile_payment(payment_id=payment.id)

    assert gateway.calls == []


def test_reconcile_task_retries_only_what_retrying_can_cure():
    task = tasks.reconcile_payment

    assert task.autoretry_for == (GatewayUnavailable,)
    assert (task.max_retries, task.retry_backoff, task.acks_late) == (5, 30, True)
