from celery import shared_task

from catalog import services
from common import clock

BATCH = 1000  # subscriptions in one transaction


@shared_task
def expire_subscriptions(**_: object) -> int:
    """Close the subscriptions whose period is over. Beat: 5 min. Returns: how many."""
    total = 0
    while closed := services.expire_subscriptions(now=clock.now(), limit=BATCH):
        total += closed
    return total
