from datetime import UTC, datetime, timedelta

import pytest

from accounts.events import EmailVerified
from accounts.tests.factories import UserFactory
from catalog import services as catalog
from catalog.contents import PlanTerms
from catalog.models import Subscription
from catalog.tests.factories import make_package, terms
from common import clock
from common.events import publish
from common.models import EventDelivery
from common.testing import drain_outbox
from payments.enums import EventSource
from payments.events import PaymentSucceeded
from payments.services import fulfilment
from payments.services.fulfilment import (
    NotPaid,
    NotVerified,
    fulfil_payment,
    grant_initial_package,
)
from payments.services.settlement import refresh_payment
from payments.tests.factories import make_payment
from wallets.models import Account, Grant, Transaction
from wallets.selectors import balances_of

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 3, 1, 12, 0, tzinfo=UTC)


def balance_of(user_id):
    return balances_of([user_id])[user_id].balance


def make_initial_package(**line):
    return make_package(is_initial=True, plans=[terms(is_initial=True, **{"credits": 100} | line)])


def test_fulfil_starts_the_subscription_grants_the_credits_and_books_the_money():
    payment = make_payment(status="succeeded")

    with clock.frozen(NOW):
        fulfil_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.fulfilled_at == NOW
    subscription = Subscription.objects.get()
    assert (subscription.user_id, subscription.package_history_id, subscription.plan_id) == (
        payment.user_id,
        payment.package_history_id,
        payment.plan_id,
    )
    assert subscription.reference == f"payment:{payment.id}"
    assert subscription.current_period_end == NOW + timedelta(days=30)
    grant = Grant.objects.get()
    assert (grant.amount, grant.source) == (1000, "purchase")
    assert (grant.cost_minor, grant.cost_currency) == (1000, "USD")
    assert grant.expires_at == NOW + timedelta(days=90)
    assert balance_of(payment.user_id) == 1000
    assert sorted(Transaction.objects.values_list("reference", flat=True)) == [
        f"payment:{payment.id}",
        f"payment:{payment.id}:money",
    ]


def test_fulfil_twice_delivers_once():
    """And it does deliver."""
    payment = make_payment(status="succeeded")

    with clock.frozen(NOW):
        fulfil_payment(payment_id=payment.id)
    fulfil_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.fulfilled_at == NOW
    assert balance_of(payment.user_id) == 1000
    assert Subscription.objects.count() == 1
    assert Transaction.objects.count() == 2


def test_fulfil_of_credits_that_never_expire_sets_no_expiry():
    payment = make_payment(status="succeeded", credits_valid_days=None)

    fulfil_payment(payment_id=payment.id)

    assert Grant.objects.get().expires_at is None


def test_fulfil_of_a_plan_without_credits_starts_the_subscription():
    payment = make_payment(status="succeeded", credits=0)

    fulfil_payment(payment_id=payment.id)

    payment.refresh_from_db()
    assert payment.fulfilled_at is not None
    assert balance_of(payment.user_id) == 0
    assert Transaction.objects.get().reference == f"payment:{payment.id}:money"


@pytest.mark.parametrize("status", ["initiated", "pending", "failed", "expired"])
def test_fulfil_of_a_payment_that_has_not_succeeded_delivers_nothing(status):
    payment = make_payment(status=status)

    with pytest.raises(NotPaid):
        fulfil_payment(payment_id=payment.id)

    assert not Subscription.objects.exists()
    assert balance_of(payment.user_id) == 0


def test_fulfil_delivers_what_was_sold_whatever_the_catalog_says_now():
    payment = make_payment(status="succeeded")
    catalog.update_package(
        package_id=payment.package_history.package_id,
        fields={"is_active": False},
        plans=[PlanTerms(plan_id=payment.plan_id, price_usd_minor=1, price_bdt_minor=1, credits=7)],
        actor_id=None,
    )

    fulfil_payment(payment_id=payment.id)

    assert balance_of(payment.user_id) == 1000
    assert Subscription.objects.get().package_history_id == payment.package_history_id


