import pytest
from django.test import Client

from catalog.tests.factories import FeatureFactory, PlanFactory, make_package, terms
from common.testing import count_queries, run_concurrently
from payments.models import PaymentTransaction
from payments.tests.crooked_gateway import answers, server_error
from payments.tests.factories import make_method
from portal.tests.pages import hidden_fields, text
from wallets.selectors import balances_of


@pytest.fixture
def package(db):
    plan = PlanFactory(name="Monthly")
    return make_package(
        name="Pro",
        badge="Popular",
        features=[FeatureFactory(name="Writing")],
        plans=[terms(plan, credits=3_000_000, credits_valid_days=90)],
    )


def order(package, method):
    return {
        "package": str(package.id),
        "plan": str(package.plans.get().plan_id),
        "payment_method": str(method.id),
        "currency": "USD",
        "idempotency_key": "0b0b0b0b-0000-4000-8000-000000000001",
    }


@pytest.mark.parametrize("path", ["/", "/packages"])
def test_window_shows_what_is_on_sale_with_its_price(visitor, method, package, path):
    dollars, taka = (text(visitor.get(path, {"currency": code})) for code in ("USD", "BDT"))

    for part in ("Pro", "Popular", "Writing", "Monthly", "3,000,000 credits, valid for 90 days"):
        assert part in dollars
    assert "USD 10.00" in dollars
    assert "Sign in to buy" in dollars
    assert "BDT 1,200.00" in taka


def test_window_for_whoever_is_signed_in_has_a_form(browser, method, package):
    page = browser.get("/packages")

    assert "Buy Pro" in text(page)
    fields = hidden_fields(page, "/checkout")
    assert (fields["package"], fields["currency"]) == (str(package.id), "USD")
    assert (
        hidden_fields(browser.get("/packages"), "/checkout")["idempotency_key"]
        != (fields["idempotency_key"])
    )


def test_window_in_an_unknown_currency_shows_dollars(visitor, package):
    assert "USD 10.00" in text(visitor.get("/packages?currency=XXX"))


def test_window_without_a_way_to_pay_says_so(browser, package):
    make_method(currencies=["BDT"])

    page = text(browser.get("/packages?currency=USD"))

    assert "There is no way to pay in USD at the moment." in page
    assert "Buy Pro" not in page


def test_window_shows_free_plans_as_free_and_earlier_prices_struck(browser, method):
    package = make_package(
        name="Starter", is_initial=True, plans=[terms(price_usd_minor=0, is_initial=True)]
    )
    cheaper = make_package(name="Sale").plans.get()
    cheaper.previous_price_usd_minor = 2000
    cheaper.save()

    page = text(browser.get("/packages"))

    assert f"{package.name} Free" in page
    assert "Comes with every account, once its address is confirmed." in page
    assert "Buy Starter" not in page
    assert "Before: USD 20.00 USD 10.00" in page


def test_window_offers_nothing_that_is_not_on_sale(visitor, db):
    make_package(name="Secret", is_active=False)

    assert "Nothing is on sale at the moment." in text(visitor.get("/packages"))


def test_window_takes_the_same_queries_for_many_packages(visitor, db):
    make_package()
    visitor.get("/packages")
    with count_queries() as one:
        visitor.get("/packages")
    for _ in range(29):
        make_package()
    with count_queries() as thirty:
        visitor.get("/packages")

    assert len(one) == len(thirty) == 4


def test_checkout_leads_to_the_page_of_the_gateway(browser, user, method, gateway, package):
    answer = browser.post("/checkout", order(package, method))

    [opened] = gateway.payments.values()
    assert (answer.status_code, answer["Location"]) == (303, opened["checkout_url"])
    payment = PaymentTransaction.objects.get()
    assert (payment.user, payment.amount_minor, payment.currency) == (user, 1000, "USD")
    assert payment.return_url == payment.cancel_url == "http://localhost:8000/payments/return"


