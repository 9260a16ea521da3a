"""The tasks go through RabbitMQ, which dies and comes back."""

import time

import httpx
import pytest

from common.events import WAKE_GRACE
from zaaz.tests.processes.shop import open_shop
from zaaz.tests.processes.system import kill, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.rabbitmq]

PATIENCE_SECONDS = 2
WAITED = """
SELECT delivery.done_at - event.created_at FROM common_eventdelivery AS delivery
JOIN common_outboxevent AS event ON event.id = delivery.event_id
WHERE event.payload ->> 'payment_id' = %s
    AND delivery.handler = 'payments.receivers.fulfil_on_payment'
"""
READY = {"database": "ok", "cache": "ok", "broker": "ok", "migrations": "ok", "outbox": "ok"}


@pytest.fixture
def shop(rabbitmq, tmp_path):
    with open_shop(tmp_path, broker_url=rabbitmq.url) as shop:
        yield shop


def readiness(shop):
    answer = httpx.get(f"{shop.system.base_url}/health/ready", timeout=10)
    return answer.status_code, answer.json()["parts"]


def timed(act, *arguments):
    """Do it, and return what came of it; it takes no longer than a customer's patience."""
    started = time.monotonic()
    result = act(*arguments)
    assert time.monotonic() - started < PATIENCE_SECONDS
    return result


def buy(shop):
    """The workers are woken for every step: no event waits for the sweep."""
    customer = shop.customer()
    payment_id = customer.buy()
    shop.wait_for_delivery(payment_id)
    assert shop.one(WAITED, (payment_id,))[0] < WAKE_GRACE
    return customer, payment_id


def buy_without_broker(shop):
    """Each request of a purchase is quick, and nothing is delivered yet."""
    customer = shop.customer()
    checkout = timed(customer.check_out)
    payment_id = checkout["payment"]["id"]
    timed(customer.pay, checkout)
    wait_until(lambda: timed(customer.ask_for_status, payment_id) == "succeeded")
    assert not shop.is_fulfilled(payment_id)
    return customer, payment_id


def test_purchase_over_rabbitmq_is_fulfilled_though_the_broker_dies_in_the_middle(shop, rabbitmq):
    purchases = [buy(shop)]
    assert readiness(shop) == (200, READY)

    node = rabbitmq.processes[-1]
    kill(node)
    status, parts = readiness(shop)
    assert (status, parts | {"broker": "ok"}) == (503, READY)
    assert parts["broker"] == "OperationalError"
    purchases.append(buy_without_broker(shop))
    shop.system.kill("web")
    shop.system.run("web")  # one that never knew the broker
    purchases.append(buy_without_broker(shop))

    node.start()
    rabbitmq.wait()
    shop.wait_for_delivery(*(payment_id for _, payment_id in purchases))
    assert readiness(shop) == (200, READY)
    purchases.append(buy(shop))
    shop.check_books()
    for customer, payment_id in purchases:
        shop.check_delivered_once(customer, payment_id)
