"""JSON that has one meaning and that PostgreSQL can hold."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 32


class StrictJSONParser(JSONParser):
    """Refuses NUL, lone surrogates, NaN, Infinity, names given twice and deep nesting."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        data = _decode(stream.read())
        faults = {
            name: ["Text contains a character that cannot be stored."]
            for name, value in (data.items() if isinstance(data, dict) else [("", data)])
            if not _is_storable([name, value])
        }
        if faults:
            raise ValidationError(faults)
        return data


def _decode(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ParseError(f"The body is not JSON: look at {place}.") from None
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except RecursionError:
        raise ParseError("JSON is nested too deeply.") from None
    except ValueError:  # an integer of thousands of digits
        raise ParseError("A number is too long.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        given = Counter(name for name, _ in pairs)
        fault = "This name is given twice."
        raise ValidationError({name: [fault] for name, times in given.items() if times > 1})
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ParseError("A number is too large.")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not JSON.")


def _is_storable(data: Any) -> bool:
    """Raises: ParseError: it is nested more than 32 deep."""
    waiting = [(data, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ParseError("JSON is nested too deeply.")
        if isinstance(value, str):
            if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                return False
        elif isinstance(value, dict):
            waiting += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
    return True
