from uuid import UUID

from structlog.contextvars import get_contextvars

from common.events import subscribe
from notifications.services import Message, push_to_user, push_to_users
from payments.events import PaymentSucceeded
from wallets.events import BalancesChanged

BALANCE_FIELDS = ("asset", "balance", "held", "available", "delta", "reference", "kind")


@subscribe(BalancesChanged)
def push_balances(event: BalancesChanged) -> None:
    push_to_users(
        messages=[
            (
                UUID(change["user_id"]),
                Message(
                    type="wallet.balance_changed",
                    id=_event_id(),
                    data={field: change[field] for field in BALANCE_FIELDS},
                ),
            )
            for change in event.changes
        ]
    )


@subscribe(PaymentSucceeded)
def push_payment(event: PaymentSucceeded) -> None:
    push_to_user(
        user_id=UUID(event.user_id),
        message=Message(
            type="payment.succeeded",
            id=_event_id(),
            data={
                "payment_id": event.payment_id,
                "amount_minor": event.amount_minor,
                "currency": event.currency,
            },
        ),
    )


def _event_id() -> str:
    return str(get_contextvars()["event_id"])  # bound by whoever delivers the event
