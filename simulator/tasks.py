import time
from uuid import UUID

from celery import shared_task

from simulator.services import payments, webhooks

SWEEP_SECONDS = 30  # of claiming; the last attempt may take its ten seconds on top
EXPIRE_LIMIT = 500


@shared_task
def send_webhook(*, delivery_id: str, **_: object) -> None:
    """Send this one now. Woken by the commit that made it."""
    webhooks.send_webhook(delivery_id=UUID(delivery_id))


@shared_task
def send_due_webhooks(**_: object) -> int:
    """Send what no one was woken for, or what failed and is due again. Beat: 5 s."""
    stop_at = time.monotonic() + SWEEP_SECONDS
    sent = 0
    while time.monotonic() < stop_at and webhooks.send_webhook() is not None:
        sent += 1
    return sent


@shared_task
def expire_payments(**_: object) -> int:
    """Close checkouts that nobody finished. Beat: 60 s."""
    return payments.expire_payments(limit=EXPIRE_LIMIT)