def test_fulfil_that_dies_in_the_middle_is_delivered_once_by_the_repeat(
    payment, gateway, monkeypatch
):
    """A crash between settlement and the end of fulfilment."""
    gateway.move("succeeded")
    refresh_payment(payment_id=payment.id, source=EventSource.WEBHOOK)
    honest = fulfilment.record_money_received

    def die(**kwargs):
        honest(**kwargs)
        raise SystemError("killed")

    monkeypatch.setattr(fulfilment, "record_money_received", die)
    with pytest.raises(AssertionError, match="killed"):
        drain_outbox()
    assert balance_of(payment.user_id) == 0
    monkeypatch.undo()

    drain_outbox()

    payment.refresh_from_db()
    assert payment.fulfilled_at is not None
    assert balance_of(payment.user_id) == 1000
    assert Subscription.objects.count() == 1


def test_fulfilment_hears_of_one_payment_twice_and_delivers_once():
    payment = make_payment(status="succeeded")
    heard = PaymentSucceeded(
        payment_id=str(payment.id),
        user_id=str(payment.user_id),
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )
    publish(heard)
    publish(heard)

    drain_outbox()

    assert balance_of(payment.user_id) == 1000
    assert EventDelivery.objects.filter(event__type="payments.payment_succeeded").exists()


def test_two_purchases_of_one_package_deliver_twice():
    user = UserFactory()
    for _ in range(2):
        fulfil_payment(payment_id=make_payment(status="succeeded", user=user).id)

    assert balance_of(user.id) == 2000


def test_initial_package_is_granted_on_verification():
    user = UserFactory()
    package = make_initial_package(credits_valid_days=10)
    publish(EmailVerified(user_id=str(user.id)))

    with clock.frozen(NOW):
        drain_outbox()

    assert balance_of(user.id) == 100
    grant = Grant.objects.get()
    assert (grant.source, grant.cost_minor) == ("initial_package", 0)
    assert grant.expires_at == NOW + timedelta(days=10)
    subscription = Subscription.objects.get()
    assert (subscription.package_id, subscription.reference) == (
        package.id,
        f"initial_package:{user.id}",
    )


def test_initial_package_is_granted_once_however_often_it_is_asked_for():
    user = UserFactory()
    make_initial_package()

    for _ in range(3):
        grant_initial_package(user_id=user.id)

    assert balance_of(user.id) == 100
    assert Subscription.objects.count() == 1


def test_initial_package_is_granted_once_even_when_it_is_another_one_by_then():
    user = UserFactory()
    make_initial_package()
    grant_initial_package(user_id=user.id)
    make_initial_package(credits=500)

    grant_initial_package(user_id=user.id)

    assert balance_of(user.id) == 100
    assert Subscription.objects.count() == 1


def test_initial_package_leaves_a_bought_subscription_in_place():
    payment = make_payment(status="succeeded")
    make_initial_package()
    fulfil_payment(payment_id=payment.id)

    grant_initial_package(user_id=payment.user_id)

    assert balance_of(payment.user_id) == 1100
    assert Subscription.objects.get().reference == f"payment:{payment.id}"


def test_initial_package_without_credits_starts_the_subscription():
    user = UserFactory()
    make_initial_package(credits=0)

    grant_initial_package(user_id=user.id)
    grant_initial_package(user_id=user.id)

    assert balance_of(user.id) == 0
    assert Subscription.objects.count() == 1


def test_initial_package_for_an_unverified_user_is_refused():
    user = UserFactory(is_verified=False)
    make_initial_package()

    with pytest.raises(NotVerified):
        grant_initial_package(user_id=user.id)

    assert not Account.objects.filter(owner=user).exists()
    assert not Subscription.objects.exists()


def test_initial_package_that_does_not_exist_grants_nothing():
    user = UserFactory()

    grant_initial_package(user_id=user.id)

    assert not Subscription.objects.exists()
