"""Books for the planner alone: no database."""

from common.ids import uuid7
from wallets.enums import GrantSource
from wallets.operations import Spend
from wallets.planning.lots import burn_rank
from wallets.planning.state import Books, LotState, WalletState
from wallets.tests.factories import NOON


def make_lot(amount=10, *, remaining=None, **terms):
    terms = {
        "source": GrantSource.PURCHASE,
        "is_promotional": False,
        "cost_minor": 0,
        "cost_currency": "",
        "expires_at": None,
        "priority": 0,
        "created_at": NOON,
    } | terms
    return LotState(
        id=uuid7(),
        account_id=uuid7(),
        transaction_id=uuid7(),
        amount=amount,
        remaining=amount if remaining is None else remaining,
        **terms,
    )


def make_books(*lots, overdraft_limit=0):
    """Books of one wallet with ``lots``, already in burn order."""
    balance = sum(lot.remaining for lot in lots)
    wallet = WalletState(uuid7(), uuid7(), balance, 0, overdraft_limit, 0)
    wallet.lots = sorted(lots, key=burn_rank)
    books = Books(lots={lot.id: lot for lot in lots})
    books.add_wallet(wallet)
    return books, wallet


def spend(wallet, amount, reference="spend", **terms):
    return Spend(user_id=wallet.user_id, amount=amount, reference=reference, **terms)


def errors(outcomes):
    return [type(outcome.error) for outcome in outcomes]
