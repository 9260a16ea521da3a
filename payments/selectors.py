"""What payments can be asked."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts.models import User
from common.errors import NotFound
from payments.models import PaymentMethod, PaymentTransaction

ASK_AGAIN_AFTER = timedelta(seconds=5)


def methods_on_offer() -> QuerySet[PaymentMethod]:
    """Methods that a customer may choose: active, and in production only those of real money."""
    methods = PaymentMethod.objects.filter(is_active=True).order_by("sequence", "id")
    if settings.ENVIRONMENT == "production":
        return methods.filter(is_test=False)
    return methods


def payments_visible_to(user: User) -> QuerySet[PaymentTransaction]:
    """Staff see every payment, everyone else their own."""
    payments = PaymentTransaction.objects.select_related("payment_method")
    return payments if user.is_staff else payments.filter(user=user)


def get_payment(*, payment_id: UUID) -> PaymentTransaction:
    """With its method.

    Raises:
        NotFound: there is no such payment.
    """
    try:
        return PaymentTransaction.objects.select_related("payment_method").get(pk=payment_id)
    except PaymentTransaction.DoesNotExist:
        raise NotFound("There is no such payment.") from None


def payment_at_gateway(
    *, payment_method_id: UUID, gateway_reference: str
) -> PaymentTransaction | None:
    """Find the payment that this method's gateway knows under ``gateway_reference``."""
    return PaymentTransaction.objects.filter(
        payment_method_id=payment_method_id, gateway_reference=gateway_reference
    ).first()


def due_payments(*, now: datetime) -> QuerySet[PaymentTransaction]:
    """Payments whose next scheduled check has come, longest overdue first."""
    return PaymentTransaction.objects.filter(next_check_at__lte=now).order_by("next_check_at", "id")


def not_asked_lately(*, now: datetime) -> Q:
    """Payments whose gateway was not asked within the last five seconds."""
    return Q(checked_at__isnull=True) | Q(checked_at__lte=now - ASK_AGAIN_AFTER)


def count_quarantined() -> int:
    """How many payments wait for staff because order and evidence do not match."""
    return PaymentTransaction.objects.filter(quarantined_at__isnull=False).count()
