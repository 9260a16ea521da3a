from billing.models import UsageSession
from billing.selectors import latest_calls_of, usage_keys_of
from billing.tests.factories import EXAMPLE, customer, end, started
from common.ids import uuid7


def test_latest_calls_are_the_users_settled_ones_each_once(partner, shop, buyer):
    keys = [started(partner, buyer, shop.endpoint) for _ in range(3)]
    other = customer()
    end(partner, other, started(partner, other, shop.endpoint))
    end(partner, buyer, keys[1], EXAMPLE)
    end(partner, buyer, keys[0], EXAMPLE)

    assert [call.usage_key for call in latest_calls_of(user_id=buyer.id)] == [keys[0], keys[1]]


def test_usage_keys_are_found_by_the_transactions_that_charged(partner, shop, buyer):
    key = started(partner, buyer, shop.endpoint)
    end(partner, buyer, key)
    transaction_id = UsageSession.objects.get(pk=key).transaction_id

    assert usage_keys_of([transaction_id, uuid7()]) == {transaction_id: key}
    assert usage_keys_of([]) == {}
