"""The one table of allowed moves, and the one function that moves a payment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from common import clock
from common.errors import Conflict
from payments.enums import EventSource, PaymentStatus
from payments.models import PaymentEvent, PaymentTransaction

# Money that the gateway has is never refused: a checkout that failed or expired
# still succeeds, on evidence. Nothing else leaves a closed state.
MOVES: Mapping[str, frozenset[str]] = {
    PaymentStatus.INITIATED: frozenset(
        {
            PaymentStatus.PENDING,
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.SUCCEEDED,
            PaymentStatus.FAILED,
            PaymentStatus.EXPIRED,
        }
    ),
    PaymentStatus.PENDING: frozenset(
        {
            PaymentStatus.REQUIRES_ACTION,
            PaymentStatus.SUCCEEDED,
            PaymentStatus.FAILED,
            PaymentStatus.EXPIRED,
        }
    ),
    PaymentStatus.REQUIRES_ACTION: frozenset(
        {PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.EXPIRED}
    ),
    PaymentStatus.FAILED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.EXPIRED: frozenset({PaymentStatus.SUCCEEDED}),
    PaymentStatus.SUCCEEDED: frozenset(),
}


class MoveNotAllowed(Conflict):
    code = "payment_move_not_allowed"


class PaymentMoved(Conflict):
    """Somebody else moved the payment first."""

    code = "payment_moved"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a payment moves. ``evidence``: what the gateway said, without secrets."""

    source: EventSource
    reason: str
    actor_id: UUID | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def can_move(from_status: str, to_status: str) -> bool:
    return to_status in MOVES[from_status]


@transaction.atomic
def move(payment: PaymentTransaction, to_status: str, cause: Cause, **columns: Any) -> None:
    """Compare-and-set the status, with its event, or change nothing.

    Raises:
        MoveNotAllowed: the table does not have this move, or success has no evidence.
        PaymentMoved: ``payment`` is not as it stands in the database.
    """
    if not can_move(payment.status, to_status):
        raise MoveNotAllowed(f"A payment does not go from {payment.status} to {to_status}.")
    if to_status == PaymentStatus.SUCCEEDED and not cause.evidence:
        raise MoveNotAllowed("Only the gateway's evidence makes a payment succeed.")
    _advance(payment, to_status, cause, columns)


@transaction.atomic
def annotate(payment: PaymentTransaction, cause: Cause, **columns: Any) -> None:
    """Record something that leaves the status as it is.

    Raises:
        PaymentMoved: ``payment`` is not as it stands in the database.
    """
    _advance(payment, payment.status, cause, columns)


def _advance(
    payment: PaymentTransaction, to_status: str, cause: Cause, columns: dict[str, Any]
) -> None:
    now = clock.now()
    changed = {**columns, "status": to_status, "version": payment.version + 1, "updated_at": now}
    swapped = PaymentTransaction.objects.filter(
        pk=payment.pk, status=payment.status, version=payment.version
    ).update(**changed)
    if not swapped:
        raise PaymentMoved("The payment has moved in the meantime.")
    PaymentEvent.objects.create(
        payment=payment,
        version=payment.version + 1,
        from_status=payment.status,
        to_status=to_status,
        source=cause.source,
        actor_id=cause.actor_id,
        reason=cause.reason,
        evidence=cause.evidence,
        created_at=now,
    )
    for name, value in changed.items():
        setattr(payment, name, value)
