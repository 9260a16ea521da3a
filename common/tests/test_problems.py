import json

import pytest
from django.core.exceptions import BadRequest
from django.test import RequestFactory
from rest_framework.exceptions import AuthenticationFailed, Throttled

from common.api.problems import bad_request, handle_exception
from common.models import IdempotencyRecord
from common.tests.factories import ToolFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("common.tests.urls")]


@pytest.fixture
def answering(api):
    """A client to which the server answers a crash instead of passing it on."""
    api.raise_request_exception = False
    return api


@pytest.mark.parametrize(
    ("fault", "status", "code", "detail"),
    [
        ("invalid", 422, "invalid", "Too much."),
        ("forbidden", 403, "forbidden", "Not you."),
        ("missing", 404, "not_found", "No such thing."),
        ("conflict", 409, "conflict", "Not now."),
        ("unavailable", 503, "unavailable", "Later."),
        ("denied", 403, "permission_denied", "You may not do this."),
        (
            "unforeseen",
            500,
            "internal_error",
            "Something went wrong on our side. Give us the request id.",
        ),
    ],
)
def test_every_failure_is_a_problem_with_the_request_id(answering, fault, status, code, detail):
    answer = answering.get(f"/failing/{fault}", headers={"X-Request-Id": "call-7"})

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["X-Request-Id"] == "call-7"
    body = answer.json()
    assert body["type"] == f"urn:zaaz:problem:{code}"
    assert (body["status"], body["code"], body["detail"]) == (status, code, detail)
    assert body["request_id"] == "call-7"
    assert b"library" not in answer.content
    assert b"Traceback" not in answer.content


def test_domain_error_tells_its_field_and_its_facts(api):
    body = api.get("/failing/invalid").json()

    assert body["available"] == 3
    assert body["errors"] == [{"field": "amount", "code": "invalid", "detail": "Too much."}]


def test_closed_view_asks_for_a_sign_in(api):
    answer = api.get("/closed")

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_address_of_nothing_is_404(api):
    answer = api.get("/nothing")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "/tools", "GET, POST, HEAD, OPTIONS"),
        ("get", "/keyed", "POST, OPTIONS"),
        ("get", "/tools/bulk/restore", "POST, OPTIONS"),
    ],
)
def test_method_that_a_route_has_not_is_405_and_says_which_it_has(api, method, path, allowed):
    answer = getattr(api, method)(path)

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


def test_answer_of_another_type_is_406(api):
    answer = api.get("/tools", headers={"Accept": "text/html"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["post", "delete"])
@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_only_read(api, path, method):
    answer = getattr(api, method)(path)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_host_that_is_not_ours_is_400(api):
    answer = api.get("/tools", headers={"Host": "elsewhere.example.com"})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert b"elsewhere" not in answer.content


def test_request_that_django_cannot_read_is_400():
    answer = bad_request(RequestFactory().get("/"), BadRequest("the words of a library"))

    body = json.loads(answer.content)
    assert (answer.status_code, body["code"]) == (400, "bad_request")
    assert "library" not in body["detail"]


def test_refusal_with_many_words_gives_its_own_short_ones():
    answer = handle_exception(AuthenticationFailed({"detail": "x", "messages": ["foreign"]}), {})

    assert (answer.data["code"], answer.data["detail"]) == (
        "authentication_failed",
        "Incorrect authentication credentials.",
    )


def test_throttled_call_is_told_when_to_come_back():
    assert handle_exception(Throttled(wait=3), {}).headers["Retry-After"] == "3"


def test_refused_value_is_not_written_to_the_log(api, logged):
    ToolFactory(value="a-private-value")

    api.post("/tools", {"name": "x", "value": "a-private-value"})

    assert [line.get("constraint") for line in logged.parsed()] == ["tool_value_once_alive", None]
    assert "a-private-value" not in logged.getvalue()


def test_every_line_of_a_refused_call_has_its_request_id_once(answering, logged):
    answering.get("/nothing", headers={"X-Request-Id": "call-8"})
    answering.get("/failing/unforeseen", headers={"X-Request-Id": "call-9"})

    assert [(line["event"], line["request_id"]) for line in logged.parsed()] == [
        ("Not Found: /nothing", "call-8"),
        ("Internal Server Error: /failing/unforeseen", "call-9"),
    ]


def test_crash_is_logged_without_query_or_headers(answering, logged):
    answering.get(
        "/failing/unforeseen?token=hidden-1",
        headers={"Cookie": "sessionid=hidden-2", "Idempotency-Key": "hidden-3"},
    )

    assert "ZeroDivisionError" in logged.parsed()[0]["exception"]
    assert "hidden" not in logged.getvalue()


@pytest.mark.parametrize("body", [{"a": 1}, {"refuse": 1}])
def test_replayed_answer_is_the_first_one_to_the_byte(api, user, client_for, body):
    client = client_for(user)
    answers = [
        client.post("/keyed", body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]  # fmt: skip

    first, again = answers
    assert first.status_code == again.status_code == (422 if "refuse" in body else 201)
    assert first.headers["Content-Type"] == again.headers["Content-Type"]
    assert {**first.json(), "request_id": ""} == {**again.json(), "request_id": ""}
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert IdempotencyRecord.objects.count() == 1
