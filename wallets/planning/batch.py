"""The steps that operations share: find a wallet, post, move, burn, close, expire."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from common.errors import NotFound
from common.ids import uuid7
from wallets.enums import CREDIT, AccountKind, HoldStatus, TransactionKind
from wallets.errors import HoldNotFound
from wallets.planning import lots
from wallets.planning.state import (
    Books,
    BurnRow,
    Done,
    EntryRow,
    HoldState,
    LotState,
    Plan,
    SystemAccount,
    TransactionRow,
    WalletState,
)


@dataclass(slots=True, eq=False)
class Batch:
    """A batch while it is planned: what it knows, its moment, what it has decided."""

    books: Books
    now: datetime
    plan: Plan = field(default_factory=Plan)

    def wallet(self, user_id: UUID, *, field_name: str = "user_id") -> WalletState:
        """Find a user's wallet, rid of what has expired.

        Raises:
            NotFound: there is no such user. Every user has a wallet by now.
        """
        wallet = self.books.wallet_of_user.get(user_id)
        if wallet is None:
            raise NotFound("There is no such user.", field=field_name)
        self.expire_due(wallet)
        return wallet

    def hold(self, reference: str) -> tuple[HoldState, WalletState]:
        """Find a hold and its wallet, rid of what has expired.

        Raises:
            HoldNotFound: nobody placed it.
        """
        hold = self.books.holds.get(reference)
        wallet = self.books.wallets.get(hold.account_id) if hold else None
        if hold is None or wallet is None:  # without a wallet: placed after we locked
            raise HoldNotFound("There is no such hold.", field="hold_reference")
        self.expire_due(wallet)
        return hold, wallet

    def record(self, row: TransactionRow) -> Done:
        """Write a transaction down: its reference is taken from here on."""
        done = Done(row.fingerprint, row.id, row.hold_id, row.account_id, row.amount, row.shortfall)
        self.plan.transactions.append(row)
        self.books.posted[row.reference] = done
        return done

    def move(
        self,
        row: TransactionRow,
        *,
        source: WalletState | SystemAccount | UUID,
        target: WalletState | SystemAccount | UUID,
    ) -> None:
        """Write the two entries of ``row``; none when it moves nothing."""
        if row.amount:
            self._enter(row.id, source, -row.amount)
            self._enter(row.id, target, row.amount)

    def _enter(
        self, transaction_id: UUID, account: WalletState | SystemAccount | UUID, amount: int
    ) -> None:
        if isinstance(account, WalletState):
            account.balance += amount
            account.entry_count += 1
            entry = EntryRow(
                uuid7(), transaction_id, account.id, amount, account.balance, account.entry_count
            )
        else:
            entry = EntryRow(uuid7(), transaction_id, account, amount, None, None)
        self.plan.entries.append(entry)

    def touch(self, wallet: WalletState, *, kind: str, reference: str, delta: int = 0) -> None:
        """Note that a wallet changed, for its row and for whoever listens."""
        self.plan.wallets[wallet.id] = wallet
        self.plan.changes.append(
            {
                "user_id": str(wallet.user_id),
                "account_id": str(wallet.id),
                "asset": CREDIT,
                "delta": delta,
                "balance": wallet.balance,
                "held": wallet.held,
                "available": wallet.available,
                "kind": kind,
                "reference": reference,
            }
        )

    def add_lots(self, wallet: WalletState, new: Iterable[LotState]) -> None:
        """Add lots; what the wallet owes is burned from them at once. Call before ``move``."""
        debt = max(0, -wallet.balance)
        for lot in new:
            self.books.lots[lot.id] = lot
            self.plan.new_lots.append(lot)
            owed = min(debt, lot.amount)
            if owed:
                debt -= owed
                self.burn_lot(lot, owed, lot.transaction_id)
            if lot.remaining:
                lots.open_lot(wallet, lot)

    def burn_lot(self, lot: LotState, amount: int, transaction_id: UUID) -> None:
        """Take from one lot; a negative amount gives back to it."""
        lot.remaining -= amount
        self.plan.lots[lot.id] = lot
        self.plan.burns.append(BurnRow(transaction_id, lot.id, amount))

    def burn(self, wallet: WalletState, amount: int, transaction_id: UUID) -> None:
        """Take from the open lots in burn order, as far as they reach."""
        for lot, portion in lots.portions(wallet, amount):
            self.burn_lot(lot, portion, transaction_id)
        lots.drop_empty(wallet)

    def close_hold(self, hold: HoldState, wallet: WalletState, status: HoldStatus) -> None:
        """Free what an open hold reserves."""
        hold.status = status
        wallet.held -= hold.amount
        self.plan.closed_holds[hold.id] = hold

    def expire_due(self, wallet: WalletState) -> int:
        """Expire the lots whose time has come, as far as no open hold needs them."""
        amount = lots.expirable(wallet, self.now)
        if amount:
            # The wallet's lock makes the position unique, and so the reference.
            row = TransactionRow(
                id=uuid7(),
                kind=TransactionKind.EXPIRY,
                reference=f"expiry:{wallet.id}:{wallet.entry_count + 1}",
                fingerprint="",
                account_id=wallet.id,
                amount=amount,
            )
            self.record(row)
            self.burn(wallet, amount, row.id)
            self.move(row, source=wallet, target=SystemAccount(AccountKind.EXPIRED))
            self.touch(wallet, delta=-amount, kind=row.kind, reference=row.reference)
        return amount
