"""How one part of the system tells the others what happened.

A service calls ``publish`` inside its transaction. The fact and one delivery
for each handler are rows of that transaction; ``common.outbox`` delivers them.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from django.db import connection, transaction
from structlog.contextvars import get_contextvars

from common import clock, wake
from common.models import EventDelivery, OutboxEvent

# The sweep leaves a fresh delivery to the worker that was woken for it.
WAKE_GRACE = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """A fact in the past tense. Fields are JSON values: ids and integers, no prose."""

    type: ClassVar[str]


EventT = TypeVar("EventT", bound=DomainEvent)
Handler = Callable[[Any], None]

_handlers: dict[str, dict[str, tuple[type[DomainEvent], Handler]]] = {}


def subscribe(
    event_class: type[EventT],
) -> Callable[[Callable[[EventT], None]], Callable[..., None]]:
    """Register the decorated function as a handler of ``event_class``."""

    def register(handler: Callable[[EventT], None]) -> Callable[[EventT], None]:
        name = f"{handler.__module__}.{handler.__qualname__}"
        _handlers.setdefault(event_class.type, {})[name] = (event_class, handler)
        return handler

    return register


def publish(event: DomainEvent) -> None:
    """Record ``event`` for everyone who subscribed, in the caller's transaction.

    Raises:
        RuntimeError: there is no transaction to be part of.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("publish() needs a transaction: the fact and its change are one.")
    now = clock.now()
    row = OutboxEvent.objects.create(
        type=event.type,
        payload={field.name: getattr(event, field.name) for field in fields(event)},
        request_id=get_contextvars().get("request_id", ""),
        created_at=now,
    )
    deliveries = EventDelivery.objects.bulk_create(
        EventDelivery(event=row, handler=name, next_attempt_at=now + WAKE_GRACE)
        for name in _handlers.get(event.type, {})
    )
    if deliveries:
        ids = [str(delivery.id) for delivery in deliveries]
        transaction.on_commit(lambda: wake.workers(ids), robust=True)


def call_handler(name: str, event: OutboxEvent) -> None:
    """Run one handler on one stored event.

    Raises:
        LookupError: no code of this release handles it under that name.
    """
    try:
        event_class, handler = _handlers[event.type][name]
    except KeyError:
        raise LookupError(f"No handler {name} for {event.type}.") from None
    known = event_class.__dataclass_fields__
    handler(event_class(**{key: value for key, value in event.payload.items() if key in known}))
