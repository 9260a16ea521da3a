"""Ids and query parameters that no route may take: generated from the schema, as the bodies are."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

import pytest

from zaaz.tests.api_schema import operations
from zaaz.tests.json_samples import plain, sample
from zaaz.tests.world import NOBODY, World, assert_problem, call, contents

NAMED = [operation for operation in operations() if operation.parameters("path")]
LISTS = [operation for operation in operations() if operation.parameters("query")]
# Routes of which the id is the whole secret, or no secret at all.
OPEN = {"packages_public_retrieve", "payments_return_retrieve", "payments_webhook_create"}
ABSURD = [
    "nonsense", "-1", "1.5", "0x10", "9" * 30, "9" * 5000, "x" * 5000, "true,false", "null", "[]",
    "2026-13-45", NOBODY[:-1], "\x00", "a\x00b", "', --", "\u0663", ",", "%00",
]  # fmt: skip


@pytest.fixture
def world(db):
    return World()


def body_for(operation):
    return sample(operation.body) if operation.body else None


@pytest.mark.parametrize("operation", NAMED, ids=str)
def test_unknown_id_is_404_and_changes_nothing(world, operation):
    before = contents()
    for caller in world.let_in(operation, body_for(operation)):
        for name in operation.parameters("path"):
            for pk in (NOBODY, "nonsense", "9" * 50, "%00"):
                path = operation.path.replace(f"{{{name}}}", pk)
                answer = call(operation, path, world.callers[caller], body_for(operation))
                assert assert_problem(answer, path)["status"] in {400, 404}, path

    assert contents() == before


@pytest.mark.parametrize("operation", [row for row in NAMED if row.name not in OPEN], ids=str)
def test_row_of_somebody_else_is_404_or_shut_and_changes_nothing(world, operation):
    before = contents()
    for stranger in world.strangers.values():
        answer = call(operation, world.path(operation), stranger, body_for(operation))
        assert assert_problem(answer)["status"] in {401, 403, 404}

    assert contents() == before


def cannot_be(described, text):
    """Whether ``text`` is no value of what the schema describes; 1.5 is a number no row has."""
    described = plain(described)
    if described.get("type") == "array":
        return any(cannot_be(described["items"], part) for part in text.split(",") if part)
    if "\x00" in text:
        return True
    if "enum" in described:
        return text not in described["enum"]
    checks = {"integer": Decimal, "boolean": _boolean, "uuid": _uuid, "date-time": _moment}
    check = checks.get(described.get("format")) or checks.get(described.get("type"))
    try:
        return check is not None and text != "," and check(text) is None
    except (ValueError, InvalidOperation):
        return True


def _boolean(text):
    return {"true": True, "false": False}[text] if text in {"true", "false"} else None


def _uuid(text):
    return text if len(text.replace("-", "")) == 32 else None


def _moment(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_bad_parameter_of_a_list_is_400_by_name(world, operation):
    path, wrong = world.path(operation), []
    for caller in world.let_in(operation):
        headers = world.callers[caller]
        answer = call(operation, f"{path}?nonsense=1", headers)
        assert [fault["field"] for fault in assert_problem(answer)["errors"]] == ["nonsense"]
        for name, parameter in operation.parameters("query").items():
            for text in ABSURD:
                answer = ask(operation, path, headers, {name: text})
                if answer.status_code == 200 and not cannot_be(parameter["schema"], text):
                    continue
                faults = answer.json().get("errors", ())
                if answer.status_code != 400 or [fault["field"] for fault in faults] != [name]:
                    wrong.append((caller, name, text[:20], answer.status_code, faults))

    assert wrong == []


def ask(operation, path, headers, query):
    return call(operation, f"{path}?{urlencode(query)}", headers)
