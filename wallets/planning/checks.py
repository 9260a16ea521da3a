"""What is wrong with an operation, whatever the books say."""

from common.errors import Invalid
from wallets.operations import MEMO_MAX_LENGTH, REFERENCE_MAX_LENGTH
from wallets.planning.state import WalletState

MAX_AMOUNT = 10**15  # of one operation, in credits or minor units
MAX_BALANCE = 10**18  # in credits; a 64-bit column holds nine times as much


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep ``text``: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and (text.isascii() or not _has_surrogates(text))


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def check_reference(reference: str) -> None:
    if not 1 <= len(reference) <= REFERENCE_MAX_LENGTH or not is_storable(reference):
        raise Invalid(f"A reference has 1 to {REFERENCE_MAX_LENGTH} characters.", field="reference")


def check_memo(memo: str) -> None:
    if len(memo) > MEMO_MAX_LENGTH or not is_storable(memo):
        raise Invalid(f"A memo has at most {MEMO_MAX_LENGTH} characters.", field="memo")


def check_amount(amount: int, *, minimum: int = 1, field: str = "amount") -> None:
    if not minimum <= amount <= MAX_AMOUNT:
        raise Invalid(f"Must be between {minimum} and {MAX_AMOUNT}.", field=field)


def check_room(wallet: WalletState, amount: int) -> None:
    if wallet.balance + amount > MAX_BALANCE:
        raise Invalid(f"No wallet holds more than {MAX_BALANCE} credits.", field="amount")
