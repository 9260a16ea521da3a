"""Worker, beat and the queue between them are gone, and with the queue every wake-up call."""

import pytest

from zaaz.tests.processes.system import wait_until

pytestmark = pytest.mark.processes

PURCHASES = 4


def test_events_whose_wake_up_calls_are_lost_are_swept_up_after_the_restart(shop):
    shop.system.kill("beat", "worker")
    customers = [shop.customer() for _ in range(PURCHASES)]
    purchases = [(customer, customer.buy()) for customer in customers]
    for customer, payment_id in purchases:
        wait_until(
            lambda customer=customer, payment_id=payment_id: (
                customer.ask_for_status(payment_id) == "succeeded"
            )
        )
    with shop.system.without_valkey():
        pass  # all that waited in it is lost
    shop.system.run("worker", "beat")

    shop.wait_for_delivery(*(payment_id for _, payment_id in purchases))
    shop.check_books()
    for customer, payment_id in purchases:
        shop.check_delivered_once(customer, payment_id)
