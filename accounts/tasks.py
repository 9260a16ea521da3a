from celery import shared_task

from accounts import services


@shared_task
def forget_expired_tokens(**_: object) -> int:
    """Beat: daily."""
    return services.forget_expired_tokens()
