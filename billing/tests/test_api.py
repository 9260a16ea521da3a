import pytest
from rest_framework.test import APIClient

from accounts.enums import Scope
from accounts.services import issue_api_key
from accounts.tests.factories import PartnerFactory, UserFactory
from billing.api import serializers
from billing.metering import MAX_BATCH, MAX_USAGES
from billing.models import UsageSession
from billing.tests.factories import (
    EXAMPLE,
    customer,
    end,
    open_shop,
    queries_of,
    started,
)
from common.ids import uuid7
from wallets.selectors import balances_of

START = "/api/credits-process/start"
END = "/api/credits-process/end"
BATCH = "/api/credits-process/batch"
USAGES = "/api/credits-usages"

TOKENS = [
    {"ai_model": "model-a", "input_tokens": 1200, "output_tokens": 800},
    {"ai_model": "model-b", "input_tokens": 1500, "output_tokens": 600},
]


def client_of(partner):
    _, key = issue_api_key(partner_id=partner.id, name="test", scopes=[Scope.METERING_WRITE])
    client = APIClient()
    client.credentials(HTTP_X_API_KEY=key)
    return client


@pytest.fixture
def meter(partner):
    """The partner's client."""
    return client_of(partner)


@pytest.fixture
def open_key(partner, shop, buyer):
    """The usage key of a started call."""
    return started(partner, buyer, shop.endpoint)


@pytest.fixture
def settled_key(partner, buyer, open_key):
    """The usage key of a settled call."""
    end(partner, buyer, open_key)
    return open_key


@pytest.fixture
def staff(client_for, admin_user):
    return client_for(admin_user)


@pytest.fixture
def cast(api, client_for, user, staff, meter):
    """Clients of nobody, a user, staff and a partner."""
    return [api, client_for(user), staff, meter]


def end_body(key, user, usages=TOKENS, **fields):
    return {"usage_key": str(key), "user_id": str(user.id), "usages": usages} | fields


def errors_of(response):
    return [error["field"] for error in response.json()["errors"]]


def test_partner_starts_ends_and_explains_over_http(meter, buyer):
    """W56: the partner's path works end to end, and bills the user that it names."""
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


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"usage_key": "x"}, "usage_key"),
        ({"user_id": ...}, "user_id"),
        ({"usages": ...}, "usages"),
        ({"usages": [{"input_tokens": -1, "output_tokens": 0}]}, "usages.0.input_tokens"),
        ({"usages": [{"input_tokens": 0, "output_tokens": 10**9 + 1}]}, "usages.0.output_tokens"),
        ({"usages": [{"input_tokens": 10**12, "output_tokens": 0}]}, "usages.0.input_tokens"),
        ({"usages": [{"input_tokens": 1}]}, "usages.0.output_tokens"),
        ({"usages": [{"input_tokens": 1, "output_tokens": 1, "price": 0}]}, "usages.0.price"),
        ({"usages": [TOKENS[0]] * (MAX_USAGES + 1)}, "usages"),
        ({"word_count": "many"}, "word_count"),
    ],
)
def test_end_with_bad_input_is_400_and_names_the_field(meter, buyer, open_key, change, field):
    body = end_body(open_key, buyer) | change
    body = {name: value for name, value in body.items() if value is not ...}

    answer = meter.post(END, body)

    assert (answer.status_code, errors_of(answer)) == (400, [field])
    assert balances_of([buyer.id])[buyer.id].balance == 10_000


