"""The inbox: stored before it is acknowledged, and only ever a reason to ask the gateway."""

from collections.abc import Mapping
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from common import clock
from common.errors import NotFound
from common.events import publish
from payments import metrics, selectors
from payments.enums import EventSource, WebhookVerdict
from payments.events import WebhookReceived
from payments.gateways.base import InvalidSignature, WebhookMessage
from payments.gateways.registry import gateway_for
from payments.models import PaymentMethod, WebhookEvent
from payments.services.settlement import refresh_payment

log = structlog.get_logger()


def receive_webhook(*, payment_method_id: UUID, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify a webhook and put it into the inbox, for ``process_webhook`` to follow up.

    Methods that are switched off or in the trash still hear: customers may have
    paid through them a moment before.

    Args:
        headers: by name in lower case.

    Returns:
        Whether it is new; the same event again has no effect.

    Raises:
        NotFound: there is no such payment method.
        InvalidSignature: it is not the gateway's or too old; nothing is stored.
    """
    method = PaymentMethod.all_objects.filter(pk=payment_method_id).first()
    if method is None:
        raise NotFound("There is no such payment method.")
    try:
        message = gateway_for(method).parse_webhook(headers=headers, body=body, now=clock.now())
    except InvalidSignature:
        metrics.webhooks.labels(verdict="invalid_signature").inc()
        log.warning("webhook_refused", payment_method_id=str(payment_method_id))
        raise
    is_new = _store(method, message, body)
    metrics.webhooks.labels(verdict="received" if is_new else "duplicate").inc()
    return is_new


def _store(method: PaymentMethod, message: WebhookMessage, body: bytes) -> bool:
    try:
        with transaction.atomic():
            event = WebhookEvent.objects.create(
                payment_method=method,
                gateway_event_id=message.event_id,
                event_type=message.event_type,
                gateway_reference=message.gateway_reference,
                headers=message.headers,
                body=body.decode(),
            )
            publish(WebhookReceived(webhook_event_id=str(event.id)))
    except IntegrityError:
        return False
    return True


def process_webhook(*, webhook_event_id: UUID) -> WebhookVerdict:
    """Ask the gateway about the payment that a stored webhook names, and note what came of it.

    The body is never believed. Safe to repeat.

    Raises:
        GatewayUnavailable: no usable answer; try again later.
        GatewayRefused: the gateway does not answer us.
    """
    event = WebhookEvent.objects.get(pk=webhook_event_id)
    verdict = _verdict(event)
    WebhookEvent.objects.filter(pk=event.pk).update(processed_at=clock.now(), verdict=verdict)
    transaction.on_commit(metrics.webhooks.labels(verdict=verdict).inc, robust=True)
    return verdict


def _verdict(event: WebhookEvent) -> WebhookVerdict:
    payment = selectors.payment_at_gateway(
        payment_method_id=event.payment_method_id, gateway_reference=event.gateway_reference
    )
    if payment is None:
        log.error("webhook_for_unknown_payment", webhook_event_id=str(event.id))
        return WebhookVerdict.UNKNOWN_PAYMENT
    return WebhookVerdict(refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK))


@transaction.atomic
def process_again(*, webhook_event_ids: list[UUID]) -> int:
    """Have stored webhooks followed up once more, by the worker."""
    ids = WebhookEvent.objects.filter(pk__in=webhook_event_ids).values_list("id", flat=True)
    for pk in ids:
        publish(WebhookReceived(webhook_event_id=str(pk)))
    return len(ids)
