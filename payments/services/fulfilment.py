"""Delivers what was paid for, and the initial package, each exactly once."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction

from accounts.models import User
from catalog.selectors import Offer, entitlement_of, initial_offer
from catalog.services import start_subscription
from common import clock
from common.errors import Conflict, Forbidden
from payments.models import PaymentTransaction
from wallets.enums import GrantSource
from wallets.selectors import lock_wallets
from wallets.services import ReferenceReused, grant_credits, record_money_received

log = structlog.get_logger()


class NotPaid(Conflict):
    """Nothing is delivered before the money is there."""

    code = "payment_not_paid"


class NotVerified(Forbidden):
    """The initial package is for people whose address is verified."""

    code = "user_not_verified"


@transaction.atomic
def fulfil_payment(*, payment_id: UUID) -> None:
    """Start the subscription, grant the credits and book the money: all of it, once.

    What is delivered is what the payment froze, whatever the catalog says now.

    Raises:
        NotPaid: the payment has not succeeded.
    """
    payment = (
        PaymentTransaction.objects.select_for_update(of=("self",))
        .select_related("package_history")
        .get(pk=payment_id)
    )
    if payment.fulfilled_at:
        return
    if payment.paid_at is None:
        raise NotPaid("This payment has not succeeded.")
    lock_wallets(user_ids=[payment.user_id])
    now = clock.now()
    reference = f"payment:{payment.id}"
    start_subscription(
        user_id=payment.user_id, offer=_frozen_offer(payment), reference=reference, at=now
    )
    if payment.credits:
        _grant_bought_credits(payment, reference, now)
    record_money_received(
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        reference=f"{reference}:money",
        memo=f"{payment.package_name}, {payment.plan_name}",
    )
    payment.fulfilled_at = now
    payment.save(update_fields=["fulfilled_at", "updated_at"])


def _frozen_offer(payment: PaymentTransaction) -> Offer:
    return Offer(
        package_history_id=payment.package_history_id,
        package_id=payment.package_history.package_id,
        package_plan_id=payment.package_plan_id,
        plan_id=payment.plan_id,
        package_name=payment.package_name,
        plan_name=payment.plan_name,
        duration_days=payment.duration_days,
        credits=payment.credits,
        credits_valid_days=payment.credits_valid_days,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )


def _grant_bought_credits(payment: PaymentTransaction, reference: str, now: datetime) -> None:
    grant_credits(
        user_id=payment.user_id,
        amount=payment.credits,
        source=GrantSource.PURCHASE,
        reference=reference,
        expires_at=_expiry(payment.credits_valid_days, now),
        cost_minor=payment.amount_minor,
        cost_currency=payment.currency,
        memo=f"{payment.package_name}, {payment.plan_name}",
    )


def _expiry(valid_days: int | None, now: datetime) -> datetime | None:
    return None if valid_days is None else now + timedelta(days=valid_days)


@transaction.atomic
def grant_initial_package(*, user_id: UUID) -> None:
    """Give a verified user the initial package, once in the life of the account.

    Whoever has bought a subscription already keeps it and gets the credits alone.

    Raises:
        NotVerified: the user's address is not verified.
    """
    if not User.objects.get(pk=user_id).is_verified:
        raise NotVerified("The initial package is for verified users.")
    offer = initial_offer()
    if offer is None:
        log.info("no_initial_package", user_id=str(user_id))
        return
    # A purchase that is delivered at this moment waits, so that its subscription stays.
    lock_wallets(user_ids=[user_id])
    now = clock.now()
    reference = f"initial_package:{user_id}"
    if offer.credits and not _grant_initial_credits(user_id, offer, reference, now):
        log.info("initial_package_granted_before", user_id=str(user_id))
        return
    entitlement = entitlement_of(user_ids=[user_id], at=now).get(user_id)
    if entitlement is None or entitlement.subscription_id is None:
        start_subscription(user_id=user_id, offer=offer, reference=reference, at=now)


def _grant_initial_credits(user_id: UUID, offer: Offer, reference: str, now: datetime) -> bool:
    try:
        outcome = grant_credits(
            user_id=user_id,
            amount=offer.credits,
            source=GrantSource.INITIAL_PACKAGE,
            reference=reference,
            expires_at=_expiry(offer.credits_valid_days, now),
            memo=f"{offer.package_name}, {offer.plan_name}",
        )
    except ReferenceReused:
        return False  # the initial package was another one then
    return not outcome.replayed
