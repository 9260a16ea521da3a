from uuid import UUID

from celery import shared_task

from payments.gateways.base import GatewayUnavailable
from payments.services import reconciliation

BATCH = 100


@shared_task
def reconcile_payments(**_: object) -> int:
    """Queue a check of every payment whose next one is due. Beat: 1 min."""
    queued = 0
    while ids := reconciliation.claim_due_payments(limit=BATCH):
        for payment_id in ids:
            reconcile_payment.delay(payment_id=str(payment_id))
        queued += len(ids)
    return queued


@shared_task(
    acks_late=True,
    autoretry_for=(GatewayUnavailable,),
    retry_backoff=30,  # seconds, doubling
    retry_backoff_max=3600,
    max_retries=5,
)
def reconcile_payment(*, payment_id: str, **_: object) -> None:
    reconciliation.reconcile_payment(payment_id=UUID(payment_id))
