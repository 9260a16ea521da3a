"""The database's refusals, in words."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from psycopg.errors import CheckViolation, UniqueViolation

from common.errors import Conflict, DomainError, Invalid

# constraint -> (what it is, what to say, which field is at fault)
_WORDS: dict[str, tuple[type[DomainError], str, str]] = {
    "living_feature_value_unique": (Conflict, "Another feature has this value.", "value"),
    "feature_not_its_own_parent": (Invalid, "A feature cannot be its own parent.", "parent"),
    "living_endpoint_value_unique": (Conflict, "Another endpoint has this value.", "value"),
    "living_endpoint_once_per_feature_path_and_method": (
        Conflict,
        "The feature already has an endpoint with this path and method.",
        "endpoint",
    ),
    "living_package_value_unique": (Conflict, "Another package has this value.", "value"),
    "initial_package_is_active": (
        Conflict,
        "The initial package must be active. Make another package initial first.",
        "is_active",
    ),
    "living_config_once_per_scope": (Conflict, "There is a config for this already.", "feature"),
    "config_of_endpoint_names_its_feature": (
        Invalid,
        "A config of an endpoint names its feature too.",
        "feature",
    ),
    "subscription_once_per_reference": (
        Conflict,
        "This reference already started another subscription.",
        "reference",
    ),
}


def in_words(error: Exception) -> Exception:
    """Give the error that names the field, for the violation of a constraint above."""
    cause = error.__cause__
    if not isinstance(cause, CheckViolation | UniqueViolation):
        return error
    words = _WORDS.get(cause.diag.constraint_name or "")
    if words is None:
        return error
    refusal, message, field = words
    return refusal(message, field=field)


@contextmanager
def said_in_words() -> Iterator[None]:
    """Raise what ``in_words`` gives, with what was done inside undone."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        said = in_words(error)
        if said is error:
            raise
        raise said from error
