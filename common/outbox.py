"""Delivers what ``publish`` recorded: each handler once, in its own transaction."""

from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Min
from structlog.contextvars import bound_contextvars

from common import clock, wake
from common.enums import DeliveryStatus
from common.errors import Conflict
from common.events import WAKE_GRACE, call_handler
from common.metrics import outbox_deliveries
from common.models import EventDelivery, OutboxEvent

log = structlog.get_logger()

MAX_ATTEMPTS = 10
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(hours=1)
KEEP_DELIVERED = timedelta(days=30)


def deliver(delivery_id: UUID) -> bool:
    """Run one pending delivery, unless another worker has it.

    Returns:
        Whether the handler ran and its effects are committed.
    """
    try:
        with transaction.atomic():
            delivery = _claim(delivery_id)
            if delivery is None:
                return False
            with bound_contextvars(
                request_id=delivery.event.request_id, event_id=str(delivery.event_id)
            ):
                call_handler(delivery.handler, delivery.event)
            delivery.status = DeliveryStatus.DONE
            delivery.done_at = clock.now()
            delivery.save(update_fields=["status", "done_at"])
    except Exception as error:  # noqa: BLE001 -- whatever a handler raises, the delivery lives on
        _record_failure(delivery_id, error)
        return False
    outbox_deliveries.labels(result="done").inc()
    return True


def _claim(delivery_id: UUID) -> EventDelivery | None:
    return (
        EventDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("event")
        .filter(pk=delivery_id, status=DeliveryStatus.PENDING)
        .first()
    )


@transaction.atomic
def _record_failure(delivery_id: UUID, error: Exception) -> None:
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    delivery.attempts += 1
    delivery.last_error = _storable(f"{type(error).__name__}: {error}")
    wait = min(FIRST_RETRY * 2 ** (delivery.attempts - 1), LONGEST_RETRY)
    delivery.next_attempt_at = clock.now() + wait
    dead = delivery.attempts >= MAX_ATTEMPTS
    if dead:
        delivery.status = DeliveryStatus.DEAD
    delivery.save(update_fields=["attempts", "last_error", "next_attempt_at", "status"])
    outbox_deliveries.labels(result="dead" if dead else "failed").inc()
    log.error("event_handler_failed", handler=delivery.handler, dead=dead, exc_info=error)


def _storable(text: str) -> str:
    """Shortened, and without what PostgreSQL refuses: an error may quote anything."""
    return text[:2000].replace("\x00", "").encode("utf-8", "replace").decode()


def due_deliveries(*, limit: int) -> list[UUID]:
    """Pending deliveries whose time has come, oldest first."""
    return list(
        EventDelivery.objects.filter(
            status=DeliveryStatus.PENDING, next_attempt_at__lte=clock.now()
        )
        .order_by("next_attempt_at", "id")
        .values_list("id", flat=True)[:limit]
    )


@transaction.atomic
def replay(*, delivery_ids: list[UUID]) -> int:
    """Give dead deliveries a fresh set of attempts, starting now.

    Raises:
        Conflict: none of them is dead.
    """
    now = clock.now()
    dead = EventDelivery.objects.filter(pk__in=delivery_ids, status=DeliveryStatus.DEAD)
    ids = list(dead.select_for_update().order_by("pk").values_list("pk", flat=True))
    if not ids:
        raise Conflict("Only dead deliveries can be replayed, and none of these is.")
    EventDelivery.objects.filter(pk__in=ids).update(
        status=DeliveryStatus.PENDING, attempts=0, next_attempt_at=now + WAKE_GRACE
    )
    transaction.on_commit(lambda: wake.workers([str(pk) for pk in ids]), robust=True)
    return len(ids)


def oldest_pending_seconds() -> float:
    """Age of the oldest event that some handler has still to hear; 0 when there is none."""
    oldest = EventDelivery.objects.filter(status=DeliveryStatus.PENDING).aggregate(
        at=Min("event__created_at")
    )["at"]
    return max(0.0, (clock.now() - oldest).total_seconds()) if oldest else 0.0


def count_dead() -> int:
    """How many deliveries were given up on and wait for someone to replay them."""
    return EventDelivery.objects.filter(status=DeliveryStatus.DEAD).count()


def forget_delivered() -> int:
    """Delete events older than 30 days that everyone has heard."""
    old = OutboxEvent.objects.filter(created_at__lt=clock.now() - KEEP_DELIVERED).exclude(
        deliveries__status__in=[DeliveryStatus.PENDING, DeliveryStatus.DEAD]
    )
    return old.delete()[1].get("common.OutboxEvent", 0)
