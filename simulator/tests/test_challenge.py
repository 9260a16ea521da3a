"""The 3-D Secure page."""

import pytest
from django.test import Client

from common import clock
from common.testing import run_concurrently
from simulator.models import WebhookEvent
from simulator.tests.factories import PaymentFactory
from simulator.tests.pages import CARD, events, page, returned, text

pytestmark = [pytest.mark.django_db, pytest.mark.urls("simulator.urls")]


@pytest.fixture
def challenged(browser, payment):
    browser.post(page(payment), CARD | {"number": "4000002500003155"})
    payment.refresh_from_db()
    return payment


def test_challenge_shows_what_is_confirmed(browser, challenged):
    shown = browser.get(page(challenged, "/challenge"))

    assert shown.status_code == 200
    for fact in ("Corner Shop", "USD 12.50", "ending in 3155", "Complete authentication"):
        assert fact in text(shown)


def test_checkout_of_a_challenged_payment_leads_to_the_challenge(browser, challenged):
    assert browser.get(page(challenged)).headers["Location"] == page(challenged, "/challenge")
    again = browser.post(page(challenged), CARD)
    assert again.headers["Location"] == page(challenged, "/challenge")


def test_challenge_completed_pays(browser, challenged):
    """A20 weakness 9: the challenge could not be reached, and its verification tossed a coin."""
    answer = browser.post(page(challenged, "/challenge"), {"outcome": "complete"})

    challenged.refresh_from_db()
    assert (answer.status_code, answer.headers["Location"]) == (303, returned(challenged))
    assert (challenged.status, challenged.card_last4) == ("succeeded", "3155")
    assert events(challenged) == ["payment.requires_action", "payment.succeeded"]


def test_challenge_failed_fails_the_payment(browser, challenged):
    answer = browser.post(page(challenged, "/challenge"), {"outcome": "fail"}, follow=True)

    challenged.refresh_from_db()
    assert (challenged.status, challenged.failure_code) == ("failed", "3ds_authentication_failed")
    assert "did not pass 3-D Secure" in text(answer)
    assert events(challenged) == ["payment.requires_action", "payment.failed"]


@pytest.mark.parametrize(("first", "status"), [("complete", "succeeded"), ("fail", "failed")])
def test_challenge_answered_twice_counts_once(browser, challenged, first, status):
    browser.post(page(challenged, "/challenge"), {"outcome": first})
    other = "fail" if first == "complete" else "complete"

    browser.post(page(challenged, "/challenge"), {"outcome": other})

    challenged.refresh_from_db()
    assert (challenged.status, challenged.version) == (status, 3)
    assert len(events(challenged)) == 2
    assert browser.get(page(challenged, "/challenge")).headers["Location"] == page(challenged)


@pytest.mark.django_db(transaction=True)
def test_challenge_answered_both_ways_at_once_has_one_outcome(merchant):
    payment = PaymentFactory(merchant=merchant, challenged=True)

    def answer(outcome):
        return lambda: Client().post(page(payment, "/challenge"), {"outcome": outcome})

    run_concurrently([answer("complete"), answer("fail")] * 4)

    assert WebhookEvent.objects.count() == 1


def test_challenge_answered_with_nonsense_asks_again(browser, challenged):
    answer = browser.post(page(challenged, "/challenge"), {"outcome": "maybe"})

    challenged.refresh_from_db()
    assert answer.status_code == 422
    assert challenged.status == "requires_action"


def test_challenge_with_another_payments_token_is_not_found(browser, challenged):
    other = PaymentFactory(merchant=challenged.merchant, challenged=True)

    answer = browser.post(
        f"/checkout/{challenged.id}/challenge?token={other.checkout_token}",
        {"outcome": "complete"},
    )

    challenged.refresh_from_db()
    assert answer.status_code == 404
    assert challenged.status == "requires_action"


def test_challenge_of_a_payment_that_needs_none_leads_to_the_form(browser, payment):
    answer = browser.post(page(payment, "/challenge"), {"outcome": "complete"})

    payment.refresh_from_db()
    assert answer.headers["Location"] == page(payment)
    assert payment.status == "pending"


def test_challenge_after_the_time_is_up_expires_the_payment(browser, challenged):
    with clock.frozen(challenged.expires_at):
        browser.post(page(challenged, "/challenge"), {"outcome": "complete"})

    challenged.refresh_from_db()
    assert challenged.status == "expired"
