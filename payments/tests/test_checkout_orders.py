"""Which orders a checkout takes."""

import pytest

from catalog.tests.factories import make_package, terms
from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from payments.models import PaymentMethod, PaymentTransaction
from payments.services.checkout import start_checkout
from payments.tests.factories import make_order

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"payment_method_id": uuid7()}, "payment_method"),
        ({"currency": "EUR"}, "currency"),
        ({"package_id": uuid7()}, "package"),
        ({"plan_id": uuid7()}, "plan"),
    ],
)
def test_start_checkout_of_something_unknown_names_the_field(user, method, gateway, fields, field):
    with pytest.raises((Invalid, NotFound)) as caught:
        start_checkout(user=user, order=make_order(method=method, **fields), idempotency_key="key")

    assert caught.value.field == field
    assert gateway.calls == []
    assert not PaymentTransaction.objects.exists()


@pytest.mark.parametrize("columns", [{"is_active": False}, {"deleted_at": clock.now()}])
def test_start_checkout_by_a_closed_method_is_refused(user, method, columns):
    order = make_order(method=method)
    PaymentMethod.objects.filter(pk=method.pk).update(**columns)

    with pytest.raises(Invalid) as caught:
        start_checkout(user=user, order=order, idempotency_key="key")

    assert caught.value.field == "payment_method"


@pytest.mark.parametrize(
    ("environment", "is_taken"), [("development", True), ("production", False)]
)
def test_start_checkout_with_test_money_is_for_development(
    user, method, settings, environment, is_taken
):
    settings.ENVIRONMENT = environment
    order = make_order(method=method)

    if is_taken:
        start_checkout(user=user, order=order, idempotency_key="key")
    else:
        with pytest.raises(Invalid):
            start_checkout(user=user, order=order, idempotency_key="key")

    assert PaymentTransaction.objects.exists() == is_taken


def test_start_checkout_of_a_free_plan_is_refused(user, method):
    package = make_package(plans=[terms(price_usd_minor=0)])

    with pytest.raises(Invalid) as caught:
        start_checkout(
            user=user, order=make_order(method=method, package=package), idempotency_key="key"
        )

    assert caught.value.field == "plan"


@pytest.mark.parametrize("field", ["return_url", "cancel_url"])
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "/client/checkout",
        "http://localhost:8000@evil.example/",
        "http://user:pass@localhost:8000/",
        "http://localhost:8000\\@evil.example/",
        "http://localhost:8000.evil.example/",
        "http://localhost:8001/",
        "https://localhost:8000/",
        "http://localhost/",
        "javascript://localhost:8000/%0aalert(1)",
        "ftp://localhost:8000/",
        "http://localhost:port/",
        "http:///localhost:8000/",
        "http://[::1/",
        " http://localhost:8000/",
        "http://localhost:8000/\n",
        "ht\ttp://localhost:8000/",
        "",
    ],
)
def test_start_checkout_with_a_foreign_address_is_refused(user, method, field, url):
    """No open redirect."""
    with pytest.raises(Invalid) as caught:
        start_checkout(
            user=user, order=make_order(method=method, **{field: url}), idempotency_key="key"
        )

    assert caught.value.field == field
    assert not PaymentTransaction.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://LOCALHOST:8000/a?b=c#d",
        "https://shop.example/",
        "https://shop.example:443/done",
    ],
)
def test_start_checkout_with_an_own_address_is_taken(user, method, settings, url):
    settings.CHECKOUT_RETURN_ORIGINS = ["http://localhost:8000", "https://shop.example", "broken"]

    payment = start_checkout(
        user=user, order=make_order(method=method, return_url=url), idempotency_key="key"
    )

    assert payment.return_url == url
