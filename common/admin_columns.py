"""How admin screens write numbers, money and states, in lists and on read-only pages."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from django.contrib import admin
from django.db.models import BigIntegerField, DecimalField, Field, Model
from unfold.decorators import display

from common.money import Money

Column = Callable[[Any], Any]

STATES = frozenset({"status", "state", "verdict"})
TONES = {
    "active": "success", "succeeded": "success", "settled": "success", "done": "success",
    "delivered": "success", "moved": "success", "captured": "success",
    "open": "info", "pending": "info", "initiated": "info", "requires_action": "info",
    "expired": "warning", "released": "warning", "canceled": "warning", "unchanged": "warning",
    "failed": "danger", "blocked": "danger", "dead": "danger", "quarantined": "danger",
    "unknown_payment": "danger", "refunded": "warning", "partially_refunded": "warning",
}  # fmt: skip


def whole(number: int | None) -> str | None:
    """Separate the thousands.

    >>> whole(3000000)
    '3,000,000'
    """
    return None if number is None else f"{number:,}"


def exact(number: Decimal | None) -> str | None:
    """Every digit that counts.

    >>> exact(Decimal("1267.500000000000"))
    '1,267.5'
    """
    if number is None:
        return None
    digits = f"{number:,f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def money(amount_minor: int, currency: str) -> str:
    """Major units and the currency; an unnamed currency is no money at all.

    >>> money(290000, "USD")
    '2,900.00 USD'
    """
    if not currency:
        return "-"
    return f"{Decimal(Money(amount_minor, currency).format()):,} {currency}"


@cache
def number_column(name: str, description: str = "", ordering: str | None = None) -> Column:
    """A column of ``name``, an attribute with an integer or a Decimal."""

    @admin.display(description=description or name.replace("_", " "), ordering=ordering)
    def column(row: Any) -> str | None:
        number = getattr(row, name)
        return exact(number) if isinstance(number, Decimal) else whole(number)

    column.__name__ = name
    return column


def money_column(amount: str, currency: str, description: str) -> Column:
    """A column of the minor units ``amount``, sorted by them, with the row's ``currency``."""

    @admin.display(description=description, ordering=amount)
    def column(row: Any) -> str:
        return money(getattr(row, amount), getattr(row, currency))

    column.__name__ = f"{amount}_in_words"  # not the field's: its help text speaks of minor units
    return column


@cache
def _state_column(name: str, description: str) -> Column:
    @display(description=description, ordering=name, label=TONES)  # type: ignore[untyped-decorator]  # the library is not typed
    def column(row: Any) -> tuple[str, str] | None:
        value = getattr(row, name)
        return (value, getattr(row, f"get_{name}_display")()) if value else None

    column.__name__ = name
    return column  # type: ignore[no-any-return]  # the library is not typed


def readable(model: type[Model], name: Any, *, in_list: bool) -> Any:
    """Return what shows the field ``name`` best: itself, or a column that writes it for people."""
    field = _field(model, name)
    if field is None:
        return name
    if isinstance(field, BigIntegerField | DecimalField):
        return number_column(name, str(field.verbose_name), name)
    if in_list and name in STATES and field.choices:
        return _state_column(name, str(field.verbose_name))
    return name


def _field(model: type[Model], name: Any) -> Field[Any, Any] | None:
    fields: dict[Any, Field[Any, Any]] = {field.name: field for field in model._meta.fields}
    return fields.get(name)
