"""The hosted pages in a real Chromium: without JavaScript, as a customer uses them."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from simulator import tasks
from simulator.services.payments import create_payment
from simulator.tests.factories import MerchantFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("simulator.urls"),
]

CHROMIUM = Path("/usr/bin/chromium")


@contextmanager
def telephone():
    """A small screen without JavaScript, and what its console complained about.

    An event loop runs in this thread meanwhile: no ORM in here.
    """
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. `make test` installs it; so does apt-get.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": 390, "height": 844}
        )
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        yield page, complaints
        browser.close()


def pay(page, number):
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 39")
    page.get_by_label("CVC").fill("123")
    page.get_by_label("Name on card").fill("Ada Lovelace")
    page.get_by_role("button", name="Pay USD 12.50").click()


def order_at(shop):
    return create_payment(
        merchant=MerchantFactory(name="Corner Shop", webhook_url=f"{shop.url}/hook"),
        amount=1250,
        currency="USD",
        reference="order-1",
        return_url=f"{shop.url}/return",
        cancel_url=f"{shop.url}/cancel",
    )


def test_customer_pays_with_3d_secure_and_returns_to_the_shop(live_server, shop):
    payment = order_at(shop)
    address = f"{live_server.url}/checkout/{payment.id}?token={payment.checkout_token}"

    with telephone() as (page, complaints):
        page.goto(address)
        expect(page.get_by_text("Test mode", exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        pay(page, "4111 1111 1111 1111")

        expect(page.get_by_text("Use a published test card")).to_be_visible()
        expect(page.get_by_label("Card number")).to_have_value("")
        expect(page.get_by_label("CVC")).to_have_value("")
        expect(page.get_by_label("Name on card")).to_have_value("Ada Lovelace")
        pay(page, "4000 0025 0000 3155")

        expect(page.get_by_role("heading", name="Confirm your payment")).to_be_visible()
        page.get_by_role("button", name="Complete authentication").click()

        expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
        page.goto(address)
        expect(page.get_by_role("heading", name="This payment is complete")).to_be_visible()
        assert [text for text in complaints if "Content Security Policy" in text] == []

    payment.refresh_from_db()
    assert shop.visited[0] == f"/return?payment_id={payment.id}&reference=order-1"
    assert (payment.status, payment.card_last4) == ("succeeded", "3155")
    assert tasks.send_due_webhooks() == 2
    assert [path for path, _, _ in shop.received] == ["/hook", "/hook"]
