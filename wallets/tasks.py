from collections.abc import Callable

from celery import shared_task

from common import clock
from wallets import services

ROUNDS = 20  # of one run; the next run goes on


@shared_task
def expire_holds(**_: object) -> int:
    """Close holds past their time. Beat: every 30 s."""
    return _sweep(services.expire_holds)


@shared_task
def expire_grants(**_: object) -> int:
    """Expire lots past their time. Beat: every minute."""
    return _sweep(services.expire_grants)


def _sweep(sweep: Callable[..., int]) -> int:
    now = clock.now()
    total = 0
    for _ in range(ROUNDS):
        swept = sweep(now=now)
        total += swept
        if swept < services.SWEEP_LIMIT:
            break
    return total
