from datetime import timedelta

import pytest

from common import clock
from common.errors import Invalid, NotFound
from common.ids import uuid7
from common.models import OutboxEvent
from wallets.enums import GrantSource
from wallets.errors import InsufficientCredits, ReferenceReused
from wallets.models import Account, Grant
from wallets.services import set_overdraft_limit, spend_credits, transfer_credits
from wallets.tests.factories import NOON, figures, give, hold, open_lots, wallet

pytestmark = pytest.mark.django_db


def send(sender, receiver, amount, *, reference="transfer:1"):
    return transfer_credits(
        sender_id=sender.id, receiver_id=receiver.id, amount=amount, reference=reference
    )


def test_transfer_moves_credits_between_wallets(user, other_user):
    give(user, 100)

    outcome = send(user, other_user, 30)

    assert (outcome.amount, outcome.balance, outcome.available) == (30, 70, 70)
    assert (figures(user), figures(other_user)) == ((70, 0), (30, 0))
    event = OutboxEvent.objects.order_by("id").last()
    changes = event.payload["changes"]
    assert [(change["user_id"], change["delta"]) for change in changes] == [
        (str(user.id), -30),
        (str(other_user.id), 30),
    ]


def test_transfer_mirrors_the_lots_with_expiry_and_cost(user, other_user):
    expiry = clock.now() + timedelta(days=9)
    give(user, 10, expires_at=expiry, cost_minor=100, cost_currency="USD", priority=2)
    give(user, 7, cost_minor=100, cost_currency="BDT")

    send(user, other_user, 12)

    mirrored = Grant.objects.filter(account=wallet(other_user)).order_by("amount")
    assert list(
        mirrored.values_list(
            "amount", "remaining", "cost_minor", "cost_currency", "expires_at", "priority", "source"
        )
    ) == [
        (2, 2, 28, "BDT", None, 0, "transfer"),
        (10, 10, 100, "USD", expiry, 2, "transfer"),
    ]
    assert not mirrored.filter(is_promotional=True).exists()
    send(user, other_user, 5, reference="transfer:2")
    assert Grant.objects.get(account=wallet(other_user), amount=5).cost_minor == 72


@pytest.mark.parametrize("source", ["bonus", "initial_package", "adjustment"])
def test_transfer_leaves_promotional_credits_behind(user, other_user, source):
    give(user, 40, source=GrantSource(source))
    give(user, 10)

    with pytest.raises(InsufficientCredits) as caught:
        send(user, other_user, 11)
    assert caught.value.context == {"available": 10, "required": 11}
    send(user, other_user, 10)

    assert (figures(user), open_lots(user)) == ((40, 0), [40])


def test_transfer_does_not_touch_what_is_held(user, other_user):
    give(user, 100)
    hold(user, 80, expires_at=clock.now() + timedelta(hours=1))

    with pytest.raises(InsufficientCredits) as caught:
        send(user, other_user, 21)

    assert caught.value.context == {"available": 20, "required": 21}
    assert (figures(user), figures(other_user)) == ((100, 80), (0, 0))


def test_transfer_never_sends_an_overdraft(user, other_user, admin_user):
    set_overdraft_limit(user_id=user.id, limit=50, actor_id=admin_user.id, reason="Trusted")
    spend_credits(user_id=user.id, amount=10, reference="usage:1")

    with pytest.raises(InsufficientCredits) as caught:
        send(user, other_user, 1)

    assert caught.value.context == {"available": 0, "required": 1}


def test_transfer_to_a_wallet_that_owes_pays_its_debt(user, other_user, admin_user):
    set_overdraft_limit(user_id=other_user.id, limit=50, actor_id=admin_user.id, reason="Trusted")
    spend_credits(user_id=other_user.id, amount=15, reference="usage:1")
    give(user, 10, expires_at=NOON + timedelta(days=9000))
    give(user, 10)

    send(user, other_user, 18)

    assert (figures(other_user), open_lots(other_user)) == ((3, 0), [3])


def test_transfer_replayed_moves_once_and_other_content_is_refused(user, other_user):
    give(user, 100)
    first = send(user, other_user, 30)

    again = send(user, other_user, 30)

    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)
    assert (figures(user), figures(other_user)) == ((70, 0), (30, 0))
    with pytest.raises(ReferenceReused):
        send(user, other_user, 31)


def test_transfer_to_oneself_or_of_nothing_is_invalid(user, other_user):
    give(user, 100)

    with pytest.raises(Invalid) as caught:
        send(user, user, 1)
    assert caught.value.field == "receiver_id"
    with pytest.raises(Invalid):
        send(user, other_user, 0)

    assert figures(user) == (100, 0)


def test_transfer_to_unknown_user_is_not_found(user):
    give(user, 100)

    with pytest.raises(NotFound) as caught:
        transfer_credits(sender_id=user.id, receiver_id=uuid7(), amount=1, reference="transfer:1")

    assert caught.value.field == "receiver_id"
    assert Account.objects.filter(kind="wallet").count() == 1
