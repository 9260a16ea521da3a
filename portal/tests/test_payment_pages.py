import pytest

from common.ids import uuid7
from common.testing import count_queries, drain_outbox
from payments.services.checkout import start_checkout
from payments.tests.factories import make_order, make_payment
from portal.tests.pages import text


@pytest.fixture
def payment(user, method):
    """A payment of 10.00 USD that waits on the gateway's page."""
    return start_checkout(user=user, order=make_order(method=method), idempotency_key="key")


def polls(page):
    return "data-poll" in page.content.decode()


def test_open_payment_waits_and_leads_on_to_the_gateway(browser, payment):
    page = browser.get(f"/payments/{payment.id}")

    assert page.status_code == 200
    assert polls(page)
    assert payment.checkout_url in page.content.decode()
    said = text(page)
    for part in ("USD 10.00", "Waiting for payment", "Test mode", "Started", "by you"):
        assert part in said


def test_page_asks_the_gateway_and_shows_the_credits_when_they_are_there(browser, payment, gateway):
    gateway.move("succeeded")

    paid = browser.get(f"/payments/{payment.id}")
    assert "Your credits are being added." in text(paid)
    assert polls(paid)
    drain_outbox()
    delivered = browser.get(f"/payments/{payment.id}")

    assert "1,000 credits are in your wallet." in text(delivered)
    assert "as you looked at this page" in text(delivered)
    assert not polls(delivered)


def test_failed_payment_says_why_and_waits_no_longer(browser, payment, gateway):
    gateway.move("failed", failure={"code": "card_declined", "message": "The card was declined."})

    page = browser.get(f"/payments/{payment.id}")

    assert "Not paid" in text(page)
    assert "The card was declined." in text(page)
    assert not polls(page)
    assert payment.checkout_url not in page.content.decode()


def test_payment_that_contradicts_itself_is_under_review(browser, payment, gateway):
    gateway.lies = {"amount": 1}

    page = browser.get(f"/payments/{payment.id}")

    assert "Under review" in text(page)
    assert "Checked" in text(page)
    assert "amount_mismatch" not in text(page)


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("initiated", "Starting"),
        ("requires_action", "Waiting for your bank"),
        ("expired", "Expired"),
    ],
)
def test_every_state_has_its_words(browser, user, method, status, label):
    make_payment(user=user, method=method, status=status)

    assert label in text(browser.get("/payments"))


def test_return_leads_to_the_payment_whatever_else_the_address_says(browser, payment):
    answer = browser.get(f"/payments/return?payment_id={payment.id}&status=succeeded", follow=True)

    assert answer.redirect_chain == [(f"/payments/{payment.id}", 303)]
    assert "Waiting for payment" in text(answer)


@pytest.mark.parametrize("query", ["", "?payment_id=", "?payment_id=x"])
def test_return_without_a_payment_is_not_there(browser, query):
    assert browser.get(f"/payments/return{query}").status_code == 404


def test_payment_of_somebody_else_is_not_there(visitor, payment, other_user, admin_user, gateway):
    for stranger in (other_user, admin_user):
        visitor.force_login(stranger)
        for path in (f"/payments/{payment.id}", f"/payments/return?payment_id={payment.id}"):
            answer = visitor.get(path, follow=True)
            assert answer.status_code == 404
            assert "This page does not exist" in text(answer)
        assert "You have not bought anything yet." in text(visitor.get("/payments"))
    assert [call[0] for call in gateway.calls] == ["POST"]


def test_unknown_payment_is_not_there(browser):
    assert browser.get(f"/payments/{uuid7()}").status_code == 404


def test_list_goes_on_from_its_last_row(browser, user, method):
    payments = [make_payment(user=user, method=method) for _ in range(21)]
    oldest, newest = payments[0], payments[-1]

    first = browser.get("/payments")
    shown = [row.id for row in first.context["payments"].rows]
    assert shown == [row.id for row in reversed(payments)][:20]
    older = first.context["payments"].older
    second = browser.get("/payments", {"before": older})

    assert [row.id for row in second.context["payments"].rows] == [oldest.id]
    assert second.context["payments"].older is None
    assert str(newest.id) not in second.content.decode()
    assert 'href="/payments">Latest' in second.content.decode()


def test_list_of_one_page_has_no_more(browser, user, method):
    make_payment(user=user, method=method)

    assert "Older" not in text(browser.get("/payments"))


@pytest.mark.parametrize("before", ["", "x", "00000000-0000-7000-8000-000000000000"])
def test_list_from_a_place_that_it_does_not_have_is_not_there(browser, before):
    assert browser.get("/payments", {"before": before}).status_code == 404


def test_list_does_not_go_on_from_a_row_of_somebody_else(browser, other_user, method):
    foreign = make_payment(user=other_user, method=method)

    assert browser.get("/payments", {"before": foreign.id}).status_code == 404


def test_list_takes_the_same_queries_for_many_payments(browser, user, method):
    make_payment(user=user, method=method)
    with count_queries() as one:
        browser.get("/payments")
    for _ in range(29):
        make_payment(user=user, method=method)
    with count_queries() as thirty:
        browser.get("/payments")

    assert len(one) == len(thirty) == 3
