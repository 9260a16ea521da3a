"""Helpers for tests of every app."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from common import outbox
from common.enums import DeliveryStatus
from common.models import EventDelivery


def drain_outbox() -> int:
    """Deliver everything that waits, and what that publishes, until nothing does.

    Raises:
        AssertionError: a handler failed; the message says which and why.
    """
    delivered = 0
    while ids := list(
        EventDelivery.objects.filter(status=DeliveryStatus.PENDING)
        .order_by("id")
        .values_list("id", flat=True)
    ):
        for delivery_id in ids:
            if outbox.deliver(delivery_id):
                delivered += 1
                continue
            failed = EventDelivery.objects.get(pk=delivery_id)
            raise AssertionError(f"{failed.handler} failed: {failed.last_error}")
    return delivered


def run_concurrently(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Start every call in its own thread at once; return results or exceptions, in order."""
    results: list[Any] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(position: int, call: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            results[position] = call()
        except BaseException as error:  # noqa: BLE001 -- the test decides what it means
            results[position] = error
        finally:
            connections.close_all()

    threads = [
        threading.Thread(target=run, args=(position, call)) for position, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@contextmanager
def count_queries() -> Iterator[CaptureQueriesContext]:
    """``len()`` of what this yields is the number of queries so far."""
    with CaptureQueriesContext(connection) as captured:
        yield captured
