from billing.errors import SessionNotStarted, UnknownAiModel, UsageKeyReused
from billing.metering import EndRequest, UsageReport
from billing.services.ends import end_usages
from billing.tests.factories import (
    EXAMPLE,
    balance,
    charged_events,
    customer,
    open_shop,
    queries_of,
    started,
)
from common.ids import uuid7


def test_end_list_settles_each_call_for_itself(partner):
    """One bad call never fails another, and none is half done."""
    shop = open_shop()
    rich, poor = customer(), customer(1000)
    keys = [started(partner, user, shop.endpoint) for user in (rich, poor, rich)]
    bad = UsageReport(ai_model="model-c", input_tokens=1)
    requests = [
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[1], user_id=poor.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[2], user_id=rich.id, usages=(bad,)),
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[0], user_id=rich.id, usages=EXAMPLE[:1]),
        EndRequest(usage_key=uuid7(), user_id=rich.id, usages=EXAMPLE),
        EndRequest(usage_key=keys[2], user_id=rich.id, usages=EXAMPLE[:1]),
    ]

    outcomes = end_usages(partner_id=partner.id, requests=requests)

    charges = [outcome.answer and outcome.answer["charged"] for outcome in outcomes]
    assert charges == [1575, 1000, None, 1575, None, None, 307]
    assert [place for place, outcome in enumerate(outcomes) if outcome.replayed] == [3]
    assert {
        place: type(outcome.error) for place, outcome in enumerate(outcomes) if outcome.error
    } == {
        2: UnknownAiModel,
        4: UsageKeyReused,
        5: SessionNotStarted,
    }
    assert (balance(rich).balance, balance(poor).balance) == (8118, 0)
    assert [len(usages) for usages in charged_events()] == [3]


def test_end_list_replayed_as_a_whole_moves_nothing(partner, shop, buyer):
    requests = [
        EndRequest(
            usage_key=started(partner, buyer, shop.endpoint), user_id=buyer.id, usages=usages
        )
        for usages in (EXAMPLE, EXAMPLE[:1], ())
    ]
    first = end_usages(partner_id=partner.id, requests=requests)

    again = end_usages(partner_id=partner.id, requests=requests)

    assert [outcome.answer for outcome in again] == [outcome.answer for outcome in first]
    assert all(outcome.replayed for outcome in again)
    assert len(charged_events()) == 1


def test_end_list_needs_the_same_number_of_queries_at_any_length(partner):
    shop = open_shop(config={"min_credits": 10})

    def queries_for(count):
        users = [customer() for _ in range(count)]
        requests = [
            EndRequest(
                usage_key=started(partner, user, shop.endpoint), user_id=user.id, usages=EXAMPLE
            )
            for user in users
        ]
        return queries_of(lambda: end_usages(partner_id=partner.id, requests=requests))

    assert queries_for(50) == queries_for(1)
