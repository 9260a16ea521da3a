"""The one place where a payment changes: compare, set, and tell, in one transaction."""

import json
from typing import Any

from django.db import transaction
from django.db.models import F

from common import clock
from common.errors import Conflict, NotFound
from simulator import ids, wake
from simulator.enums import EventType, PaymentStatus
from simulator.models import Payment, Refund, WebhookDelivery, WebhookEvent
from simulator.objects import payment_object, refund_object, timestamp
from simulator.state import ANNOUNCED_AS, MOVES


class MoveRefused(Conflict):
    code = "move_refused"


class PaymentChanged(Conflict):
    code = "payment_changed"


def lock_payment(*, payment_id: str) -> Payment:
    """Take the payment for ourselves until the transaction ends.

    Raises:
        NotFound: there is no such payment.
    """
    payment = Payment.objects.select_for_update().filter(pk=payment_id).first()
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


@transaction.atomic
def move_payment(
    *, payment: Payment, to: PaymentStatus, refund: Refund | None = None, **changes: Any
) -> None:
    """Take ``payment`` to ``to`` with ``changes``, and queue the merchant's webhook.

    Args:
        refund: the refund that is the reason, when there is one; the webhook is about it.

    Raises:
        MoveRefused: the state table has no such move.
        PaymentChanged: the row is no longer what ``payment`` says.
    """
    if to not in MOVES[PaymentStatus(payment.status)]:
        raise MoveRefused(f"A payment that is {payment.status} cannot become {to}.")
    moved = Payment.objects.filter(
        pk=payment.pk, status=payment.status, version=payment.version
    ).update(status=to, version=F("version") + 1, **changes)
    if not moved:
        raise PaymentChanged("The payment has changed meanwhile.")
    payment.refresh_from_db()
    subject = refund_object(refund) if refund else payment_object(payment)
    _announce(payment=payment, event_type=ANNOUNCED_AS[to], subject=subject)


def _announce(*, payment: Payment, event_type: EventType, subject: dict[str, Any]) -> None:
    now = clock.now()
    event_id = ids.event_id()
    content = {
        "id": event_id,
        "type": event_type,
        "created_at": timestamp(now),
        "data": {"object": subject},
    }
    event = WebhookEvent.objects.create(
        id=event_id, payment=payment, type=event_type, body=json.dumps(content), created_at=now
    )
    delivery = WebhookDelivery.objects.create(event=event, next_attempt_at=now)
    # Not a partial: reporting a failure, Django asks the callable for its name.
    transaction.on_commit(lambda: wake.workers(str(delivery.id)), robust=True)
