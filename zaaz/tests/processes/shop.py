"""Customers and a partner at the public API of a system, and a look into its books."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from scripts.journey.api import Caller
from scripts.journey.hosted_page import Browser
from zaaz.tests.processes.seeding import CREDITS
from zaaz.tests.processes.system import System, fresh_database, wait_until

CARD = {"number": "4242424242424242", "expiry": "12 / 40", "cvc": "123", "name": "Customer"}
BOUGHT = 3_000_000  # credits of the package
CREATED = 201
CALL_SECONDS, DELIVERY_SECONDS = 30, 60

PAYMENT = """
SELECT status, fulfilled_at IS NOT NULL FROM payments_paymenttransaction WHERE id = %s
"""
DELIVERED = """
SELECT
    (SELECT count(*) FROM catalog_subscription WHERE reference = %(reference)s),
    (SELECT count(*) FROM wallets_transaction WHERE reference = %(reference)s),
    (SELECT count(*) FROM wallets_transaction WHERE reference = %(reference)s || ':money'),
    (SELECT count(*) FROM payments_paymentevent
        WHERE payment_id = %(payment_id)s AND to_status = 'succeeded')
"""
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


@dataclass(kw_only=True)
class Customer:
    id: str
    caller: Caller
    order: dict

    def check_out(self):
        """Open a checkout, and return it with the payment."""
        back = {"return_url": f"{self.caller.base_url}/", "cancel_url": f"{self.caller.base_url}/"}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        body = {**self.order, **back}
        return self.caller.post("payments/initiate", body, expected=CREATED, headers=key).json()

    def buy(self):
        """Check out and pay on the hosted page; return the id of the payment."""
        checkout = self.check_out()
        self.pay(checkout)
        return checkout["payment"]["id"]

    def pay(self, checkout):
        with Browser() as browser:
            browser.open(checkout["checkout_url"])
            browser.submit({**CARD, "action": "pay"})

    def ask_for_status(self, payment_id):
        """Have the gateway asked, in the web process; return the status of the payment."""
        return self.caller.get(f"payment-transactions/{payment_id}/status")["status"]

    def balance(self):
        return self.caller.get("user-wallets/self")["balance"]


@dataclass(kw_only=True)
class Shop:
    """Each customer is new: nothing bought yet, a wallet of ``CREDITS``."""

    system: System
    books: psycopg.Connection
    customers: Iterator = field(init=False)

    def __post_init__(self):
        self.customers = iter(self.system.report["customers"])

    def customer(self):
        known = next(self.customers)
        caller = Caller(
            base_url=self.system.base_url, headers={"Authorization": f"Bearer {known['access']}"}
        )
        return Customer(id=known["id"], caller=caller, order=self.system.report["order"])

    def partner(self):
        """Return a client for many calls: it keeps its connections."""
        key = Path(self.system.environment["DEMO_PARTNER_KEY_FILE"]).read_text().strip()
        return httpx.Client(
            base_url=f"{self.system.base_url}/api/credits-process/",
            headers={"X-API-Key": key},
            timeout=CALL_SECONDS,
        )

    @contextmanager
    def holding(self, statement, parameters=()):
        """Keep the locks of a statement; yields a count of those who wait for them."""
        with psycopg.connect(self.system.database_url) as connection:
            connection.execute(statement, parameters)
            pid = connection.info.backend_pid
            yield lambda: self.one(BLOCKED, (pid,))[0]
            connection.rollback()

    def one(self, query, parameters=()):
        return self.books.execute(query, parameters).fetchone()

    def status(self, payment_id):
        return self.one(PAYMENT, (payment_id,))[0]

    def is_fulfilled(self, payment_id):
        return self.one(PAYMENT, (payment_id,))[1]

    def wait_for_delivery(self, *payment_ids):
        for payment_id in payment_ids:
            wait_until(
                lambda payment_id=payment_id: self.is_fulfilled(payment_id),
                seconds=DELIVERY_SECONDS,
                what=f"fulfilment of payment {payment_id}",
            )

    def wait_for_quiet(self):
        """Until every handler has heard every event."""
        pending = "SELECT count(*) = 0 FROM common_eventdelivery WHERE status = 'pending'"
        wait_until(
            lambda: self.one(pending)[0], seconds=DELIVERY_SECONDS, what="deliveries of the outbox"
        )

    def check_delivered_once(self, customer, payment_id):
        """One success, one subscription, one grant of credits, one booking of the money."""
        reference = {"reference": f"payment:{payment_id}", "payment_id": payment_id}
        assert self.one(PAYMENT, (payment_id,)) == ("succeeded", True)
        assert self.one(DELIVERED, reference) == (1, 1, 1, 1)
        assert customer.balance() == CREDITS + BOUGHT

    def check_books(self):
        """Nothing is left in the outbox or given up, and the ledger proves itself."""
        self.wait_for_quiet()
        undone = "SELECT count(*) FROM common_eventdelivery WHERE status <> 'done'"
        assert self.one(undone) == (0,)
        assert "The books are right." in self.system.manage("verify_ledger")


@contextmanager
def open_shop(folder, **options):
    """Start a system with a fresh database; stop and drop it all afterwards."""
    with fresh_database(os.environ["DATABASE_URL"]) as database_url:
        system = System(folder=folder, database_url=database_url, **options)
        try:
            system.start()
            with psycopg.connect(database_url, autocommit=True) as books:
                yield Shop(system=system, books=books)
        finally:
            system.stop()
