"""Rows for tests. Payments that tests follow from the start go through ``start_checkout``."""

from datetime import UTC, datetime
from itertools import count

from accounts.tests.factories import UserFactory
from catalog.selectors import offer
from catalog.tests.factories import make_package, terms
from common import clock
from payments.enums import PaymentStatus
from payments.models import OPEN, PaymentEvent, PaymentMethod, PaymentTransaction
from payments.services.checkout import Order
from payments.services.methods import ensure_payment_method
from payments.tests.crooked_gateway import SECRET_KEY, WEBHOOK_SECRET

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CREDENTIALS = {
    "base_url": "http://127.0.0.1:9",  # nobody listens there
    "secret_key": SECRET_KEY,
    "webhook_secret": WEBHOOK_SECRET,
}
BACK = "http://localhost:8000/client/checkout/success"
CANCEL = "http://localhost:8000/client/checkout/cancel"

_numbers = count(1)


def make_method(credentials=CREDENTIALS, **fields):
    """The simulator's test method, for dollars and taka."""
    method = ensure_payment_method(
        value="simulator", is_test=True, currencies=["USD", "BDT"], credentials=credentials
    )
    PaymentMethod.objects.filter(pk=method.pk).update(**fields)
    method.refresh_from_db()
    return method


def make_order(*, method, package=None, **fields):
    """An order of 10.00 USD for 1,000 credits that are valid for 90 days."""
    package = package or make_package(plans=[terms(credits_valid_days=90)])
    defaults = {
        "payment_method_id": method.id,
        "package_id": package.id,
        "plan_id": package.plans.get().plan_id,
        "currency": "USD",
        "return_url": BACK,
        "cancel_url": CANCEL,
    }
    return Order(**defaults | fields)


def ordered_columns(order):
    """What a payment keeps of ``order`` and of what is sold by it."""
    sold = offer(package_id=order.package_id, plan_id=order.plan_id, currency=order.currency)
    return {
        "package_history_id": sold.package_history_id,
        "plan_id": sold.plan_id,
        "package_plan_id": sold.package_plan_id,
        "package_name": sold.package_name,
        "plan_name": sold.plan_name,
        "duration_days": sold.duration_days,
        "credits": sold.credits,
        "credits_valid_days": sold.credits_valid_days,
        "amount_minor": sold.amount_minor,
        "currency": sold.currency,
        "return_url": order.return_url,
        "cancel_url": order.cancel_url,
    }


def make_payment(*, status=PaymentStatus.PENDING, user=None, method=None, **fields):
    """A payment that stands at ``status``, with the one event of its creation."""
    method = method or PaymentMethod.objects.first() or make_method()
    now = clock.now()
    number = next(_numbers)
    defaults = ordered_columns(make_order(method=method)) | {
        "user": user or UserFactory(),
        "payment_method": method,
        "is_test": method.is_test,
        "idempotency_key": f"key-{number}",
        "status": status,
        "gateway_reference": None if status == PaymentStatus.INITIATED else f"pay_{number}",
        "paid_at": now if status == PaymentStatus.SUCCEEDED else None,
        "failed_at": now if status == PaymentStatus.FAILED else None,
        "next_check_at": now if status in OPEN else None,
    }
    payment = PaymentTransaction.objects.create(**defaults | fields)
    PaymentEvent.objects.create(
        payment=payment,
        version=1,
        to_status=PaymentStatus.INITIATED,
        source="checkout",
        reason="checkout_started",
    )
    return payment
