"""The ledger said as simply as it can be, to compare the real one with."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

NEVER = datetime.max.replace(tzinfo=UTC)


class RefusedError(Exception):
    """The model refuses; its message is the error code that the ledger must give."""


@dataclass(eq=False)
class Lot:
    number: int
    amount: int
    expires_at: datetime | None
    is_paid: bool
    remaining: int = 0

    @property
    def order(self):
        return (self.expires_at or NEVER, self.is_paid, self.number)


@dataclass(eq=False)
class HeldAmount:
    wallet: "Wallet"
    amount: int
    expires_at: datetime
    status: str = "open"
    is_charged: bool = False


@dataclass(eq=False)
class Wallet:
    limit: int = 0
    balance: int = 0
    held: int = 0
    lots: list[Lot] = field(default_factory=list)

    @property
    def available(self):
        return self.balance - self.held

    def open_lots(self):
        return sorted((lot for lot in self.lots if lot.remaining), key=lambda lot: lot.order)


@dataclass(eq=False)
class Past:
    """Something that may be reversed."""

    verb: str
    wallet: Wallet
    amount: int
    parts: dict[Lot, int] = field(default_factory=dict)
    receiver: Wallet | None = None
    new_lots: list[Lot] = field(default_factory=list)
    is_reversed: bool = False


class ModelLedger:
    """Methods answer ``(amount, shortfall, past)`` or raise ``RefusedError``."""

    def __init__(self, now):
        self.now = now
        self.lots_made = 0

    def expire(self, wallet):
        expired = 0
        for lot in wallet.open_lots():
            if (lot.expires_at or NEVER) <= self.now and wallet.available > 0:
                part = min(lot.remaining, wallet.available)
                lot.remaining -= part
                wallet.balance -= part
                expired += part
        return expired

    def grant(self, wallet, amount, *, is_paid, expires_at):
        self.expire(wallet)
        lot = self._add_lot(wallet, amount, is_paid=is_paid, expires_at=expires_at)
        wallet.balance += amount
        self._trim(wallet, [lot])
        self.expire(wallet)
        return amount, 0, Past("grant", wallet, amount, new_lots=[lot])

    def spend(self, wallet, amount, *, allow_partial):
        self.expire(wallet)
        spendable = wallet.available + wallet.limit
        if amount > spendable and not allow_partial:
            raise RefusedError("insufficient_credits")
        moved = min(amount, spendable)
        return moved, amount - moved, Past("charge", wallet, moved, self._take(wallet, moved))

    def place(self, wallet, amount, *, expires_at):
        self.expire(wallet)
        if amount > wallet.available + wallet.limit:
            raise RefusedError("insufficient_credits")
        wallet.held += amount
        return HeldAmount(wallet, amount, expires_at)

    def capture(self, hold, amount):
        wallet = hold.wallet
        self.expire(wallet)
        if hold.is_charged:
            raise RefusedError("hold_closed")
        self._free(hold, "captured")
        hold.is_charged = True
        moved = min(amount, wallet.available + wallet.limit)
        past = Past("charge", wallet, moved, self._take(wallet, moved))
        self.expire(wallet)
        return moved, amount - moved, past

    def release(self, hold):
        self.expire(hold.wallet)
        if hold.status != "open":
            raise RefusedError("hold_closed")
        self._free(hold, "released")
        self.expire(hold.wallet)

    def sweep_hold(self, hold):
        if hold.status == "open" and hold.expires_at <= self.now:
            self._free(hold, "expired")
            self.expire(hold.wallet)

    def transfer(self, sender, receiver, amount):
        if sender is receiver:
            raise RefusedError("invalid")
        self.expire(sender)
        self.expire(receiver)
        paid = [lot for lot in sender.open_lots() if lot.is_paid]
        if amount > min(sender.available, sum(lot.remaining for lot in paid)):
            raise RefusedError("insufficient_credits")
        parts = self._take(sender, amount, paid)
        lots = [
            self._add_lot(receiver, part, is_paid=True, expires_at=lot.expires_at)
            for lot, part in parts.items()
        ]
        receiver.balance += amount
        self._trim(receiver, lots)
        return amount, 0, Past("transfer", sender, amount, parts, receiver, lots)

    def reverse(self, past):
        if past.amount == 0:
            raise RefusedError("not_reversible")
        if past.is_reversed:
            raise RefusedError("already_reversed")
        self.expire(past.wallet)
        moved = past.amount
        if past.verb == "grant":
            lot = past.new_lots[0]
            moved = max(0, min(lot.remaining, past.wallet.available))
            self._take(past.wallet, moved, [lot])
        else:
            if past.verb == "transfer":
                self._recall(past)
            self._give_back(past)
        past.is_reversed = True
        self.expire(past.wallet)
        return moved, past.amount - moved, None

    def _recall(self, past):
        self.expire(past.receiver)
        is_whole = all(lot.remaining == lot.amount for lot in past.new_lots)
        if not is_whole or past.receiver.available < past.amount:
            raise RefusedError("transfer_spent")
        self._take(past.receiver, past.amount, past.new_lots)

    def _give_back(self, past):
        wallet = past.wallet
        for lot, part in past.parts.items():
            lot.remaining += part
        wallet.balance += past.amount
        self._trim(wallet, past.parts)
        missing = max(0, wallet.balance) - sum(lot.remaining for lot in wallet.lots)
        if missing:
            self._add_lot(wallet, missing, is_paid=False, expires_at=None)

    def _add_lot(self, wallet, amount, *, is_paid, expires_at):
        self.lots_made += 1
        lot = Lot(self.lots_made, amount, expires_at, is_paid, amount)
        wallet.lots.append(lot)
        return lot

    def _take(self, wallet, amount, lots=None):
        wallet.balance -= amount
        parts = {}
        for lot in wallet.open_lots() if lots is None else lots:
            part = min(lot.remaining, amount)
            if part:
                lot.remaining -= part
                amount -= part
                parts[lot] = part
        return parts

    def _trim(self, wallet, lots):
        """What the wallet owes is taken from the lots that just came."""
        surplus = sum(lot.remaining for lot in wallet.lots) - max(0, wallet.balance)
        for lot in sorted(lots, key=lambda lot: lot.order):
            part = min(lot.remaining, max(0, surplus))
            lot.remaining -= part
            surplus -= part

    def _free(self, hold, status):
        if hold.status == "open":
            hold.status = status
            hold.wallet.held -= hold.amount
