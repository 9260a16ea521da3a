from celery import shared_task

from billing.services import expiry
from common import clock


@shared_task
def expire_sessions(**_: object) -> int:
    """Close the calls that never ended. Beat: every minute."""
    return expiry.expire_sessions(now=clock.now())
