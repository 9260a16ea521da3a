"""The main job, card and all, leaves no secret in any table or line of our logs."""

import logging
import re

import httpx
import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from accounts.enums import Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory
from billing.tests.factories import open_shop
from catalog.tests.factories import make_package
from common.testing import drain_outbox
from payments.models import PaymentTransaction
from payments.tests.conftest import simulator  # noqa: F401 -- a fixture
from payments.tests.crooked_gateway import SECRET_KEY, WEBHOOK_SECRET
from payments.tests.factories import make_order
from payments.tests.test_with_simulator import submit

pytestmark = pytest.mark.processes

DECLINED, APPROVED = "4000000000000002", "4242424242424242"
CARD = {"expiry": "12 / 40", "cvc": "739", "name": "Customer"}
PASSWORD = "an-unlikely-passphrase-of-a-customer"
SECURITY_CODE = re.compile(r"(cvc|cvv|security.code)\W{1,6}\d{3}", re.IGNORECASE)


class MainJob:
    """Played over HTTP. ``play`` answers every secret that was used on the way, by name."""

    def __init__(self, method, url):
        self.method, self.url, self.api = method, url, APIClient()
        self.shop = open_shop(min_credits=1)
        self.package = make_package(features=[self.shop.feature])
        self.secrets = {
            "declined card": DECLINED,
            "approved card": APPROVED,
            "password": PASSWORD,
            "gateway key": SECRET_KEY,
            "webhook secret": WEBHOOK_SECRET.removeprefix("whsec_"),
        }

    def play(self):
        self.sign_up()
        self.buy(DECLINED, "failed")
        self.buy(APPROVED, "succeeded")
        self.meter()
        return self.secrets

    def sign_up(self):
        who = {"email": "customer@example.com", "password": PASSWORD}
        assert self.api.post("/api/auth/signup", who | {"name": "Customer"}).status_code == 202
        drain_outbox()
        [token] = re.findall(r"token=([\w.-]+)$", mail.outbox[0].body, re.MULTILINE)
        self.api.post("/api/auth/email-verification", {"token": token})
        drain_outbox()
        self.api.post("/api/auth/signin", who | {"password": f"{PASSWORD}?"})
        session = self.api.post("/api/auth/signin", who).json()
        self.secrets |= {"access token": session["access"], "refresh token": session["refresh"]}
        self.user_id = session["user"]["id"]

    def buy(self, number, status):
        order = make_order(method=self.method, package=self.package)
        body = {
            "package": str(order.package_id),
            "plan": str(order.plan_id),
            "payment_method": str(self.method.id),
            "currency": "USD",
            "return_url": f"{self.url}/done",
            "cancel_url": f"{self.url}/canceled",
        }
        headers = {
            "Idempotency-Key": number[-4:],
            "Authorization": f"Bearer {self.secrets['access token']}",
        }
        checkout = self.api.post("/api/payments/initiate", body, headers=headers).json()
        with httpx.Client(timeout=20) as browser:
            pay(browser, checkout["checkout_url"], number)
        current_app.loader.import_default_modules()
        current_app.tasks["simulator.tasks.send_due_webhooks"]()
        drain_outbox()
        assert PaymentTransaction.objects.get(pk=checkout["payment"]["id"]).status == status

    def meter(self):
        _, key = issue_api_key(
            partner_id=PartnerFactory().id, name="tests", scopes=[Scope.METERING_WRITE]
        )
        self.secrets["API key"] = key
        headers = {"X-API-Key": key}
        wanted = {"user_id": self.user_id, "feature_endpoint_id": str(self.shop.endpoint.id)}
        started = self.api.post("/api/credits-process/start", wanted, headers=headers).json()
        used = {"ai_model": "model-a", "input_tokens": 1200, "output_tokens": 800}
        report = wanted | {"usage_key": started["usage_key"], "usages": [used]}
        ended = self.api.post("/api/credits-process/end", report, headers=headers)
        assert ended.json()["charged"] == 307


def pay(browser, url, number):
    """Pay with the number as it is embossed; a card that is declined leads nowhere."""
    embossed = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    if number == DECLINED:
        page = browser.get(url)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        browser.post(url, data={"csrfmiddlewaretoken": token, "number": embossed, **CARD})
    else:
        submit(browser, url, number=embossed, **CARD)


def stored():
    """Every row of every table, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT '{table}', t::text FROM {table} AS t")  # noqa: S608
            rows += cursor.fetchall()
    return rows


def forms(secret):
    """As it is, without spaces and dashes, and as PostgreSQL prints bytes."""
    return {secret, secret.encode().hex()}


def leaks(text, secrets):
    squeezed = re.sub(r"[ -]", "", text)
    found = [
        name
        for name, secret in secrets.items()
        if any(form in text or form in squeezed for form in forms(secret))
    ]
    return found + (["security code"] if SECURITY_CODE.search(text) else [])


def test_scan_finds_what_it_looks_for():
    secrets = {"card": APPROVED, "key": "zk_secret"}

    assert leaks("(1,4242 4242-4242 4242)", secrets) == ["card"]
    assert leaks(f"\\x{b'zk_secret'.hex()}", secrets) == ["key"]
    assert leaks('{"cvc": "739"}', secrets) == ["security code"]
    assert leaks("4242424242424241 zk_secre", secrets) == []


def test_main_job_leaves_no_secret_in_any_table_or_log(
    simulator,  # noqa: F811 -- the fixture above
    live_server,
    caplog,
    capfd,
):
    caplog.set_level(logging.DEBUG)

    secrets = MainJob(simulator, live_server.url).play()

    rows, printed = stored(), capfd.readouterr()
    logged = caplog.text + printed.out + printed.err
    assert len({table for table, _ in rows}) > 25
    assert "/v1/payments" in logged
    assert [(table, leaks(row, secrets)) for table, row in rows if leaks(row, secrets)] == []
    assert leaks(logged, secrets) == []
