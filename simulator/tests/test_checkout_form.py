"""The hosted card form: what it shows, takes and refuses."""

import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from common import clock
from common.testing import run_concurrently
from simulator.cards import CARDS
from simulator.enums import CardOutcome
from simulator.models import WebhookEvent
from simulator.tests.factories import PaymentFactory
from simulator.tests.pages import CARD, events, page, returned, text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]

LAST_DAY = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)


def test_checkout_shows_who_is_paid_how_much_and_for_what(browser, merchant):
    payment = PaymentFactory(
        merchant=merchant,
        amount=123456,
        currency="BDT",
        reference="order-77",
        description="Ten <b>credits</b>",
        customer_email="ada@example.com",
    )

    shown = browser.get(page(payment))

    content = shown.content.decode()
    assert shown.status_code == 200
    for fact in ("Corner Shop", "BDT 1,234.56", "order-77", "ada@example.com", "Test mode"):
        assert fact in content
    assert "Ten &lt;b&gt;credits&lt;/b&gt;" in content
    for hint in ("cc-number", "cc-exp", "cc-csc", "cc-name"):
        assert f'autocomplete="{hint}"' in content
    for card in CARDS:
        assert card.grouped in content


def test_hosted_pages_run_no_script_and_are_never_cached(browser, payment):
    shown = browser.get(page(payment))

    content = shown.content.decode()
    assert "<script" not in content
    assert "style=" not in content
    assert "no-store" in shown.headers["Cache-Control"]
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert shown.headers["X-Frame-Options"] == "DENY"
    assert shown.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("card", CARDS, ids=lambda card: f"{card.last4}-{card.outcome}")
def test_card_has_its_published_outcome(browser, payment, card):
    """A20 weakness 15: unknown cards always approved, and four published ones did nothing."""
    form = CARD | {"number": card.number, "cvc": "1234" if card.brand == "amex" else "123"}

    answer = browser.post(page(payment), form)

    payment.refresh_from_db()
    assert answer.status_code == 303
    assert (payment.card_brand, payment.card_last4) == (card.brand, card.number[-4:])
    assert (payment.failure_code, payment.failure_message) == (card.code, card.message)
    status, event, location = {
        CardOutcome.APPROVE: ("succeeded", "payment.succeeded", returned(payment)),
        CardOutcome.DECLINE: ("failed", "payment.failed", page(payment)),
        CardOutcome.CHALLENGE: (
            "requires_action",
            "payment.requires_action",
            page(payment, "/challenge"),
        ),
    }[card.outcome]
    assert payment.status == status
    assert events(payment) == [event]
    assert answer.headers["Location"] == location


def test_published_cards_have_the_codes_of_the_specification():
    declines = {card.number: card.code for card in CARDS if card.outcome == CardOutcome.DECLINE}

    assert declines == {
        "4000000000000002": "card_declined",
        "4000000000009995": "insufficient_funds",
        "4000000000000069": "expired_card",
        "4000000000000127": "incorrect_cvc",
        "4000000000006975": "processing_error",
        "4000000000000341": "processing_error",
        "4100000000000019": "fraudulent",
        "4000000000000119": "generic_decline",
        "4000000000009235": "avs_failed",
        "4000000000000259": "risk_flagged",
    }
    others = {card.number for card in CARDS} - declines.keys()
    assert others == {
        "4242424242424242",
        "5555555555554444",
        "378282246310005",
        "4000000000000101",
        "4000002500003155",
    }


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("number", "", "Enter the card number."),
        ("number", "4242424242424241", "This is not a card number. Check the digits."),
        ("number", "4242 4242 42xx 4242", "This is not a card number. Check the digits."),
        ("number", "\u0664" * 16, "This is not a card number. Check the digits."),
        (
            "number",
            "4111111111111111",
            "Use a published test card: real cards are never accepted here.",
        ),
        ("expiry", "", "Enter the expiry date."),
        ("expiry", "13/39", "Enter the expiry date as MM / YY."),
        ("expiry", "soon", "Enter the expiry date as MM / YY."),
        ("expiry", "10/26", "This card has expired."),
        ("cvc", "", "Enter the security code."),
        ("cvc", "12", "Enter the security code: 3 digits, or 4 on American Express."),
        ("cvc", "1234", "The security code of this card has 3 digits."),
        ("name", "  ", "Enter the name on the card."),
    ],
)
def test_pay_with_a_wrong_field_names_it_and_keeps_no_secret(
    browser, merchant, field, value, message
):
    with clock.frozen(LAST_DAY):
        payment = PaymentFactory(merchant=merchant)
        answer = browser.post(page(payment), CARD | {field: value})

    content = answer.content.decode()
    assert answer.status_code == 422
    assert message in text(answer)
    assert f'id="id_{field}_error"' in content
    assert 'value="12 / 39"' in content or field == "expiry"
    assert 'value="Ada Lovelace"' in content or field == "name"
    assert f'value="{CARD["number"]}"' not in content
    assert 'value="123"' not in content
    payment.refresh_from_db()
    assert (payment.status, payment.card_last4, events(payment)) == ("pending", "", [])


def test_pay_with_a_short_amex_code_is_refused(browser, payment):
    answer = browser.post(page(payment), CARD | {"number": "378282246310005"})

    assert answer.status_code == 422
    assert "The security code of this card has 4 digits." in text(answer)


@pytest.mark.parametrize("expiry", ["11/26", "1126", "11/2026", "11 / 26", "12 2026"])
def test_pay_until_the_end_of_the_expiry_month_is_accepted(browser, merchant, expiry):
    with clock.frozen(LAST_DAY):
        payment = PaymentFactory(merchant=merchant)
        browser.post(page(payment), CARD | {"expiry": expiry})

    payment.refresh_from_db()
    assert payment.status == "succeeded"


def test_pay_twice_pays_once_and_returns_twice(browser, payment):
    first = browser.post(page(payment), CARD)
    again = browser.post(page(payment), CARD | {"number": "4000000000000002"})

    payment.refresh_from_db()
    assert first.headers["Location"] == again.headers["Location"] == returned(payment)
    assert (payment.status, payment.version) == ("succeeded", 2)
    assert events(payment) == ["payment.succeeded"]


@pytest.mark.django_db(transaction=True)
def test_parallel_submits_pay_once(payment):
    def submit():
        return Client().post(page(payment), CARD)

    answers = run_concurrently([submit] * 8)

    assert {answer.headers["Location"] for answer in answers} == {returned(payment)}
    assert WebhookEvent.objects.count() == 1


def test_post_without_a_csrf_token_is_refused(payment):
    answer = Client(enforce_csrf_checks=True).post(page(payment), CARD)

    payment.refresh_from_db()
    assert answer.status_code == 403
    assert payment.status == "pending"


def test_webhook_tells_what_the_api_tells(browser, merchant_api, payment):
    browser.post(page(payment), CARD)

    content = json.loads(WebhookEvent.objects.get().body)
    assert content["data"]["object"] == merchant_api.get(f"/v1/payments/{payment.id}").json()
    assert content["data"]["object"]["card"] == {"brand": "visa", "last4": "4242"}
    assert content["id"] == WebhookEvent.objects.get().id
    assert content["type"] == "payment.succeeded"
