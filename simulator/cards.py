"""The published test cards and what each of them does. No other number is accepted."""

from dataclasses import dataclass

from simulator.enums import CardOutcome

AMEX = "amex"
THREE_D_SECURE_FAILED = (
    "3ds_authentication_failed",
    "The cardholder did not pass 3-D Secure authentication.",
)


@dataclass(frozen=True, kw_only=True)
class Card:
    """One row of the table; ``code`` and ``message`` are empty unless it declines."""

    number: str
    brand: str
    meaning: str
    outcome: CardOutcome
    code: str = ""
    message: str = ""

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def cvc_digits(self) -> int:
        return 4 if self.brand == AMEX else 3

    @property
    def grouped(self) -> str:
        """The number as it is embossed: 4-6-5 on American Express, else groups of four."""
        if self.brand == AMEX:
            return f"{self.number[:4]} {self.number[4:10]} {self.number[10:]}"
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


def _approved(number: str, brand: str, meaning: str = "Approved") -> Card:
    return Card(number=number, brand=brand, meaning=meaning, outcome=CardOutcome.APPROVE)


def _declined(number: str, meaning: str, code: str, message: str) -> Card:
    return Card(
        number=number,
        brand="visa",
        meaning=meaning,
        outcome=CardOutcome.DECLINE,
        code=code,
        message=message,
    )


CARDS: tuple[Card, ...] = (
    _approved("4242424242424242", "visa"),
    _approved("5555555555554444", "mastercard"),
    _approved("378282246310005", AMEX),
    _approved("4000000000000101", "visa", "Approved although the CVC check is unavailable"),
    Card(
        number="4000002500003155",
        brand="visa",
        meaning="3-D Secure: the bank asks the cardholder first",
        outcome=CardOutcome.CHALLENGE,
    ),
    _declined("4000000000000002", "Declined", "card_declined", "The card was declined."),
    _declined(
        "4000000000009995",
        "Insufficient funds",
        "insufficient_funds",
        "The card has insufficient funds.",
    ),
    _declined("4000000000000069", "Expired card", "expired_card", "The card has expired."),
    _declined(
        "4000000000000127", "Wrong CVC", "incorrect_cvc", "The card's security code is incorrect."
    ),
    _declined(
        "4000000000006975",
        "Processing error",
        "processing_error",
        "The bank could not process the card.",
    ),
    _declined(
        "4000000000000341",
        "Processing error after the card was accepted",
        "processing_error",
        "The bank could not process the card.",
    ),
    _declined(
        "4100000000000019",
        "Suspected fraud",
        "fraudulent",
        "The payment was blocked as suspected fraud.",
    ),
    _declined(
        "4000000000000119",
        "Declined without a reason",
        "generic_decline",
        "The bank declined the payment and gave no reason.",
    ),
    _declined(
        "4000000000009235",
        "Address check failed",
        "avs_failed",
        "The billing address does not match the card.",
    ),
    _declined(
        "4000000000000259",
        "Risk check flagged",
        "risk_flagged",
        "The payment was flagged by the risk check.",
    ),
)

BY_NUMBER: dict[str, Card] = {card.number: card for card in CARDS}


def passes_luhn(number: str) -> bool:
    """Whether the check digit of a string of ASCII digits is right (ISO/IEC 7812-1).

    >>> passes_luhn("4242424242424242"), passes_luhn("4242424242424241")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(int(character) for character in reversed(number)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 -- digits of 10 to 18
    return total % 10 == 0
