"""What a metered call costs. Pure arithmetic in Decimal: no database, no clock, no floats.

For each usage ``i`` of the call, with ``P`` the sum of the profit percentages::

    base_price_i   = in_i x p_in_i + out_i x p_out_i     USD, what the model costs us
    base_credits_i = base_price_i / credit_price
    cost_credits_i = base_credits_i x (1 + P / 100)      what it costs the customer
    total          = ceil(sum of all cost_credits_i)     whole credits, rounded up once a call

The total is exact. A fraction is kept to 12 decimals, cut off below. What
``ceil`` added, and with it what was cut off, is the ``rounding_credits`` of the
call's last usage, so that over the rows of a call::

    sum(base_credits + profit_credits + rounding_credits) == total
    sum(price)                                            == total x credit_price
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact

CREDIT_PLACES = 12  # decimals of a fraction of a credit
_QUANTUM = Decimal(1).scaleb(-CREDIT_PLACES)

# Wide enough for every product of stored columns, and loud if one ever is not.
_EXACT = Context(prec=200, traps=[Inexact])
# A quotient may have no last digit. Rounded towards the same side twice, it is right.
_DOWN = Context(prec=200, rounding=ROUND_FLOOR)
_UP = Context(prec=200, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one model, 0 or more, and its prices in USD per token."""

    input_tokens: int
    output_tokens: int
    input_token_price: Decimal
    output_token_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedUsage:
    """``*_credits`` are fractions of credits; ``*price`` are USD.

    ``input_credits`` and ``output_credits`` make up ``base_credits``: before margin.
    ``price`` is the customer's share in USD, rounding included.
    """

    usage: Usage
    input_credits: Decimal
    output_credits: Decimal
    base_credits: Decimal
    profit_credits: Decimal
    cost_credits: Decimal
    rounding_credits: Decimal
    base_price: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedCall:
    total: int
    usages: tuple[PricedUsage, ...]


def price_call(
    *, usages: Sequence[Usage], credit_price: Decimal, profit_percentage: Decimal
) -> PricedCall:
    """Price one call.

    Args:
        credit_price: USD per credit, above 0.
        profit_percentage: added on top; 30 turns 10 credits into 13. 0 or more.

    >>> call = price_call(
    ...     usages=[
    ...         Usage(input_tokens=1200, output_tokens=800,
    ...               input_token_price=Decimal("3e-7"), output_token_price=Decimal("2.5e-6")),
    ...         Usage(input_tokens=1500, output_tokens=600,
    ...               input_token_price=Decimal("2.5e-6"), output_token_price=Decimal("1e-5")),
    ...     ],
    ...     credit_price=Decimal("0.00001"),
    ...     profit_percentage=Decimal(20 + 10),
    ... )
    >>> call.total
    1575
    >>> [plain(usage.cost_credits) for usage in call.usages]
    ['306.8', '1267.5']
    >>> [plain(usage.rounding_credits) for usage in call.usages]
    ['0', '0.7']
    """
    percent = _EXACT.add(Decimal(100), profit_percentage)
    priced = [_price(usage, credit_price, percent) for usage in usages]
    base_price = Decimal(0)
    for usage in priced:
        base_price = _EXACT.add(base_price, usage.base_price)
    total = _credits_up(_EXACT.multiply(base_price, percent), credit_price)
    if priced:
        priced[-1] = _with_rounding(priced, total, credit_price)
    return PricedCall(total=total, usages=tuple(priced))


def _price(usage: Usage, credit_price: Decimal, percent: Decimal) -> PricedUsage:
    input_price = _EXACT.multiply(Decimal(usage.input_tokens), usage.input_token_price)
    output_price = _EXACT.multiply(Decimal(usage.output_tokens), usage.output_token_price)
    base_price = _EXACT.add(input_price, output_price)
    input_credits = _credits_down(input_price, credit_price)
    base_credits = _credits_down(base_price, credit_price)
    cost_credits = _credits_down(
        _EXACT.multiply(base_price, percent), _EXACT.multiply(credit_price, Decimal(100))
    )
    return PricedUsage(
        usage=usage,
        input_credits=input_credits,
        output_credits=_EXACT.subtract(base_credits, input_credits),
        base_credits=base_credits,
        profit_credits=_EXACT.subtract(cost_credits, base_credits),
        cost_credits=cost_credits,
        rounding_credits=Decimal(0),
        base_price=base_price,
        price=_EXACT.multiply(cost_credits, credit_price),
    )


def _with_rounding(priced: Sequence[PricedUsage], total: int, credit_price: Decimal) -> PricedUsage:
    rounding = Decimal(total)
    for usage in priced:
        rounding = _EXACT.subtract(rounding, usage.cost_credits)
    last = priced[-1]
    owed = _EXACT.add(last.cost_credits, rounding)
    return replace(last, rounding_credits=rounding, price=_EXACT.multiply(owed, credit_price))


def _credits_down(usd: Decimal, credit_price: Decimal) -> Decimal:
    return _DOWN.divide(usd, credit_price).quantize(_QUANTUM, ROUND_FLOOR, _DOWN)


def _credits_up(usd_percent: Decimal, credit_price: Decimal) -> int:
    credits_ = _UP.divide(usd_percent, _EXACT.multiply(credit_price, Decimal(100)))
    return int(credits_.to_integral_value(ROUND_CEILING))


def plain(value: Decimal) -> str:
    """All digits, without an exponent and without zeros at the end.

    >>> plain(Decimal("3E-7")), plain(Decimal("12.500")), plain(Decimal("10"))
    ('0.0000003', '12.5', '10')
    """
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
