"""What a hosted page shows when there is nothing left to pay, and to whom."""

import html

import pytest

from common import clock
from simulator.cards import CARDS
from simulator.enums import PaymentStatus
from simulator.models import Merchant, Payment
from simulator.tests.factories import PaymentFactory
from simulator.tests.pages import CARD, events, page, returned, text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]


def test_decline_shows_the_reason_and_the_way_back(browser, payment):
    answer = browser.post(page(payment), CARD | {"number": "4000000000009995"}, follow=True)

    assert answer.status_code == 200
    assert "The card has insufficient funds." in text(answer)
    assert "insufficient_funds" in text(answer)
    assert 'href="https://shop.example/cancel"' in answer.content.decode()


@pytest.mark.parametrize("status", ["pending", "requires_action"])
def test_cancel_of_an_open_payment_returns_to_the_shop(browser, merchant, status):
    payment = PaymentFactory(merchant=merchant, status=status)

    answer = browser.post(page(payment), {"action": "cancel"})

    payment.refresh_from_db()
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://shop.example/cancel")
    assert (payment.status, events(payment)) == ("canceled", ["payment.canceled"])


def test_cancel_of_a_paid_payment_changes_nothing(browser, payment):
    browser.post(page(payment), CARD)

    answer = browser.post(page(payment), {"action": "cancel"})

    payment.refresh_from_db()
    assert answer.headers["Location"] == returned(payment)
    assert (payment.status, events(payment)) == ("succeeded", ["payment.succeeded"])


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [
        ({"paid": True}, 200, "This payment is complete"),
        ({"paid": True, "status": "refunded", "amount_refunded": 1250}, 200, "USD 12.50 has been"),
        ({"status": "failed", "failure_code": "card_declined"}, 200, "Your payment was declined"),
        ({"status": "canceled"}, 200, "This payment was canceled"),
        ({"status": "expired"}, 410, "This payment has expired"),
    ],
)
def test_finished_payment_offers_no_form(browser, merchant, state, code, words):
    payment = PaymentFactory(merchant=merchant, **state)

    for answer in (browser.get(page(payment)), browser.post(page(payment), {})):
        assert answer.status_code == code
        assert words in text(answer)
        assert "<form" not in answer.content.decode()


def test_paid_page_leads_back_to_the_shop(browser, payment):
    browser.post(page(payment), CARD)

    shown = browser.get(page(payment))

    assert f'href="{html.escape(returned(payment))}"' in shown.content.decode()


def test_pay_after_the_time_is_up_expires_the_payment(browser, payment):
    with clock.frozen(payment.expires_at):
        shown = browser.get(page(payment))
        answer = browser.post(page(payment), CARD)

    payment.refresh_from_db()
    assert shown.status_code == 410
    assert (answer.status_code, answer.headers["Location"]) == (303, page(payment))
    assert (payment.status, payment.card_last4) == ("expired", "")
    assert events(payment) == ["payment.expired"]


@pytest.mark.parametrize("path", ["/checkout/{}", "/checkout/{}/challenge"])
@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=caf%C3%A9", "?token=%00"])
def test_page_without_its_token_is_not_found(browser, payment, path, query):
    for answer in (
        browser.get(path.format(payment.id) + query),
        browser.post(path.format(payment.id) + query, CARD | {"outcome": "complete"}),
    ):
        assert answer.status_code == 404
        assert "There is no such page" in text(answer)
    payment.refresh_from_db()
    assert payment.status == "pending"


@pytest.mark.parametrize("path", ["/checkout/pay_unknown?token=x", "/checkout/%00", "/nothing"])
def test_page_of_an_unknown_payment_is_not_found(browser, path):
    answer = browser.get(path)

    assert answer.status_code == 404
    assert "There is no such page" in text(answer)


def test_page_of_a_suspended_merchant_is_not_found(browser, payment):
    Merchant.objects.update(is_active=False)

    assert browser.get(page(payment)).status_code == 404


def test_index_lists_every_card(browser):
    shown = browser.get("/")

    assert shown.status_code == 200
    for card in CARDS:
        assert card.grouped in shown.content.decode()


def test_live_answers_without_a_database(browser, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = browser.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_every_status_has_a_page(browser, merchant):
    """No state of a payment may break its page."""
    shapes = {
        PaymentStatus.FAILED: {"failure_code": "card_declined"},
        PaymentStatus.REFUNDED: {"amount_refunded": 1250},
        PaymentStatus.PARTIALLY_REFUNDED: {"amount_refunded": 1},
    }
    for status in PaymentStatus:
        payment = PaymentFactory(merchant=merchant, status=status, **shapes.get(status, {}))
        assert browser.get(page(payment)).status_code in {200, 303, 410}
    assert Payment.objects.count() == len(PaymentStatus)
