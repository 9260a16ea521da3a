"""Bodies that no route may take: generated from the schema, so a new route is tried by itself."""

import pytest
from django.db import transaction

from zaaz.tests.api_schema import operations
from zaaz.tests.json_samples import (
    ODD,
    changed,
    fields,
    is_open,
    is_valid,
    required,
    sample,
    without,
)
from zaaz.tests.world import World, assert_problem, contents

WITH_BODY = [operation for operation in operations() if operation.body]
NO_OBJECTS = {
    "cut off": b'{"a": ',
    "text": b'"text"',
    "number": b"1",
    "null": b"null",
    "list": b"[]",
    "not a number": b'{"a": NaN}',
    "infinite": b'{"a": 1e999}',
    "thousands of digits": b'{"a": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "deep": b"[" * 5000 + b"]" * 5000,
}


@pytest.fixture
def world(db):
    return World()


def dotted(path):
    return ".".join(map(str, path))


def bad_bodies(described):
    """What is wrong, the body, and the field that must be named."""
    good = sample(described)
    if not is_open(described):
        yield "unknown field", {**good, "nonsense": 1}, "nonsense"
    for path in required(described):
        yield f"{dotted(path)} missing", without(good, path), dotted(path)
    for path, inner in fields(described):
        for kind, value in ODD.items():
            if not is_valid(inner, value):
                yield f"{dotted(path)}: {kind}", changed(good, path, value), dotted(path)
        # What cannot be stored is found before the fields are, and named by the outermost.
        yield f"{dotted(path)}: NUL", changed(good, path, "a\x00b"), str(path[0])


def odd_bodies(described):
    """Bodies that may be taken or refused."""
    good = sample(described)
    yield "ids of nobody", good
    for path, inner in fields(described):
        for kind, value in ODD.items():
            if is_valid(inner, value):
                yield f"{dotted(path)}: {kind}", changed(good, path, value)


def names(problem, field):
    named = [fault["field"] for fault in problem["errors"]]
    return any(name == field or name.startswith(f"{field}.") for name in named)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_body_that_breaks_the_schema_is_refused_by_name_and_changes_nothing(world, operation):
    callers = world.let_in(operation, sample(operation.body))
    before = contents()

    unnamed = []
    for caller in callers:
        for said, body, field in bad_bodies(operation.body):
            problem = assert_problem(world.send(operation, caller, body), f"{caller}, {said}")
            if not names(problem, field):
                unnamed.append((caller, said, problem["errors"]))

    assert callers
    assert unnamed == []
    assert contents() == before


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_body_of_odd_values_is_never_a_fault_of_ours(world, operation):
    before = contents()
    for caller in world.let_in(operation, sample(operation.body)):
        for said, body in odd_bodies(operation.body):
            with transaction.atomic():
                answer = world.send(operation, caller, body)
                if answer.status_code < 300:
                    transaction.set_rollback(True)
            if answer.status_code >= 300:
                assert_problem(answer, f"{caller}, {said}")

    assert contents() == before


def test_body_that_is_no_json_object_is_refused_everywhere_and_changes_nothing(world):
    before = contents()

    for operation in WITH_BODY:
        for caller in world.let_in(operation, sample(operation.body)):
            refuses_all_but_json_objects(world, operation, caller)

    assert contents() == before


def refuses_all_but_json_objects(world, operation, caller):
    for said, body in NO_OBJECTS.items():
        answer = world.send(operation, caller, body, content_type="application/json")
        assert_problem(answer, f"{operation} by {caller}: {said}")
        assert answer.status_code == 400, f"{operation} by {caller}: {said}"
    for other in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = world.send(operation, caller, b"a=1", content_type=other)
        assert_problem(answer, f"{operation} by {caller}: {other}")
        assert answer.status_code in {400, 415}, f"{operation} by {caller}: {other}"
