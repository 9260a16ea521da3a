import json

import pytest

from common.tests.models import Tool

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]
GOOD = '"name": "Saw", "value": "saw"'


def post(api, body, *, path="/tools", **options):
    return api.generic("POST", path, body, content_type="application/json", **options)


def faults(answer):
    return [(fault["field"], fault["code"]) for fault in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("{%s, 'x'}", None),
        ('{"name": "Saw"}', [("value", "required")]),
        ("{}", [("name", "required"), ("value", "required")]),
        ("[]", [("", "invalid")]),
        ("null", [("", "null")]),
        ('"text"', [("", "invalid")]),
        ('{GOOD, "x": 1, "id": 1}', [("x", "unknown_field"), ("id", "unknown_field")]),
        ('{GOOD, "created_at": "2026-01-01T00:00:00Z"}', [("created_at", "unknown_field")]),
        ('{"name": ["Saw"], "value": "saw"}', [("name", "wrong_type")]),
        ('{"name": {}, "value": "saw"}', [("name", "wrong_type")]),
        ('{"name": true, "value": "saw"}', [("name", "wrong_type")]),
        ('{"name": "", "value": "saw"}', [("name", "blank")]),
        ('{"name": null, "value": "saw"}', [("name", "null")]),
        ('{GOOD, "size": "big"}', [("size", "wrong_type")]),
        ('{GOOD, "size": 1.5}', [("size", "invalid")]),
        ('{GOOD, "size": 2147483648}', [("size", "max_value")]),
        ('{GOOD, "size": -2147483649}', [("size", "min_value")]),
        ('{GOOD, "is_active": "perhaps"}', [("is_active", "wrong_type")]),
        ('{GOOD, "maker": "x"}', [("maker", "invalid")]),
        ('{"name": "%s", "value": "saw"}' % ("n" * 41), [("name", "max_length")]),
        (r'{"name": "a\u0000", "value": "saw"}', [("name", "invalid")]),
        (r'{"name": "\ud83d", "value": "saw"}', [("name", "invalid")]),
        (r'{GOOD, "a\u0000": 1}', [("a\x00", "invalid")]),
        (r'{GOOD, "\udc00": 1}', [("?", "invalid")]),
        ('{GOOD, "name": "Plane"}', [("name", "invalid")]),
        ('{GOOD, "maker": {"id": 1, "id": 2}}', [("id", "invalid")]),
        ('{GOOD, "%s": 1}' % ("k" * 1000), [("k" * 200, "unknown_field")]),
    ],
)  # fmt: skip
def test_body_with_a_fault_is_400_and_names_it(api, body, expected):
    answer = post(api, body.replace("GOOD", GOOD))

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    if expected is not None:
        assert faults(answer) == expected
    assert not Tool.all_objects.exists()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", None),
        ("{", "The body is not JSON: look at line 1, column 2."),
        ('{"name":\n tru}', "The body is not JSON: look at line 2, column 2."),
        (b"\xff\xfe", "The body is not UTF-8."),
        (b"\xef\xbb\xbf{}", "The body is not JSON: look at line 1, column 1."),
        ('{GOOD, "size": NaN}', "NaN is not JSON."),
        ('{GOOD, "size": Infinity}', "Infinity is not JSON."),
        ('{GOOD, "size": -Infinity}', "-Infinity is not JSON."),
        ('{GOOD, "size": 1e400}', "A number is too large."),
        ('{GOOD, "size": %s}' % ("9" * 5000), "A number is too long."),
        ('{"a":' * 100 + "1" + "}" * 100, "JSON is nested too deeply."),
        ("[" * 200_000, "JSON is nested too deeply."),
        ("[" * 33 + "]" * 33, "JSON is nested too deeply."),
    ],
)
def test_body_that_cannot_be_read_is_400_in_our_words(api, body, detail):
    answer = post(api, body.replace("GOOD", GOOD) if isinstance(body, str) else body)

    assert answer.status_code == 400
    if detail is not None:
        assert (answer.json()["code"], answer.json()["detail"]) == ("parse_error", detail)


def body_of(size):
    empty = json.dumps({"name": "Saw", "value": "saw", "x": ""})
    return json.dumps({"name": "Saw", "value": "saw", "x": "x" * (size - len(empty))})


def test_body_of_one_mebibyte_is_read_and_a_byte_more_is_413(api):
    assert faults(post(api, body_of(1_048_576))) == [("x", "unknown_field")]

    answer = post(api, body_of(1_048_577))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_large_body_of_a_plain_view_is_413_too(api):
    answer = post(api, body_of(1_048_577), path="/plain")

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_body_of_another_type_is_415(api):
    answer = api.generic("POST", "/tools", "name=Saw", content_type="text/plain")

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_text_of_every_script_is_kept(api):
    name = "করাত 锯 منشار 🪚"

    assert post(api, json.dumps({"name": name, "value": "saw"})).json()["name"] == name
    assert Tool.objects.get().name == name
