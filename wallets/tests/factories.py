"""Ways to put a ledger into a state, through its services."""

from datetime import UTC, datetime, timedelta
from itertools import count

from wallets.enums import GrantSource
from wallets.models import Account
from wallets.services import grant_credits, place_hold, reverse_transaction, spend_credits

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOMORROW = NOON + timedelta(days=1)
FAR = NOON + timedelta(days=9000)

_numbers = count(1)


def new_reference():
    return f"test:{next(_numbers)}"


def give(user, amount, *, source=GrantSource.PURCHASE, **terms):
    """Grant credits under a reference of their own."""
    reference = terms.pop("reference", None) or new_reference()
    return grant_credits(
        user_id=user.id, amount=amount, source=source, reference=reference, **terms
    )


def hold(user, amount, *, expires_at, reference=None):
    """Place a hold; its reference."""
    reference = reference or new_reference()
    place_hold(user_id=user.id, amount=amount, reference=reference, expires_at=expires_at)
    return reference


def spend(user, amount, reference="usage:1"):
    return spend_credits(user_id=user.id, amount=amount, reference=reference)


def reverse(outcome, *, actor=None):
    return reverse_transaction(
        transaction_id=outcome.transaction_id,
        reason="A mistake",
        actor_id=actor.id if actor else None,
    )


def wallet(user):
    return Account.objects.get(owner=user)


def figures(user):
    """A wallet's balance and what is held of it."""
    return Account.objects.values_list("balance", "held").get(owner=user)


def open_lots(user):
    """What is left of the lots of a wallet, the oldest first."""
    lots = wallet(user).grants.filter(remaining__gt=0).order_by("id")
    return list(lots.values_list("remaining", flat=True))
