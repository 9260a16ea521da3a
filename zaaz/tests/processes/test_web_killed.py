"""The web process dies with ``kill -9`` while it hears webhooks and settles calls."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from zaaz.tests.processes.seeding import CREDITS
from zaaz.tests.processes.system import wait_until

pytestmark = pytest.mark.processes

INBOX = "LOCK TABLE payments_webhookevent IN SHARE MODE"  # readers pass, writers wait
STORED = """
SELECT count(*) FROM payments_webhookevent AS webhook
JOIN payments_paymenttransaction AS payment USING (gateway_reference)
WHERE payment.id = %s
"""
SENT = """
SELECT delivery.state, delivery.attempts FROM simulator_webhookdelivery AS delivery
JOIN simulator_webhookevent AS event ON event.id = delivery.event_id
JOIN simulator_payment AS payment ON payment.id = event.payment_id
WHERE payment.reference = %s AND event.type = 'payment.succeeded'
"""
CALL = """
SELECT
    session.charged,
    (SELECT count(*) FROM wallets_transaction
        WHERE reference = 'usage:' || session.partner_id || ':' || session.usage_key),
    (SELECT count(*) FROM billing_creditsusage WHERE session_id = session.usage_key)
FROM billing_usagesession AS session WHERE session.usage_key = %s
"""
SETTLED = "SELECT count(*) FROM billing_usagesession WHERE state = 'settled'"
CALLS, THREADS = 60, 8
ACKNOWLEDGED = 15  # before the kill


def buy_and_kill_before_storing(shop):
    customer = shop.customer()
    with shop.holding(INBOX) as waiting:
        payment_id = customer.buy()
        wait_until(waiting, what="a web process that stores the webhook")
        shop.system.kill("web")
    assert shop.one(STORED, (payment_id,)) == (0,)
    return customer, payment_id


def buy_and_kill_before_answering(shop):
    """After the webhook is stored, the answer waits until the workers are told of it."""
    customer = shop.customer()
    with ExitStack() as freezing:
        with shop.holding(INBOX) as waiting:
            payment_id = customer.buy()
            wait_until(waiting, what="a web process that stores the webhook")
            freezing.enter_context(shop.system.frozen_valkey())
        wait_until(lambda: shop.one(STORED, (payment_id,)) == (1,))
        shop.system.kill("web")
    return customer, payment_id


def test_web_killed_before_storing_or_before_answering_a_webhook_settles_once(shop):
    purchases = []
    for buy_and_kill in (buy_and_kill_before_storing, buy_and_kill_before_answering):
        purchases.append(buy_and_kill(shop))
        assert shop.one(SENT, (purchases[-1][1],)) == ("pending", 1)
        shop.system.run("web")

    for _, payment_id in purchases:
        wait_until(
            lambda payment_id=payment_id: shop.one(SENT, (payment_id,)) == ("delivered", 2),
            what="the second attempt at the webhook",
        )
        shop.wait_for_delivery(payment_id)
    shop.check_books()
    for customer, payment_id in purchases:
        assert shop.one(STORED, (payment_id,)) == (1,)
        shop.check_delivered_once(customer, payment_id)


def test_web_killed_while_it_hears_a_webhook_leaves_the_payment_to_the_status_query(shop):
    customer, payment_id = buy_and_kill_before_storing(shop)
    shop.system.run("web")
    wait_until(lambda: customer.ask_for_status(payment_id) == "succeeded")

    shop.wait_for_delivery(payment_id)
    shop.check_books()
    shop.check_delivered_once(customer, payment_id)


def start_calls(partner, customers):
    """Start calls for these customers in turn; return what ends each of them."""
    reports = []
    for number in range(CALLS):
        call = {
            "user_id": customers[number % len(customers)].id,
            "feature_endpoint_value": "article-writer",
        }
        usage = {"ai_model": "model-a", "input_tokens": 1000 + number, "output_tokens": 500}
        usage_key = partner.post("start", json=call).json()["usage_key"]
        reports.append({**call, "usage_key": usage_key, "usages": [usage]})
    return reports


def end_call(partner, report):
    """Return the answer, or nothing if there was none."""
    try:
        answer = partner.post("end", json=report)
    except httpx.TransportError:
        return None
    return answer.raise_for_status().json()


def end_calls_and_kill(shop, partner, reports):
    """Kill the web process when some ends are answered, and some others are only committed."""
    with ThreadPoolExecutor(THREADS) as pool:
        ends = [pool.submit(end_call, partner, report) for report in reports]
        wait_until(lambda: sum(end.done() for end in ends) >= ACKNOWLEDGED)
        with shop.system.frozen_valkey():
            wait_until(
                lambda: shop.one(SETTLED)[0] - sum(end.done() for end in ends) >= THREADS / 2
            )
            shop.system.kill("web")
    return [end.result() for end in ends]


def test_web_killed_among_concurrent_ends_has_charged_each_call_once(shop):
    customers = [shop.customer() for _ in range(4)]
    with shop.partner() as partner:
        reports = start_calls(partner, customers)
        answers = end_calls_and_kill(shop, partner, reports)
    acknowledged = sum(answer is not None for answer in answers)
    assert ACKNOWLEDGED <= acknowledged < shop.one(SETTLED)[0] <= CALLS

    for report, answer in zip(reports, answers, strict=True):
        if answer is not None:
            assert shop.one(CALL, (report["usage_key"],)) == (answer["charged"], 1, 1)
    shop.system.run("web")
    with shop.partner() as partner:
        again = [end_call(partner, report) for report in reports]
    assert all(old in (None, new) for old, new in zip(answers, again, strict=True))
    for report, answer in zip(reports, again, strict=True):
        assert shop.one(CALL, (report["usage_key"],)) == (answer["charged"], 1, 1)
    for customer in customers:
        charged = sum(answer["charged"] for answer in again if answer["user_id"] == customer.id)
        assert customer.balance() == CREDITS - charged
    shop.check_books()
