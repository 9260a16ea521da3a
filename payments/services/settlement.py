"""What the gateway says, compared with what we sold, decides what becomes of a payment."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from common import clock
from common.events import publish
from payments import metrics, schedule, selectors, state
from payments.enums import EventSource, PaymentStatus, SettlementResult
from payments.events import PaymentFailed, PaymentQuarantined, PaymentSucceeded
from payments.gateways.base import GatewayPayment
from payments.gateways.registry import gateway_for
from payments.models import OPEN, PaymentTransaction
from payments.state import Cause

log = structlog.get_logger()


def refresh_payment(
    *, payment_id: UUID, source: EventSource, actor_id: UUID | None = None
) -> SettlementResult:
    """Ask the gateway about a payment, and settle it by the answer.

    Raises:
        NotFound: there is no such payment.
        GatewayUnavailable: no usable answer; nothing changed.
        GatewayRefused: the gateway does not answer us; nothing changed.
    """
    payment = selectors.get_payment(payment_id=payment_id)
    PaymentTransaction.objects.filter(pk=payment_id).update(checked_at=clock.now())
    evidence = gateway_for(payment.payment_method).fetch_payment(
        gateway_reference=payment.gateway_reference, payment_id=payment_id
    )
    if evidence is None:
        log.warning("payment_unknown_to_gateway", payment_id=str(payment_id))
        return SettlementResult.UNCHANGED
    return settle_payment(
        payment_id=payment_id, evidence=evidence, source=source, actor_id=actor_id
    )


@transaction.atomic
def settle_payment(
    *,
    payment_id: UUID,
    evidence: GatewayPayment,
    source: EventSource,
    actor_id: UUID | None = None,
) -> SettlementResult:
    """Move a payment to where the gateway has it, if every fact matches what we sold.

    A contradiction quarantines the payment and moves nothing. From then on only
    a member of staff who asks the gateway again, and gets matching facts, moves it.
    The same evidence again changes nothing, and neither does outdated evidence.
    """
    payment = PaymentTransaction.objects.select_for_update().get(pk=payment_id)
    facts = evidence.evidence()
    if contradiction := _contradiction(payment, evidence):
        cause = Cause(source=source, reason=contradiction, actor_id=actor_id, evidence=facts)
        return _counted(_quarantine(payment, cause))
    if payment.quarantined_at and source != EventSource.ADMIN:
        return _counted(SettlementResult.UNCHANGED)
    cause = Cause(source=source, reason=_reason(payment), actor_id=actor_id, evidence=facts)
    if state.can_move(payment.status, evidence.status):
        _move(payment, evidence, cause)
        return _counted(SettlementResult.MOVED)
    if payment.quarantined_at:
        state.annotate(payment, cause, **_released(payment))
        return _counted(SettlementResult.MOVED)
    return _counted(SettlementResult.UNCHANGED)


def _contradiction(payment: PaymentTransaction, evidence: GatewayPayment) -> str:
    known = payment.gateway_reference
    checks = {
        "reference_mismatch": evidence.reference != str(payment.id)
        or known not in {None, evidence.gateway_reference},
        "amount_mismatch": evidence.amount_minor != payment.amount_minor,
        "currency_mismatch": evidence.currency != payment.currency,
        "mode_mismatch": evidence.is_test != payment.is_test,
        "refunded_at_gateway": evidence.amount_refunded_minor > 0,
    }
    return next((reason for reason, contradicts in checks.items() if contradicts), "")


def _quarantine(payment: PaymentTransaction, cause: Cause) -> SettlementResult:
    if payment.quarantine_reason == cause.reason:
        return SettlementResult.UNCHANGED
    state.annotate(
        payment,
        cause,
        quarantined_at=clock.now(),
        quarantine_reason=cause.reason,
        next_check_at=None,
    )
    publish(PaymentQuarantined(payment_id=str(payment.id), reason=cause.reason))
    log.error("payment_quarantined", payment_id=str(payment.id), reason=cause.reason)
    return SettlementResult.QUARANTINED


def _reason(payment: PaymentTransaction) -> str:
    if payment.quarantined_at:
        return "quarantine_released"
    return "gateway_evidence" if payment.is_open else "late_gateway_evidence"


def _move(payment: PaymentTransaction, evidence: GatewayPayment, cause: Cause) -> None:
    now = clock.now()
    columns: dict[str, Any] = {
        "gateway_reference": evidence.gateway_reference,
        "gateway_status": evidence.gateway_status,
        "checkout_url": evidence.checkout_url,
        "expires_at": evidence.expires_at,
        "paid_at": now if evidence.status == PaymentStatus.SUCCEEDED else None,
        "failed_at": now if evidence.status == PaymentStatus.FAILED else None,
        "failure_code": evidence.failure_code,
        "failure_message": evidence.failure_message,
        "quarantined_at": None,
        "quarantine_reason": "",
        "next_check_at": _next_check(payment, evidence.status, evidence.expires_at),
    }
    state.move(payment, evidence.status, cause, **columns)
    announce(payment)


def _released(payment: PaymentTransaction) -> dict[str, Any]:
    return {
        "quarantined_at": None,
        "quarantine_reason": "",
        "next_check_at": _next_check(payment, payment.status, payment.expires_at),
    }


def _next_check(
    payment: PaymentTransaction, status: str, expires_at: datetime | None
) -> datetime | None:
    if status not in OPEN:
        return None
    return schedule.next_check(
        created_at=payment.created_at, expires_at=expires_at, now=clock.now()
    )


def announce(payment: PaymentTransaction) -> None:
    """Publish that a payment has just succeeded or failed; other states concern nobody else."""
    payment_id, user_id = str(payment.id), str(payment.user_id)
    if payment.status == PaymentStatus.SUCCEEDED:
        publish(
            PaymentSucceeded(
                payment_id=payment_id,
                user_id=user_id,
                amount_minor=payment.amount_minor,
                currency=payment.currency,
            )
        )
    if payment.status == PaymentStatus.FAILED:
        publish(PaymentFailed(payment_id=payment_id, user_id=user_id, code=payment.failure_code))


def _counted(result: SettlementResult) -> SettlementResult:
    transaction.on_commit(metrics.settlements.labels(result=result).inc, robust=True)
    return result
