"""Lots of credits: in which order they burn, what a part of one costs, when they expire."""

from bisect import insort
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from wallets.planning.state import LotState, WalletState

NEVER = datetime.max.replace(tzinfo=UTC)

BurnRank = tuple[datetime, bool, int, datetime, UUID]


def burn_rank(lot: LotState) -> BurnRank:
    """Place a lot in the burn order, which is decided here and nowhere else.

    Lots burn from the lowest rank to the highest: soonest expiring first and
    never expiring last, then promotional before paid, then the lower priority
    number, then the oldest; the id decides between lots of one moment.
    """
    return (
        lot.expires_at or NEVER,
        not lot.is_promotional,
        lot.priority,
        lot.created_at,
        lot.id,
    )


def open_lot(wallet: WalletState, lot: LotState) -> None:
    """Put a lot with something left into its place among the open ones."""
    insort(wallet.lots, lot, key=burn_rank)


def portions(
    wallet: WalletState, amount: int, *, paid_only: bool = False
) -> Iterator[tuple[LotState, int]]:
    """Split ``amount`` over the open lots in burn order, as far as they reach."""
    for lot in wallet.lots:
        if amount <= 0:
            return
        if paid_only and lot.is_promotional:
            continue
        portion = min(lot.remaining, amount)
        amount -= portion
        yield lot, portion


def drop_empty(wallet: WalletState) -> None:
    """Forget the open lots that have nothing left."""
    if any(lot.remaining == 0 for lot in wallet.lots):
        wallet.lots = [lot for lot in wallet.lots if lot.remaining]


def cost_of_portion(lot: LotState, portion: int) -> int:
    """Price, in minor units, the next ``portion`` credits that leave ``lot``.

    Parts of a lot cost together exactly what the lot cost: each starts where
    the one before it was rounded down to, so the last takes the remainder.
    """
    gone = lot.amount - lot.remaining
    before = lot.cost_minor * gone // lot.amount
    return lot.cost_minor * (gone + portion) // lot.amount - before


def has_due_lots(wallet: WalletState, now: datetime) -> bool:
    """Whether something in the wallet is past its time. Open lots are soonest-first."""
    first = wallet.lots[0].expires_at if wallet.lots else None
    return first is not None and first <= now


def expirable(wallet: WalletState, now: datetime) -> int:
    """How much of the wallet is past its time and not needed for an open hold."""
    if not has_due_lots(wallet, now):
        return 0
    due = sum(lot.remaining for lot in wallet.lots if (lot.expires_at or NEVER) <= now)
    return max(0, min(due, wallet.available))
