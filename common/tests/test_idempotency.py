from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from common import clock, tasks
from common.api import idempotency
from common.api.idempotency import idempotent
from common.api.permissions import DenyAll
from common.api.problems import handle_exception
from common.errors import Forbidden, Invalid, Unavailable
from common.models import IdempotencyRecord
from common.testing import run_concurrently

calls: list[object] = []


class KeyedView(APIView):
    authentication_classes = ()
    permission_classes = ()
    answer: Exception | None = None

    @idempotent(required=True)
    def post(self, request):
        calls.append(request.data)
        if self.answer:
            raise self.answer
        return Response({"n": len(calls)}, status=201)


@pytest.fixture(autouse=True)
def _no_calls():
    calls.clear()


def send(user, *, key="k", body=None, **options):
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    request = APIRequestFactory().post("/x", body or {"a": 1}, format="json", **headers)
    force_authenticate(request, user)
    return KeyedView.as_view(**options)(request)


def test_keyed_call_repeated_replays_the_first_answer(user):
    first = send(user)
    again = send(user)

    assert (first.status_code, first.data) == (201, {"n": 1})
    assert (again.status_code, again.data) == (201, {"n": 1})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(calls) == 1


def test_key_with_another_body_is_422(user):
    send(user)

    answer = send(user, body={"a": 2})

    assert (answer.status_code, answer.data["code"]) == (422, "idempotency_key_reused")
    assert len(calls) == 1


def test_key_of_another_user_is_another_key(user, other_user):
    assert send(user).data == {"n": 1}
    assert send(other_user).data == {"n": 2}


@pytest.mark.parametrize("key", [None, "", "k" * 256, "a\x00b", "ключ"])
def test_bad_key_is_400_and_named(user, key):
    answer = send(user, key=key)

    assert answer.status_code == 400
    assert answer.data["errors"][0]["field"] == "Idempotency-Key"
    assert not calls


def test_call_that_could_not_be_done_may_be_tried_again(user):
    assert send(user, answer=Unavailable("away")).status_code == 503
    assert send(user).status_code == 201


def test_refusal_is_stored_and_replayed(user):
    assert send(user, answer=Invalid("no", field="a")).status_code == 422
    again = send(user)
    assert (again.status_code, again.data["errors"][0]["field"]) == (422, "a")
    assert len(calls) == 1


def test_crash_gives_the_key_back(user):
    with pytest.raises(ZeroDivisionError):
        send(user, answer=ZeroDivisionError())
    assert not IdempotencyRecord.objects.exists()


def test_call_whose_process_died_may_run_again_after_a_minute(user):
    send(user)
    IdempotencyRecord.objects.update(
        response_status=None, response_body=None, locked_until=clock.now() + timedelta(seconds=60)
    )

    running = send(user)
    assert (running.status_code, running.data["code"]) == (409, "idempotency_key_in_use")
    assert running.headers["Retry-After"] == "1"

    IdempotencyRecord.objects.update(locked_until=clock.now() - timedelta(seconds=1))
    assert send(user).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_same_key_sent_eight_times_at_once_runs_once(user):
    answers = run_concurrently([lambda: send(user) for _ in range(8)])

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(calls) == 1


def test_key_given_back_while_another_asks_is_in_use(user):
    with pytest.raises(idempotency.KeyInUse):
        idempotency._reclaim("nobody", "k", "")


def test_view_without_a_rule_is_closed():
    assert DenyAll().has_permission(None, None) is False


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Forbidden("no"), 403, "forbidden"),
        (Unavailable("later"), 503, "unavailable"),
        (PermissionError("x"), None, None),
    ],
)
def test_errors_have_their_status_and_code(error, status, code):
    answer = handle_exception(error, {})
    assert (answer and answer.status_code, answer and answer.data["code"]) == (status, code)


def test_answers_are_forgotten_after_30_days(user):
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        send(user)
        clock.advance(timedelta(days=30))
        assert tasks.forget_stored_answers() == 0
        clock.advance(timedelta(seconds=1))

        assert tasks.forget_stored_answers() == 1
    assert send(user).data == {"n": 2}