def test_form_of_the_page_sent_twice_opens_one_checkout(browser, method, gateway, package):
    filled_in = order(package, method) | hidden_fields(browser.get("/packages"), "/checkout")

    answers = [browser.post("/checkout", filled_in) for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert len(gateway.payments) == PaymentTransaction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_double_click_opens_one_checkout(user, method, gateway, package):
    browsers = [Client() for _ in range(4)]
    for client in browsers:
        client.force_login(user)

    answers = run_concurrently(
        [
            lambda client=client: client.post("/checkout", order(package, method))
            for client in browsers
        ]
    )

    assert {answer.status_code for answer in answers} == {303}
    assert len({answer["Location"] for answer in answers}) == 1
    assert len(gateway.payments) == PaymentTransaction.objects.count() == 1


def test_key_of_a_paid_payment_leads_to_that_payment(browser, user, method, gateway, package):
    browser.post("/checkout", order(package, method))
    gateway.move("succeeded")
    payment = PaymentTransaction.objects.get()
    browser.get(f"/payments/{payment.id}")

    answer = browser.post("/checkout", order(package, method))

    assert answer["Location"] == f"/payments/{payment.id}"
    assert PaymentTransaction.objects.count() == 1


def test_key_with_another_choice_asks_once_more_with_a_new_key(browser, method, package):
    filled_in = order(package, method)
    browser.post("/checkout", filled_in)

    answer = browser.post("/checkout", filled_in | {"currency": "BDT"})

    assert answer.status_code == 422
    assert "Please check it and press the button once more." in text(answer)
    fields = hidden_fields(answer, "/checkout")
    assert fields["currency"] == "BDT"
    assert fields["idempotency_key"] != filled_in["idempotency_key"]
    assert PaymentTransaction.objects.count() == 1


def test_gateway_that_does_not_answer_leaves_the_same_key_to_try_again(
    browser, user, method, gateway, package
):
    gateway.faults = [server_error] * 5
    filled_in = order(package, method)

    answer = browser.post("/checkout", filled_in)

    assert answer.status_code == 503
    assert "The payment provider does not answer at the moment." in text(answer)
    assert hidden_fields(answer, "/checkout")["idempotency_key"] == filled_in["idempotency_key"]
    gateway.faults = []
    assert browser.post("/checkout", filled_in).status_code == 303
    assert len(gateway.payments) == PaymentTransaction.objects.count() == 1
    assert balances_of([user.id])[user.id].balance == 0


def test_gateway_that_refuses_is_told(browser, method, gateway, package):
    gateway.faults = [answers(422, {"code": "amount_too_small"})]

    answer = browser.post("/checkout", order(package, method))

    assert answer.status_code == 422
    assert "The payment gateway did not take this payment." in text(answer)
    assert PaymentTransaction.objects.get().status == "failed"


@pytest.mark.parametrize(
    "field", ["package", "plan", "payment_method", "currency", "idempotency_key"]
)
@pytest.mark.parametrize("value", ["", "x", None])
def test_incomplete_choice_pays_nothing(browser, method, package, field, value):
    filled_in = order(package, method)
    filled_in.pop(field)
    if value is not None:
        filled_in[field] = value

    answer = browser.post("/checkout", filled_in)

    assert answer.status_code == 422
    assert "Please choose a plan and a way to pay, and try again." in text(answer)
    assert not PaymentTransaction.objects.exists()


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("package", "There is no such package."),
        ("plan", "The package is not sold for this plan."),
        ("payment_method", "This payment method is not available."),
    ],
)
def test_choice_that_is_gone_is_told(browser, method, package, field, reason):
    gone = {field: "00000000-0000-7000-8000-000000000000"}

    answer = browser.post("/checkout", order(package, method) | gone)

    assert answer.status_code == 422
    assert reason in text(answer)
    assert not PaymentTransaction.objects.exists()
