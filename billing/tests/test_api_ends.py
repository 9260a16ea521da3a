import pytest

from accounts.tests.factories import PartnerFactory, UserFactory
from billing.metering import MAX_BATCH, MAX_USAGES
from billing.tests.factories import started
from billing.tests.http_calls import BATCH, END, TOKENS, client_of, end_body, errors_of
from common.ids import uuid7
from wallets.selectors import balances_of


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


def told(row):
    code = row.get("problem", {}).get("code")
    return row["usage_key"], row["status_code"], row.get("replayed"), code


def test_batch_answers_each_item_in_order(partner, meter, shop, buyer):
    """One bad item never fails another."""
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
    assert [told(row) for row in results] == [
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
