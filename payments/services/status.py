"""What a customer who waits is told: the gateway is asked first, when that can change anything."""

from uuid import UUID

import structlog

from common import clock
from payments import selectors
from payments.enums import EventSource, PaymentStatus
from payments.gateways.base import GatewayRefused, GatewayUnavailable
from payments.models import OPEN, PaymentTransaction
from payments.services.settlement import refresh_payment

log = structlog.get_logger()


def look_again(*, payment_id: UUID) -> PaymentTransaction:
    """Ask the gateway, unless the payment is closed or was asked for within five seconds.

    Raises:
        NotFound: there is no such payment.
    """
    now = clock.now()
    claimed = PaymentTransaction.objects.filter(
        selectors.not_asked_lately(now=now),
        pk=payment_id,
        status__in=OPEN,
        quarantined_at__isnull=True,
    ).update(checked_at=now)
    if claimed:
        _try_refresh(payment_id, EventSource.STATUS_QUERY)
    return selectors.get_payment(payment_id=payment_id)


def come_back(*, payment_id: UUID) -> PaymentTransaction:
    """Ask the gateway, because the browser returned from its page.

    Raises:
        NotFound: there is no such payment.
    """
    payment = selectors.get_payment(payment_id=payment_id)
    if payment.status == PaymentStatus.SUCCEEDED:
        return payment
    _try_refresh(payment_id, EventSource.RETURN)
    return selectors.get_payment(payment_id=payment_id)


def _try_refresh(payment_id: UUID, source: EventSource) -> None:
    try:
        refresh_payment(payment_id=payment_id, source=source)
    except (GatewayUnavailable, GatewayRefused) as error:
        # The customer is shown what we know; the schedule keeps asking.
        log.warning("gateway_not_asked", payment_id=str(payment_id), code=error.code)
