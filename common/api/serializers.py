"""Serializers that refuse what they do not know and serve the list grammar's two views."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

ModelT = TypeVar("ModelT", bound=Model)


# JSON has types. The fields alone would read 0 as "0", 0 as false, true as an id, "" as no row.
_TYPES: tuple[tuple[type, str, Any], ...] = (
    (serializers.BooleanField, "true or false", lambda value: isinstance(value, bool)),
    (
        serializers.IntegerField,
        "a whole number",
        lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    ),
    (serializers.RelatedField, "text", lambda value: isinstance(value, str) and value != ""),
    (serializers.CharField, "text", lambda value: isinstance(value, str)),
    (serializers.ChoiceField, "text", lambda value: isinstance(value, str)),
    (serializers.UUIDField, "text", lambda value: isinstance(value, str)),
    (serializers.DateTimeField, "text", lambda value: isinstance(value, str)),
)


class StrictFields:
    """Unknown body fields are a fault; ``fields=`` trims and ``expand=`` unfolds the answer.

    ``Meta.expandable`` maps a relation to the serializer that shows it whole.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            fields = self.fields  # type: ignore[attr-defined]
            known = {name for name, field in fields.items() if not field.read_only}
            if unknown := [name for name in data if name not in known]:
                fault = {name: ["There is no such field."] for name in unknown}
                raise ValidationError(fault, code="unknown_field")
            refuse_mistyped(fields, data)
        return super().to_internal_value(data)  # type: ignore[misc]

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()  # type: ignore[misc]
        request = self.context.get("request")  # type: ignore[attr-defined]
        if request is None or request.method != "GET" or not self._is_outermost():
            return fields
        for name in _names(request.query_params.get("expand")):
            self._unfold(name, fields)
        wanted = _names(request.query_params.get("fields"))
        for name in wanted:
            if name not in fields:
                raise ValidationError({"fields": [f"There is no field {name!r}."]})
        return {name: fields[name] for name in fields if not wanted or name in wanted}

    def _unfold(self, name: str, fields: dict[str, Any]) -> None:
        meta = getattr(self, "Meta", None)
        expandable = getattr(meta, "expandable", {})
        if name not in expandable:
            raise ValidationError({"expand": [f"{name!r} cannot be expanded."]})
        fields[name] = expandable[name](read_only=True)

    def _is_outermost(self) -> bool:
        parent = self.parent  # type: ignore[attr-defined]
        return parent is None or (
            isinstance(parent, serializers.ListSerializer) and parent.parent is None
        )


def refuse_mistyped(fields: Mapping[str, Any], data: Mapping[str, Any]) -> None:
    """Raise ValidationError that names every value whose JSON type is not its field's."""
    mistyped = {name: fields[name] for name in data if _misread(fields[name], data[name])}
    if mistyped:
        fault = {name: [f"Send {_type_of(field)}."] for name, field in mistyped.items()}
        raise ValidationError(fault, code="wrong_type")


def _misread(field: Any, value: Any) -> bool:
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return any(_misread(field.child, item) for item in value)
    checks = (fits for kind, _, fits in _TYPES if isinstance(field, kind))
    return value is not None and not all(fits(value) for fits in checks)


def _type_of(field: Any) -> str:
    inner = getattr(field, "child", field)
    return next(words for kind, words, _ in _TYPES if isinstance(inner, kind))


def _names(listed: str | None) -> list[str]:
    return [name for name in (listed or "").split(",") if name]


class Serializer(StrictFields, serializers.Serializer[Any]):
    """Strict; see :class:`StrictFields`."""


class ModelSerializer(StrictFields, serializers.ModelSerializer[ModelT]):
    """Strict; see :class:`StrictFields`."""
