"""Looks after payments that nobody told us the end of: webhooks may all be lost."""

from uuid import UUID

import structlog
from django.db import transaction

from common import clock
from payments import schedule, selectors, state
from payments.enums import EventSource, PaymentStatus
from payments.gateways.base import GatewayRefused, GatewayUnavailable
from payments.models import PaymentTransaction
from payments.services.settlement import refresh_payment
from payments.state import Cause

log = structlog.get_logger()


@transaction.atomic
def claim_due_payments(*, limit: int) -> list[UUID]:
    """Take payments whose check is due, and set the date of their next one.

    A worker that dies with its claim costs one check; the next one follows by
    itself. Two workers never claim the same check.
    """
    now = clock.now()
    due = list(selectors.due_payments(now=now).select_for_update(skip_locked=True)[:limit])
    for payment in due:
        payment.checks_count = schedule.checks_behind(created_at=payment.created_at, now=now)
        payment.next_check_at = schedule.next_check(
            created_at=payment.created_at, expires_at=payment.expires_at, now=now
        )
    PaymentTransaction.objects.bulk_update(due, ["checks_count", "next_check_at"])
    return [payment.id for payment in due]


def reconcile_payment(*, payment_id: UUID) -> None:
    """Ask the gateway about an open payment; after the last scheduled check, let it expire.

    Raises:
        NotFound: there is no such payment.
        GatewayUnavailable: no usable answer, and more checks to come.
        GatewayRefused: the gateway does not answer us, and more checks to come.
    """
    payment = selectors.get_payment(payment_id=payment_id)
    if not payment.is_open or payment.quarantined_at:
        return
    is_last = payment.checks_count >= len(schedule.LADDER)
    try:
        refresh_payment(payment_id=payment_id, source=EventSource.RECONCILIATION)
    except (GatewayUnavailable, GatewayRefused):
        if not is_last:
            raise
        _expire(payment_id, reason="gateway_silent")
        return
    if is_last:
        _expire(payment_id, reason="not_completed_in_time")


@transaction.atomic
def _expire(payment_id: UUID, *, reason: str) -> None:
    payment = PaymentTransaction.objects.select_for_update().get(pk=payment_id)
    if not payment.is_open or payment.quarantined_at:
        return
    cause = Cause(source=EventSource.RECONCILIATION, reason=reason)
    state.move(payment, PaymentStatus.EXPIRED, cause, next_check_at=None)
    log.error("payment_expired_unresolved", payment_id=str(payment_id), reason=reason)
