"""How amounts, moments and states are written on the pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django import template

from common.money import Money
from payments.enums import EventSource
from portal.wording import (
    CHECKOUT_STARTED,
    LOOKED_AT,
    PAYMENT_WORDS,
    QUARANTINED,
    SOURCE_WORDS,
    Wording,
)

if TYPE_CHECKING:
    from payments.models import PaymentEvent, PaymentTransaction

register = template.Library()


@register.filter
def credits(amount: int | str) -> str:  # noqa: A001 -- what templates call it
    """Digits in groups of three; fractions of credits come as strings.

    >>> credits(3000000), credits("1267.5"), credits(-1575)
    ('3,000,000', '1,267.5', '-1,575')
    """
    return f"{Decimal(amount):,f}"


@register.filter
def signed(amount: int) -> str:
    """A change, with its sign.

    >>> signed(100), signed(-1575)
    ('+100', '\N{MINUS SIGN}1,575')
    """
    sign = "+" if amount > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(amount):,}"


@register.filter
def money(amount_minor: int, currency: str) -> str:
    """Currency code and major units.

    >>> money(3480000, "BDT")
    'BDT 34,800.00'
    """
    return f"{currency} {Decimal(Money(amount_minor, currency).format()):,}"


@register.filter
def moment(at: datetime) -> str:
    """Day and minute, in UTC.

    >>> moment(datetime(2026, 11, 21, 6, 5, tzinfo=UTC))
    '21 Nov 2026, 06:05 UTC'
    """
    return at.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC")


@register.filter
def day(at: datetime) -> str:
    """The day, in UTC.

    >>> day(datetime(2026, 11, 1, tzinfo=UTC))
    '1 Nov 2026'
    """
    return at.astimezone(UTC).strftime("%-d %b %Y")


@register.filter
def payment_words(payment: "PaymentTransaction") -> Wording:
    """How a payment stands."""
    return PAYMENT_WORDS[QUARANTINED if payment.is_quarantined else payment.status]


@register.filter
def event_label(event: "PaymentEvent") -> str:
    """What happened to a payment."""
    if not event.from_status:
        return CHECKOUT_STARTED
    if event.from_status == event.to_status:
        return LOOKED_AT
    return PAYMENT_WORDS[event.to_status].label


@register.filter
def event_source(event: "PaymentEvent") -> str:
    """How we came to know."""
    return SOURCE_WORDS[EventSource(event.source)]
