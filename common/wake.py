"""Tells the workers at once that deliveries wait. Losing it costs seconds: a sweep follows."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger()


def workers(delivery_ids: list[str]) -> None:
    try:
        current_app.send_task("common.tasks.deliver_events", kwargs={"delivery_ids": delivery_ids})
    except OperationalError as error:
        log.warning("outbox_wake_failed", deliveries=len(delivery_ids), error=str(error))
