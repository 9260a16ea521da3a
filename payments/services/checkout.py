"""From "I want this" to the gateway's page. No gateway call happens inside a transaction."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import User
from catalog.selectors import Offer, offer
from common import clock
from common.errors import Invalid
from payments import schedule, selectors, state
from payments.enums import EventSource, PaymentStatus
from payments.gateways.base import CheckoutRequest, GatewayRefused
from payments.gateways.registry import gateway_for
from payments.models import PaymentEvent, PaymentMethod, PaymentTransaction
from payments.return_addresses import require_own_address
from payments.services.settlement import announce, settle_payment
from payments.state import Cause

REFUSED = "gateway_refused"


class KeyReused(Invalid):
    """The idempotency key bought something else before."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a customer asks for. The URLs are where the browser goes afterwards."""

    payment_method_id: UUID
    package_id: UUID
    plan_id: UUID
    currency: str
    return_url: str
    cancel_url: str


def start_checkout(*, user: User, order: Order, idempotency_key: str) -> PaymentTransaction:
    """Freeze an offer, and open the gateway's checkout for it.

    The payment is on record before the gateway hears of it. When the gateway
    does not answer, the same key asks again and can open no second checkout.

    Returns:
        The payment, with ``checkout_url``; for a repeated key the first one, as it is now.

    Raises:
        NotFound: there is no such package, or it is not sold for this plan.
        Invalid: the method, currency, amount or an address will not do; names the field.
        KeyReused: the key was used for another order.
        GatewayRefused: the gateway will not take the payment; it has failed.
        GatewayUnavailable: no answer; repeat with the same key.
    """
    payment = PaymentTransaction.objects.filter(user=user, idempotency_key=idempotency_key).first()
    if payment is None:
        payment = _record(user, order, idempotency_key)
    _require_same_order(payment, order)
    if payment.status == PaymentStatus.INITIATED and payment.quarantined_at is None:
        _open_checkout(payment, user)
        payment.refresh_from_db()
    if not payment.checkout_url:
        raise GatewayRefused(
            "The payment gateway did not take this payment. Start another one.",
            payment_id=str(payment.id),
        )
    return payment


def _record(user: User, order: Order, idempotency_key: str) -> PaymentTransaction:
    method = _method(order)
    sold = offer(package_id=order.package_id, plan_id=order.plan_id, currency=order.currency)
    if sold.amount_minor == 0:
        raise Invalid("There is nothing to pay for this plan.", field="plan")
    require_own_address(order.return_url, field="return_url")
    require_own_address(order.cancel_url, field="cancel_url")
    try:
        with transaction.atomic(durable=True):
            return _insert(user, order, idempotency_key, method, sold)
    except IntegrityError:
        # A double click: the other request was faster, and its payment is the one.
        return PaymentTransaction.objects.get(user=user, idempotency_key=idempotency_key)


def _method(order: Order) -> PaymentMethod:
    method = selectors.methods_on_offer().filter(pk=order.payment_method_id).first()
    if method is None:
        raise Invalid("This payment method is not available.", field="payment_method")
    if order.currency not in method.currencies:
        raise Invalid("This payment method does not take this currency.", field="currency")
    return method


def _insert(
    user: User, order: Order, idempotency_key: str, method: PaymentMethod, sold: Offer
) -> PaymentTransaction:
    now = clock.now()
    payment = PaymentTransaction.objects.create(
        user=user,
        payment_method=method,
        is_test=method.is_test,
        idempotency_key=idempotency_key,
        package_history_id=sold.package_history_id,
        plan_id=sold.plan_id,
        package_plan_id=sold.package_plan_id,
        package_name=sold.package_name,
        plan_name=sold.plan_name,
        duration_days=sold.duration_days,
        credits=sold.credits,
        credits_valid_days=sold.credits_valid_days,
        amount_minor=sold.amount_minor,
        currency=sold.currency,
        return_url=order.return_url,
        cancel_url=order.cancel_url,
        created_at=now,
        next_check_at=schedule.next_check(created_at=now, expires_at=None, now=now),
    )
    _record_start(payment)
    return payment


def _record_start(payment: PaymentTransaction) -> None:
    PaymentEvent.objects.create(
        payment=payment,
        version=payment.version,
        to_status=payment.status,
        source=EventSource.CHECKOUT,
        actor=payment.user,
        reason="checkout_started",
        created_at=payment.created_at,
    )


def _require_same_order(payment: PaymentTransaction, order: Order) -> None:
    was = Order(
        payment_method_id=payment.payment_method_id,
        package_id=payment.package_history.package_id,
        plan_id=payment.plan_id,
        currency=payment.currency,
        return_url=payment.return_url,
        cancel_url=payment.cancel_url,
    )
    if was != order:
        raise KeyReused("This idempotency key belongs to another order.")


def _open_checkout(payment: PaymentTransaction, user: User) -> None:
    return_url = settings.BASE_URL + reverse("payment-return", args=[payment.id])
    request = CheckoutRequest(
        payment_id=payment.id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        description=f"{payment.package_name}, {payment.plan_name}",
        customer_email=user.email,
        return_url=return_url,
        cancel_url=return_url,
    )
    try:
        opened = gateway_for(payment.payment_method).create_checkout(request)
    except GatewayRefused as refusal:
        _fail(payment.id, reason=str(refusal.context["reason"]))
        return
    settle_payment(payment_id=payment.id, evidence=opened, source=EventSource.CHECKOUT)


@transaction.atomic
def _fail(payment_id: UUID, *, reason: str) -> None:
    payment = PaymentTransaction.objects.select_for_update().get(pk=payment_id)
    if payment.status != PaymentStatus.INITIATED:
        return  # a repeat of this call was answered better
    state.move(
        payment,
        PaymentStatus.FAILED,
        Cause(source=EventSource.CHECKOUT, reason=REFUSED, evidence={"answer": reason}),
        failed_at=clock.now(),
        failure_code=REFUSED,
        next_check_at=None,
    )
    announce(payment)
