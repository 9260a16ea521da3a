"""The pages in a real Chromium, on a real server: the first minutes of a customer."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from django.db import connections
from playwright.sync_api import expect, sync_playwright

from accounts.models import User
from catalog.tests.factories import make_package, terms
from common.testing import drain_outbox
from portal.tests.pages import link_of_last_mail
from portal.tests.web_process import free_port, running_web
from wallets.tests.factories import give

pytestmark = [
    pytest.mark.browser,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD = "a-fine-long-phrase"
SOON = 15_000  # milliseconds


@contextmanager
def telephone():
    """A small screen, and what its console complained about."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, complaints
        browser.close()


def apart(call):
    """Run what uses the ORM in a thread of its own: the browser's event loop runs in this one."""

    def close_afterwards():
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(close_afterwards).result()


def deliver_mail_and_open_its_link(page, base_url):
    apart(drain_outbox)
    page.goto(base_url + link_of_last_mail())


def sign_up(page, base_url):
    page.goto(f"{base_url}/")
    page.get_by_role("main").get_by_role("link", name="Sign up").click()
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()


def sign_in(page):
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Wallet")).to_be_visible()


def test_newcomer_confirms_signs_in_and_watches_the_balance(settings):
    make_package(is_initial=True, plans=[terms(is_initial=True, credits=100)])
    port = free_port()
    settings.BASE_URL = base_url = f"http://localhost:{port}"

    with ExitStack() as web, telephone() as (page, complaints):
        web.enter_context(running_web(port, base_url))
        sign_up(page, base_url)
        deliver_mail_and_open_its_link(page, base_url)
        page.get_by_role("button", name="Confirm this address").click()
        expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()
        apart(drain_outbox)
        sign_in(page)

        available = page.locator("[data-figure=available]")
        expect(available).to_have_text("100")
        expect(page.get_by_text("live", exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        apart(lambda: give(User.objects.get(), 900, memo="A present"))
        apart(drain_outbox)
        expect(available).to_have_text("1,000", timeout=SOON)
        expect(page.get_by_text("A present")).to_be_visible(timeout=SOON)
        assert complaints == []

        web.close()
        expect(page.get_by_text("offline", exact=True)).to_be_visible(timeout=SOON)
        apart(lambda: give(User.objects.get(), 500))
        with running_web(port, base_url):
            expect(page.get_by_text("live", exact=True)).to_be_visible(timeout=4 * SOON)
            expect(available).to_have_text("1,500", timeout=SOON)