def test_end_problems_have_their_status_and_code(partner, meter, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    stranger = client_of(PartnerFactory())
    unknown = [{"ai_model": "model-c", "input_tokens": 1, "output_tokens": 1}]

    def said(response):
        return response.status_code, response.json()["code"]

    assert said(meter.post(END, end_body(uuid7(), buyer))) == (409, "session_not_started")
    assert said(stranger.post(END, end_body(key, buyer))) == (404, "session_not_found")
    assert said(meter.post(END, end_body(key, UserFactory()))) == (422, "session_mismatch")
    assert said(meter.post(END, end_body(key, buyer, unknown))) == (422, "unknown_ai_model")
    assert errors_of(meter.post(END, end_body(key, buyer, unknown))) == ["usages.0.ai_model"]
    assert meter.post(END, end_body(key, buyer)).status_code == 200
    assert said(meter.post(END, end_body(key, buyer, []))) == (409, "usage_key_reused")


def test_end_replayed_says_so_and_gives_the_same_body(partner, meter, shop, buyer):
    body = end_body(started(partner, buyer, shop.endpoint), buyer)
    first = meter.post(END, body)

    again = meter.post(END, body)

    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"


def test_batch_answers_each_item_in_order(partner, meter, shop, buyer):
    """W61: one bad item never fails another."""
    keys = [started(partner, buyer, shop.endpoint) for _ in range(2)]
    items = [
        end_body(keys[0], buyer),
        end_body(keys[1], buyer, usages="none"),
        end_body(keys[0], buyer),
        end_body(keys[0], buyer, []),
        end_body(uuid7(), buyer),
        "nonsense",
        {"usage_key": 7},
        end_body(keys[1], buyer, []),
    ]

    answer = meter.post(BATCH, {"items": items})

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [
        (
            row["usage_key"],
            row["status_code"],
            row.get("replayed"),
            row.get("problem", {}).get("code"),
        )
        for row in results
    ] == [
        (str(keys[0]), 200, False, None),
        (str(keys[1]), 400, None, "invalid_request"),
        (str(keys[0]), 200, True, None),
        (str(keys[0]), 409, None, "usage_key_reused"),
        (items[4]["usage_key"], 409, None, "session_not_started"),
        (None, 400, None, "invalid_request"),
        (None, 400, None, "invalid_request"),
        (str(keys[1]), 200, False, None),
    ]
    assert results[0]["result"] == results[2]["result"]
    assert results[1]["problem"]["errors"][0]["field"] == "usages"
    assert balances_of([buyer.id])[buyer.id].balance == 8425


@pytest.mark.parametrize("items", [[], [{}] * (MAX_BATCH + 1), "x", ...])
def test_batch_of_wrong_size_is_refused_as_a_whole(meter, items):
    answer = meter.post(BATCH, {} if items is ... else {"items": items})

    assert (answer.status_code, errors_of(answer)) == (400, ["items"])


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


def test_usages_are_for_people(cast):
    assert [client.get(USAGES).status_code for client in cast] == [401, 200, 200, 403]


def test_user_sees_own_usages_without_cost_and_staff_see_all_with_it(
    client_for, staff, partner, shop, buyer
):
    other = customer()
    for person in (buyer, other):
        end(partner, person, started(partner, person, shop.endpoint), EXAMPLE[:1])

    (own,) = client_for(buyer).get(USAGES).json()["results"]
    everything = staff.get(USAGES).json()["results"]

    assert set(own) == {
        "id", "usage_key", "feature_endpoint_value", "ai_model", "input_tokens", "output_tokens",
        "credits", "created_at",
    }  # fmt: skip
    assert (own["ai_model"], own["credits"]) == ("model-a", "306.8")
    assert {row["user"] for row in everything} == {str(buyer.id), str(other.id)}
    assert (everything[0]["base_credits"], everything[0]["profit_credits"]) == ("236", "70.8")
    assert (everything[0]["base_price"], everything[0]["price"]) == ("0.00236", "0.00307")


def test_usage_of_another_user_is_not_found(client_for, staff, buyer, settled_key):
    row = UsageSession.objects.get(pk=settled_key).usages.first()

    assert client_for(buyer).get(f"{USAGES}/{row.id}").json()["usage_key"] == str(settled_key)
    assert client_for(customer()).get(f"{USAGES}/{row.id}").status_code == 404
    assert staff.get(f"{USAGES}/{row.id}").status_code == 200


def test_usages_are_filtered_searched_and_ordered(staff, partner, shop, buyer):
    keys = [started(partner, buyer, shop.endpoint) for _ in range(2)]
    for key, usages in zip(keys, (EXAMPLE[:1], EXAMPLE[1:]), strict=True):
        end(partner, buyer, key, usages)

    def found(query):
        return [row["ai_model"] for row in staff.get(f"{USAGES}?{query}").json()["results"]]

    assert found("") == ["model-b", "model-a"]
    assert found("ordering=created_at") == ["model-a", "model-b"]
    assert found(f"usage_key={keys[0]}") == ["model-a"]
    assert found("ai_model=model-b") == ["model-b"]
    assert found(f"user={buyer.id}&ai_model__in=model-a,model-b") == ["model-b", "model-a"]
    assert found("search=model-a") == ["model-a"]
    assert found("created_at__gte=2999-01-01T00:00:00Z") == []
    assert staff.get(f"{USAGES}?colour=red").status_code == 400


def test_usage_list_needs_the_same_number_of_queries_for_1_and_3_rows(
    client_for, partner, shop, buyer
):
    client = client_for(buyer)

    def queries_for_list():
        return queries_of(lambda: client.get(USAGES))

    end(partner, buyer, started(partner, buyer, shop.endpoint), EXAMPLE[:1])
    with_one = queries_for_list()
    end(partner, buyer, started(partner, buyer, shop.endpoint), EXAMPLE)

    assert len(client.get(USAGES).json()["results"]) == 3
    assert queries_for_list() == with_one


def test_explain_shows_every_step_to_staff_and_partner(staff, partner, meter, buyer):
    """W66, W67: the versions and the production cost stand beside the charge."""
    shop = open_shop(config={"min_credits": 50, "max_credits": 1000})
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)
    session = UsageSession.objects.get(pk=key)

    said = staff.get(f"{USAGES}/{key}/explain").json()

    assert said | {"settled_at": ""} == {
        "usage_key": str(key),
        "user_id": str(buyer.id),
        "feature_endpoint_value": shop.endpoint.value,
        "rate_card_version": session.rate_card_id,
        "credit_price": "0.00001",
        "models": [
            {
                "ai_model": "model-a",
                "input_tokens": 1200,
                "output_tokens": 800,
                "input_token_price": "0.0000003",
                "output_token_price": "0.0000025",
                "base_price": "0.00236",
                "input_credits": "36",
                "output_credits": "200",
                "base_credits": "236",
                "profit_credits": "70.8",
                "cost_credits": "306.8",
            },
            {
                "ai_model": "model-b",
                "input_tokens": 1500,
                "output_tokens": 600,
                "input_token_price": "0.0000025",
                "output_token_price": "0.00001",
                "base_price": "0.00975",
                "input_credits": "375",
                "output_credits": "600",
                "base_credits": "975",
                "profit_credits": "292.5",
                "cost_credits": "1267.5",
            },
        ],
        "profits": [
            {
                "id": str(shop.prices.platform.id),
                "version": 1,
                "name": "Platform",
                "percentage": "20",
            },
            {
                "id": str(shop.prices.support.id),
                "version": 1,
                "name": "Support",
                "percentage": "10",
            },
        ],
        "profit_percentage": "30",
        "sum_credits": "1574.3",
        "rounding_credits": "0.7",
        "cost_credits": 1575,
        "max_credits": 1000,
        "held_credits": 50,
        "charged": 1000,
        "shortfall": 0,
        "flags": ["capped"],
        "transaction_id": str(session.transaction_id),
        "settled_at": "",
    }
    assert meter.get(f"{USAGES}/{key}/explain").json() == said


def test_explain_shows_the_user_the_charge_and_not_the_margin(client_for, buyer, settled_key):
    said = client_for(buyer).get(f"{USAGES}/{settled_key}/explain").json()

    assert said["models"] == [
        {"ai_model": "model-a", "input_tokens": 1200, "output_tokens": 800, "credits": "306.8"},
        {"ai_model": "model-b", "input_tokens": 1500, "output_tokens": 600, "credits": "1267.5"},
    ]
    assert not said.keys() & {"profits", "profit_percentage"}
    assert (said["sum_credits"], said["charged"]) == ("1574.3", 1575)


def test_explain_is_hidden_from_strangers_and_needs_a_settled_call(
    api, client_for, meter, open_key
):
    path = f"{USAGES}/{open_key}/explain"

    assert api.get(path).status_code == 401
    assert client_for(customer()).get(path).status_code == 404
    assert client_of(PartnerFactory()).get(path).status_code == 404
    early = meter.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "session_not_settled")


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
