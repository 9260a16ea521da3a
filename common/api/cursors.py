"""Where a list goes on: after a row, not after a number of rows.

A cursor holds the last row's values of every column of the order. Rows that
come or go meanwhile are neither lost nor repeated. It is signed together with
the list and the order it was made for, so that no other can be read with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, Q, QuerySet

Order = Sequence[str]


class BadCursor(Exception):
    """Forged, cut short, or made for another list or order."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Next to which row to go on, in which direction."""

    position: list[str | None]
    is_backward: bool

    @classmethod
    def at(cls, row: Model, order: Order, *, is_backward: bool) -> "Cursor":
        values = (_value(row, name.removeprefix("-")) for name in order)
        position = [None if value is None else str(value) for value in values]
        return cls(position=position, is_backward=is_backward)

    def encode(self, list_path: str, order: Order) -> str:
        return signing.dumps([self.position, self.is_backward], salt=_salt(list_path, order))


def decode(token: str, list_path: str, order: Order) -> Cursor:
    """Raises: BadCursor."""
    try:
        position, is_backward = signing.loads(token, salt=_salt(list_path, order))
    except signing.BadSignature as error:
        raise BadCursor from error
    return Cursor(position=position, is_backward=is_backward)


def rows_from(queryset: QuerySet[Any], order: Order, cursor: Cursor | None) -> QuerySet[Any]:
    """``queryset`` in the cursor's direction, from beyond its row."""
    if cursor is None:
        return queryset.order_by(*order)
    walked = [_opposite(name) for name in order] if cursor.is_backward else order
    beyond = _beyond(queryset.model, walked, cursor.position)
    return queryset.filter(beyond).order_by(*walked)


def _value(row: Model, column: str) -> Any:
    """Follows relations; None where one of them leads nowhere."""
    value: Any = row
    for name in column.split("__"):
        value = None if value is None else getattr(value, name)
    return value


def _salt(list_path: str, order: Order) -> str:
    return f"cursor:{list_path}:{','.join(order)}"


def _opposite(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _beyond(model: type[Model], order: Order, position: Sequence[str | None]) -> Q:
    """Rows that PostgreSQL sorts after ``position``: NULL is last, or first when descending."""
    if not order:
        return Q(pk__in=[])
    column, is_descending = order[0].removeprefix("-"), order[0].startswith("-")
    value = position[0]
    rest = _beyond(model, order[1:], position[1:])
    if value is None:
        same = Q((f"{column}__isnull", True)) & rest
        return same | Q((f"{column}__isnull", False)) if is_descending else same
    comparison = "lt" if is_descending else "gt"
    beyond = Q((f"{column}__{comparison}", value)) | (Q((column, value)) & rest)
    if not _may_be_null(model, column):
        return Q((f"{column}__{comparison}e", value)) & beyond  # what an index can use
    return beyond if is_descending else beyond | Q((f"{column}__isnull", True))


def _may_be_null(model: type[Model], column: str) -> bool:
    try:
        return bool(model._meta.get_field(column).null)
    except FieldDoesNotExist:  # an annotation, or a column of a related row
        return True
