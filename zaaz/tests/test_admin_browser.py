"""The back office in a real Chromium: its scripts run, and the console stays silent."""

import os
from contextlib import contextmanager

import pytest
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from accounts.tests.factories import PASSWORD
from wallets.models import Account
from zaaz.tests.admin_story import Story

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
LISTS = [
    "accounts_user", "payments_paymenttransaction", "payments_webhookevent", "wallets_account",
    "wallets_transaction", "catalog_package", "billing_usagesession", "billing_creditsusage",
    "common_eventdelivery", "accounts_apikey",
]  # fmt: skip


@contextmanager
def desk(address):
    """A staff member's screen, signed in, and everything that went wrong on it.

    An event loop runs in this thread meanwhile: no ORM in here.
    """
    email, base = address
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page, complaints = browser.new_page(viewport={"width": 1280, "height": 800}), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.on(
            "response",
            lambda answer: complaints.append(answer.url) if answer.status >= 400 else None,
        )
        page.goto(f"{base}/admin/login/")
        page.locator("#id_username").fill(email)
        page.locator("#id_password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Credits in wallets")).to_be_visible()
        yield page, complaints
        browser.close()


@pytest.fixture
def story(super_admin):
    story = Story(actor=super_admin)
    story.play()
    return story


def test_main_pages_open_without_a_complaint(live_server, super_admin, story):
    addresses = [live_server.url + reverse(f"admin:{name}_changelist") for name in LISTS]

    with desk((super_admin.email, live_server.url)) as (page, complaints):
        for address in addresses:
            page.goto(address)
            expect(page.locator("#result_list tbody tr").first).to_be_visible()
            page.locator("#result_list tbody th a").first.click()
            expect(page.locator("#content-main")).to_be_visible()
            page.wait_for_load_state("networkidle")

        assert complaints == []


def test_overview_fits_a_telephone(live_server, super_admin, story):
    with desk((super_admin.email, live_server.url)) as (page, complaints):
        page.set_viewport_size({"width": 390, "height": 844})

        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert complaints == []


def test_staff_adjust_a_wallet_in_the_dialog(live_server, super_admin, story):
    wallet = Account.objects.filter(kind="wallet").earliest("created_at")
    address = live_server.url + reverse("admin:wallets_account_change", args=[wallet.pk])

    with desk((super_admin.email, live_server.url)) as (page, complaints):
        page.goto(address)
        page.get_by_text("Adjust credits").first.click()
        page.locator("#id_amount").fill("25")
        page.locator("#id_reason").fill("Goodwill")
        page.locator("dialog, [role=dialog], form:has(#id_reason)").last.get_by_role(
            "button", name="Submit"
        ).click()
        expect(page.get_by_text("Done, and written down with your name.")).to_be_visible()

        assert complaints == []

    before = wallet.balance
    wallet.refresh_from_db()
    assert wallet.balance == before + 25
