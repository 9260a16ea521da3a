"""Metering over HTTP as a whole: the partner's path, who may take it, what the schema promises."""

import pytest

from accounts.tests.factories import PartnerFactory
from billing.api import serializers
from billing.tests.factories import end, open_shop, started
from billing.tests.http_calls import BATCH, END, START, USAGES, client_of, end_body
from common.ids import uuid7
from wallets.selectors import balances_of


def test_partner_starts_ends_and_explains_over_http(meter, buyer):
    """The partner's path works end to end, and bills the user that it names."""
    shop = open_shop(config={"min_credits": 50})
    opened = meter.post(
        START,
        {"user_id": str(buyer.id), "feature_endpoint_value": shop.endpoint.value},
    )
    assert (opened.status_code, opened.json()["status"]) == (200, "accessible")
    key = opened.json()["usage_key"]

    ended = meter.post(END, end_body(key, buyer))

    assert (ended.status_code, ended.json()["charged"]) == (200, 1575)
    assert "Idempotency-Replayed" not in ended.headers
    state = meter.get(f"/api/credits-process/sessions/{key}").json()
    assert (state["state"], state["result"]) == ("settled", ended.json())
    assert balances_of([buyer.id])[buyer.id].balance == 8425


def test_session_is_seen_by_its_partner_alone(partner, meter, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    path = f"/api/credits-process/sessions/{key}"

    own = meter.get(path)

    assert own.json() | {"created_at": "", "expires_at": ""} == {
        "usage_key": str(key),
        "user_id": str(buyer.id),
        "feature_endpoint_id": str(shop.endpoint.id),
        "feature_endpoint_value": shop.endpoint.value,
        "state": "open",
        "held_credits": 0,
        "config": {"min_credits": 0},
        "created_at": "",
        "expires_at": "",
        "settled_at": None,
        "result": None,
    }
    assert client_of(PartnerFactory()).get(path).status_code == 404
    assert meter.get(f"/api/credits-process/sessions/{uuid7()}").status_code == 404
    assert meter.get("/api/credits-process/sessions/7").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", START),
        ("post", END),
        ("post", BATCH),
        ("get", "/api/credits-process/sessions/0190c0de-0000-7000-8000-000000000001"),
    ],
)
def test_metering_is_for_partners_with_the_scope(cast, method, path):
    answers = [getattr(client, method)(path).status_code for client in cast]

    assert answers[:3] == [401, 403, 403]
    assert answers[3] in {400, 404}


def test_answers_have_the_fields_that_the_schema_promises(partner, meter, buyer, client_for):
    shop = open_shop(min_credits=50)
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)

    def promised(serializer, *optional):
        return set(serializer().fields) - set(optional)

    started_body = {"user_id": str(buyer.id), "feature_endpoint_id": str(shop.endpoint.id)}
    answer = meter.post(START, started_body).json()
    assert set(answer) == promised(serializers.StartAnswerSerializer, "reason", "message")
    state = meter.get(f"/api/credits-process/sessions/{key}").json()
    assert set(state) == promised(serializers.SessionAnswerSerializer)
    assert set(state["result"]) == promised(serializers.EndAnswerSerializer)
    assert set(state["result"]["details"][0]) == promised(serializers.DetailSerializer)
    said = meter.get(f"{USAGES}/{key}/explain").json()
    assert set(said) == promised(serializers.ExplanationSerializer)
    assert set(said["models"][0]) == promised(serializers.ExplainedModelSerializer, "credits")
    assert set(said["profits"][0]) == promised(serializers.ProfitSerializer)
