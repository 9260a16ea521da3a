"""The limits and options of a feature, as staff write them and partners read them. Pure values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from catalog.enums import QualityTier
from common.errors import Invalid

LARGEST = 2**63 - 1  # what a balance can hold
MAX_PRIORITY = 100


@dataclass(frozen=True)
class FeatureConfig:
    """Every key is optional: None says nothing, and the next tier decides.

    ``min_credits`` gates a start; ``max_credits`` caps one charge; limits
    count uses; options are names that the partner defines.
    """

    min_credits: int | None = None
    max_credits: int | None = None
    daily_limit: int | None = None
    monthly_limit: int | None = None
    enabled_options: tuple[str, ...] | None = None
    disabled_options: tuple[str, ...] | None = None
    max_tokens: int | None = None
    quality_tier: str | None = None
    priority: int | None = None
    max_words: int | None = None
    custom: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Read a config from JSON values.

        Raises:
            Invalid: a key is unknown, mistyped or out of range (the field is
                ``config.<key>``), or ``min_credits`` is above ``max_credits``.

        >>> FeatureConfig.parse({"daily_limit": 5}).as_dict()
        {'daily_limit': 5}
        """
        if not isinstance(raw, Mapping):
            raise Invalid("A config is an object.", field="config")
        for key in raw:
            if key not in _READERS:
                raise _refused(str(key), "is not a config key; free keys go under custom")
        config = cls(**{key: _READERS[key](key, value) for key, value in raw.items()})
        if (config.min_credits or 0) > (
            LARGEST if config.max_credits is None else config.max_credits
        ):
            raise _refused("max_credits", "must not be below min_credits")
        return config

    def as_dict(self) -> dict[str, Any]:
        """Only the keys that are set, as JSON values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in values.items()
            if value is not None
        }

    def over(self, lower: "FeatureConfig") -> "FeatureConfig":
        """Let ``lower`` decide each key that is open here.

        >>> FeatureConfig(priority=9).over(FeatureConfig(priority=1, max_words=50)).as_dict()
        {'priority': 9, 'max_words': 50}
        """
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(lower, **{key: value for key, value in mine.items() if value is not None})


def _refused(key: str, reason: str) -> Invalid:
    return Invalid(f"{key} {reason}.", field=f"config.{key}")


class _Whole:
    """Reads an integer within bounds. True is not 1."""

    def __init__(self, lowest: int, highest: int = LARGEST) -> None:
        self.lowest, self.highest = lowest, highest

    def __call__(self, key: str, value: object) -> int:
        if type(value) is not int or not self.lowest <= value <= self.highest:
            raise _refused(key, f"must be a whole number from {self.lowest} to {self.highest}")
        return value


def _read_options(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _refused(key, "must be a list of strings")
    return tuple(value)


def _read_tier(key: str, value: object) -> str:
    if not isinstance(value, str) or value not in QualityTier.values:
        raise _refused(key, f"must be one of {', '.join(QualityTier.values)}")
    return value


def _read_custom(key: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _refused(key, "must be an object")
    return value


_READERS: dict[str, Callable[[str, object], Any]] = {
    "min_credits": _Whole(0),
    "max_credits": _Whole(0),
    "daily_limit": _Whole(1),
    "monthly_limit": _Whole(1),
    "enabled_options": _read_options,
    "disabled_options": _read_options,
    "max_tokens": _Whole(1),
    "quality_tier": _read_tier,
    "priority": _Whole(0, MAX_PRIORITY),
    "max_words": _Whole(1),
    "custom": _read_custom,
}
