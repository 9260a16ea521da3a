from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q

from common import clock
from simulator import signing, transport
from simulator.enums import DeliveryState
from simulator.models import WebhookDelivery
from simulator.transport import Answer

log = structlog.get_logger()

RETRY_AFTER = (
    timedelta(seconds=10),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=24),
)
# Far longer than an attempt can take; a worker that dies sending is forgotten after it.
LEASE = timedelta(seconds=60)


def send_webhook(*, delivery_id: UUID | None = None) -> DeliveryState | None:
    """Make one attempt at a delivery whose time has come: this one, or the longest overdue.

    A merchant may see an event twice (a worker died after sending), never less than once.

    Returns:
        What became of it; ``None`` when nothing is due or another worker has it.
    """
    delivery = _claim(delivery_id)
    if delivery is None:
        return None
    event = delivery.event
    merchant = event.payment.merchant
    body = event.body.encode()
    timestamp = int(clock.now().timestamp())
    answer = transport.post(
        url=merchant.webhook_url,
        headers={
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "zaaz-simulator",
            "webhook-id": event.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.sign(
                secret=merchant.webhook_secret, event_id=event.id, timestamp=timestamp, body=body
            ),
        },
        body=body,
    )
    return _record(delivery, answer)


@transaction.atomic
def resend_deliveries(*, delivery_ids: list[UUID]) -> int:
    """Send again from the first rung, delivered or given up; those under way stay as they are.

    Returns:
        How many will be sent.
    """
    return (
        WebhookDelivery.objects.filter(pk__in=delivery_ids)
        .exclude(state=DeliveryState.PENDING)
        .update(state=DeliveryState.PENDING, attempts=0, next_attempt_at=clock.now())
    )


@transaction.atomic
def _claim(delivery_id: UUID | None) -> WebhookDelivery | None:
    now = clock.now()
    due = (
        WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("event__payment__merchant")
        .filter(state=DeliveryState.PENDING, next_attempt_at__lte=now)
        .filter(Q(leased_until__isnull=True) | Q(leased_until__lte=now))
        .order_by("next_attempt_at", "id")
    )
    delivery = (due.filter(pk=delivery_id) if delivery_id else due).first()
    if delivery is None:
        return None
    # Counted before it is made, so that an attempt that kills its worker counts too.
    delivery.attempts += 1
    delivery.leased_until = now + LEASE
    delivery.save(update_fields=["attempts", "leased_until", "updated_at"])
    return delivery


def _record(delivery: WebhookDelivery, answer: Answer) -> DeliveryState:
    now = clock.now()
    next_attempt_at = delivery.next_attempt_at
    if answer.is_accepted:
        state = DeliveryState.DELIVERED
    elif delivery.attempts > len(RETRY_AFTER):
        state = DeliveryState.FAILED
    else:
        state = DeliveryState.PENDING
        next_attempt_at = now + RETRY_AFTER[delivery.attempts - 1]
    # Whoever claimed it after our lease ran out writes the result, not we.
    WebhookDelivery.objects.filter(pk=delivery.pk, leased_until=delivery.leased_until).update(
        state=state,
        next_attempt_at=next_attempt_at,
        leased_until=None,
        last_status_code=answer.status_code,
        response_excerpt=answer.excerpt,
        updated_at=now,
    )
    log.info(
        "webhook_attempted",
        event_id=delivery.event_id,
        attempt=delivery.attempts,
        status_code=answer.status_code,
        state=state,
    )
    return state
