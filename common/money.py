"""Money as integers. One dollar is 100; nothing here is a float."""

from dataclasses import dataclass

from django.db import models


class Currency(models.TextChoices):
    """The ISO 4217 currencies that we price and settle in."""

    USD = "USD", "USD"
    BDT = "BDT", "BDT"


_EXPONENTS = {Currency.USD: 2, Currency.BDT: 2}


def exponent(currency: str) -> int:
    """How many decimal places ``currency`` has.

    Raises:
        ValueError: the currency is not one of ours.

    >>> exponent("BDT")
    2
    """
    return _EXPONENTS[Currency(currency)]


@dataclass(frozen=True)
class Money:
    """``amount_minor`` of ``currency``'s smallest unit."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("An amount of money is an integer of minor units.")
        exponent(self.currency)

    def format(self) -> str:
        """Major units with every decimal place.

        >>> Money(1250, "USD").format()
        '12.50'
        >>> Money(-5, "USD").format()
        '-0.05'
        """
        places = exponent(self.currency)
        whole, part = divmod(abs(self.amount_minor), 10**places)
        sign = "-" if self.amount_minor < 0 else ""
        return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"
