"""Tells the workers at once that a webhook waits. Losing it costs seconds: a sweep follows."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

log = structlog.get_logger()


def workers(delivery_id: str) -> None:
    try:
        current_app.send_task("simulator.tasks.send_webhook", kwargs={"delivery_id": delivery_id})
    except OperationalError as error:
        log.warning("webhook_wake_failed", delivery_id=delivery_id, error=str(error))
