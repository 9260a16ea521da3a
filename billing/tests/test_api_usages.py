from accounts.tests.factories import PartnerFactory
from billing.models import UsageSession
from billing.tests.factories import EXAMPLE, customer, end, open_shop, queries_of, started
from billing.tests.http_calls import USAGES, client_of


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


EXPLAINED_EXAMPLE = {
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
    "profit_percentage": "30",
    "sum_credits": "1574.3",
    "rounding_credits": "0.7",
    "cost_credits": 1575,
    "max_credits": 1000,
    "held_credits": 50,
    "charged": 1000,
    "shortfall": 0,
    "flags": ["capped"],
}


def test_explain_shows_every_step_to_staff_and_partner(staff, partner, meter, buyer):
    """The versions and the production cost stand beside the charge."""
    shop = open_shop(config={"min_credits": 50, "max_credits": 1000})
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)
    session = UsageSession.objects.get(pk=key)

    said = staff.get(f"{USAGES}/{key}/explain").json()

    assert said | {"settled_at": ""} == EXPLAINED_EXAMPLE | {
        "usage_key": str(key),
        "user_id": str(buyer.id),
        "feature_endpoint_value": shop.endpoint.value,
        "rate_card_version": session.rate_card_id,
        "profits": [
            {"id": str(profit.id), "version": 1, "name": profit.name, "percentage": percentage}
            for profit, percentage in (
                (shop.prices.platform, "20"),
                (shop.prices.support, "10"),
            )
        ],
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
