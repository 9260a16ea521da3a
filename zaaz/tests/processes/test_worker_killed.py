"""The worker dies with ``kill -9`` between the settlement of a payment and its fulfilment."""

import os
import signal
from pathlib import Path

import pytest

from zaaz.tests.processes.system import wait_until

pytestmark = pytest.mark.processes

HEARD = """
SELECT delivery.status FROM common_eventdelivery AS delivery
JOIN common_outboxevent AS event ON event.id = delivery.event_id
WHERE delivery.handler = 'payments.receivers.fulfil_on_payment'
    AND event.payload ->> 'payment_id' = %s
"""
WALLET = "SELECT 1 FROM wallets_account WHERE owner_id = %s FOR UPDATE"
PAYMENT = "SELECT 1 FROM payments_paymenttransaction WHERE id = %s FOR UPDATE"


def kill_worker(shop):
    shop.system.kill("worker")


def kill_pool(shop):
    """Kill the children that run the tasks, as the kernel does when memory runs out."""
    pid = shop.system.processes["worker"].pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


def buy_and_kill_in_settlement(shop, kill):
    customer = shop.customer()
    checkout = customer.check_out()
    payment_id = checkout["payment"]["id"]
    with shop.holding(PAYMENT, (payment_id,)) as waiting:
        customer.pay(checkout)
        wait_until(waiting, what="a worker that settles the payment")
        kill(shop)
    assert shop.status(payment_id) == "pending"
    return customer, payment_id


def buy_and_kill_in_fulfilment(shop, kill):
    customer = shop.customer()
    with shop.holding(WALLET, (customer.id,)) as waiting:
        payment_id = customer.buy()
        wait_until(waiting, what="a worker that fulfils the payment")
        kill(shop)
        assert shop.status(payment_id) == "succeeded"
        assert not shop.is_fulfilled(payment_id)
        assert shop.one(HEARD, (payment_id,)) == ("pending",)
    return customer, payment_id


def test_payment_settled_while_no_worker_runs_is_fulfilled_once_by_the_next_one(shop):
    shop.system.kill("worker")
    customer = shop.customer()
    payment_id = customer.buy()
    wait_until(lambda: customer.ask_for_status(payment_id) == "succeeded")
    assert shop.one(HEARD, (payment_id,)) == ("pending",)
    assert not shop.is_fulfilled(payment_id)

    shop.system.run("worker")
    shop.wait_for_delivery(payment_id)
    shop.check_books()
    shop.check_delivered_once(customer, payment_id)


def test_worker_killed_inside_a_handler_loses_nothing_and_repeats_nothing(shop):
    purchases = []
    for buy_and_kill in (
        buy_and_kill_in_settlement,
        buy_and_kill_in_fulfilment,
        buy_and_kill_in_fulfilment,
    ):
        purchases.append(buy_and_kill(shop, kill_worker))
        shop.system.run("worker")

    shop.wait_for_delivery(*(payment_id for _, payment_id in purchases))
    shop.check_books()
    for customer, payment_id in purchases:
        shop.check_delivered_once(customer, payment_id)


def test_task_whose_process_is_killed_is_run_again_by_the_same_worker(shop):
    customer, payment_id = buy_and_kill_in_fulfilment(shop, kill_pool)

    shop.wait_for_delivery(payment_id)
    shop.check_books()
    shop.check_delivered_once(customer, payment_id)
