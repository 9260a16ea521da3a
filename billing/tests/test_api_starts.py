import pytest

from billing.models import UsageSession
from billing.tests.factories import open_shop
from billing.tests.http_calls import START, errors_of
from common.ids import uuid7
from wallets.selectors import balances_of


def test_start_refused_is_an_answer_with_status_200(meter, shop):
    answer = meter.post(
        START, {"user_id": str(uuid7()), "feature_endpoint_id": str(shop.endpoint.id)}
    )

    assert answer.status_code == 200
    assert answer.json()["reason"] == "user_not_found"
    assert "usage_key" not in answer.json()


def test_start_retried_with_its_key_opens_one_session_and_places_one_hold(meter, buyer):
    shop = open_shop(min_credits=50)
    body = {"user_id": str(buyer.id), "feature_endpoint_id": str(shop.endpoint.id)}

    first = meter.post(START, body, headers={"Idempotency-Key": "one"})
    again = meter.post(START, body, headers={"Idempotency-Key": "one"})
    other = meter.post(START, body)

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["usage_key"] != first.json()["usage_key"]
    assert UsageSession.objects.count() == 2
    assert balances_of([buyer.id])[buyer.id].held == 100


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"user_id": None}, "user_id"),
        ({"user_id": "7"}, "user_id"),
        ({"feature_endpoint_id": None}, "feature_endpoint_id"),
        ({"feature_endpoint_id": ...}, "feature_endpoint_id"),
        ({"feature_endpoint_value": "x" * 101}, "feature_endpoint_value"),
        ({"estimated_credits": -1}, "estimated_credits"),
        ({"estimated_credits": 10**12 + 1}, "estimated_credits"),
        ({"estimated_credits": 1.5}, "estimated_credits"),
        ({"options": "hd"}, "options"),
        ({"options": ["x" * 101]}, "options.0"),
        ({"word_count": -1}, "word_count"),
        ({"duration": 5}, "duration"),
    ],
)
def test_start_with_bad_input_is_400_and_names_the_field(meter, buyer, shop, change, field):
    body = {"user_id": str(buyer.id), "feature_endpoint_id": str(shop.endpoint.id)} | change
    body = {name: value for name, value in body.items() if value is not ...}

    answer = meter.post(START, body)

    assert (answer.status_code, errors_of(answer)) == (400, [field])
    assert not UsageSession.objects.exists()
