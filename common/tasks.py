from uuid import UUID

from celery import shared_task

from common import outbox
from common.api import idempotency

SWEEP_LIMIT = 500


@shared_task
def deliver_events(*, delivery_ids: list[str], **_: object) -> int:
    """Run these deliveries now. Woken by the commit that made them."""
    return sum(outbox.deliver(UUID(delivery_id)) for delivery_id in delivery_ids)


@shared_task
def sweep_outbox(**_: object) -> int:
    """Run what no one was woken for, or what failed and is due again. Beat: 2 s."""
    return sum(outbox.deliver(pk) for pk in outbox.due_deliveries(limit=SWEEP_LIMIT))


@shared_task
def forget_delivered_events(**_: object) -> int:
    """Beat: daily."""
    return outbox.forget_delivered()


@shared_task
def forget_stored_answers(**_: object) -> int:
    """Beat: daily."""
    return idempotency.forget_stored_answers()
