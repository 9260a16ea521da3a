"""The contract of ``Idempotency-Key``, for every route whose schema says that it takes one."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.enums import Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory, UserFactory
from accounts.tokens import issue_tokens
from billing.models import UsageSession
from billing.tests.factories import customer, open_shop
from common import clock
from common.api.idempotency import LOCK_FOR, forget_stored_answers
from common.models import IdempotencyRecord
from common.testing import run_concurrently
from payments.models import PaymentTransaction
from payments.tests.crooked_gateway import crooked_gateway
from payments.tests.factories import BACK, CANCEL, make_method, make_order
from zaaz.tests.api_schema import operations

KEYED = {
    operation.name: operation
    for operation in operations()
    if "Idempotency-Key" in operation.parameters("header")
}


@dataclass(frozen=True)
class Call:
    """A call that has an effect. ``new_caller`` makes the credentials of somebody else."""

    body: dict
    other_body: dict
    new_caller: Callable[[], dict]
    count_effects: Callable[[], int]


def partner_key():
    _, key = issue_api_key(
        partner_id=PartnerFactory().id, name="tests", scopes=[Scope.METERING_WRITE]
    )
    return {"HTTP_X_API_KEY": key}


def customer_token():
    return {"HTTP_AUTHORIZATION": f"Bearer {issue_tokens(user=UserFactory()).access}"}


def start_call(_gateway):
    endpoint, buyer = open_shop(min_credits=50).endpoint, customer()
    body = {"user_id": str(buyer.id), "feature_endpoint_id": str(endpoint.id)}
    return Call(body, body | {"word_count": 1}, partner_key, UsageSession.objects.count)


def initiate_call(gateway):
    order = make_order(method=make_method(gateway.credentials))
    body = {
        "package": str(order.package_id),
        "plan": str(order.plan_id),
        "payment_method": str(order.payment_method_id),
        "currency": "USD",
        "return_url": BACK,
        "cancel_url": CANCEL,
    }
    other = body | {"currency": "BDT"}
    return Call(body, other, customer_token, PaymentTransaction.objects.count)


CALLS = {"credits_process_start": start_call, "payments_initiate_create": initiate_call}


@pytest.fixture(params=sorted(KEYED))
def keyed(request):
    return KEYED[request.param]


@pytest.fixture
def call(db, keyed):
    assert keyed.name in CALLS, f"{keyed} takes an Idempotency-Key: give CALLS a call of it."
    with crooked_gateway() as gateway:
        yield CALLS[keyed.name](gateway)


@pytest.fixture
def caller(call):
    return call.new_caller()


def send(operation, body, caller, key="key"):
    headers = caller if key is None else {**caller, "HTTP_IDEMPOTENCY_KEY": key}
    return APIClient().post(operation.path, body, format="json", **headers)


def test_every_keyed_route_has_its_call():
    assert set(CALLS) == set(KEYED)


def test_same_key_and_body_get_the_same_answer_and_say_so(keyed, call, caller):
    first = send(keyed, call.body, caller)
    again = send(keyed, call.body, caller)

    assert first.status_code in {200, 201}
    assert "Idempotency-Replayed" not in first.headers
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert call.count_effects() == 1


def test_refusal_is_given_again_as_it_was(keyed, call, caller):
    body = {**call.body, "nonsense": 1}

    first, again = send(keyed, body, caller), send(keyed, body, caller)

    assert first.status_code == 400
    assert (again.status_code, again.json()) == (400, first.json())
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert call.count_effects() == 0


def test_same_key_and_another_body_is_422(keyed, call, caller):
    send(keyed, call.body, caller)

    answer = send(keyed, call.other_body, caller)

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert call.count_effects() == 1


def test_same_key_while_the_first_call_runs_is_409_with_the_time_to_wait(keyed, call, caller):
    first = send(keyed, call.body, caller).json()
    stored = IdempotencyRecord.objects.get()
    runs = {"response_status": None, "response_body": None}
    IdempotencyRecord.objects.update(**runs, locked_until=clock.now() + timedelta(minutes=1))

    answer = send(keyed, call.body, caller)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["Retry-After"] == "1"
    stored.save()
    assert send(keyed, call.body, caller).json() == first
    assert call.count_effects() == 1


@pytest.mark.django_db(transaction=True)
def test_same_key_ten_times_at_once_has_one_effect(keyed, call, caller):
    answers = run_concurrently([lambda: send(keyed, call.body, caller)] * 10)

    done = [answer.json() for answer in answers if answer.status_code in {200, 201}]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == 10
    assert done
    assert all(answer == done[0] for answer in done)
    assert {answer.headers["Retry-After"] for answer in waiting} <= {"1"}
    assert call.count_effects() == 1


@pytest.mark.django_db(transaction=True)
def test_call_that_dies_before_its_answer_is_stored_has_one_effect_when_repeated(
    keyed, call, caller
):
    """After the effect."""
    client = APIClient(raise_request_exception=False)
    headers = {**caller, "HTTP_IDEMPOTENCY_KEY": "key"}
    with answers_cannot_be_stored():
        died = client.post(keyed.path, call.body, format="json", **headers)
    assert died.status_code == 500

    with clock.frozen(clock.now() + LOCK_FOR + timedelta(seconds=1)):
        again = send(keyed, call.body, caller)

    assert again.status_code in {200, 201}
    assert call.count_effects() == 1


@contextmanager
def answers_cannot_be_stored():
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION refuse_answer() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE 'the process died here'; END $$;
            CREATE TRIGGER refuse_answer BEFORE UPDATE ON common_idempotencyrecord
            FOR EACH ROW EXECUTE FUNCTION refuse_answer()
        """)
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION refuse_answer() CASCADE")


def test_answer_is_kept_for_more_than_a_day(keyed, call, caller):
    first = send(keyed, call.body, caller)
    later = clock.now() + timedelta(hours=25)
    IdempotencyRecord.objects.update(created_at=clock.now() - timedelta(hours=25))

    with clock.frozen(later):
        forget_stored_answers()

    again = send(keyed, call.body, caller)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    assert call.count_effects() == 1


def test_key_belongs_to_its_caller_and_route(keyed, call, caller):
    first = send(keyed, call.body, caller)
    other = send(keyed, call.body, call.new_caller())

    assert other.status_code == first.status_code
    assert "Idempotency-Replayed" not in other.headers
    assert call.count_effects() == 2
    scopes = set(IdempotencyRecord.objects.values_list("scope", flat=True))
    assert len(scopes) == 2
    assert all(scope.endswith(f":{keyed.path}") for scope in scopes)


@pytest.mark.parametrize("key", ["", "k" * 256, "a\x00b", "a\nb", "ключ"])
def test_bad_key_is_400_and_named(keyed, call, caller, key):
    answer = send(keyed, call.body, caller, key=key)

    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == ["Idempotency-Key"]
    assert call.count_effects() == 0


def test_longest_key_is_taken(keyed, call, caller):
    assert send(keyed, call.body, caller, key="~" * 255).status_code in {200, 201}


def test_call_without_a_key_is_refused_where_the_schema_requires_one(keyed, call, caller):
    is_required = keyed.parameters("header")["Idempotency-Key"].get("required", False)

    answer = send(keyed, call.body, caller, key=None)

    assert (answer.status_code == 400) == is_required
    assert call.count_effects() == (0 if is_required else 1)
