import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db import transaction

from accounts.tokens import issue_tokens
from common.enums import DeliveryStatus
from common.events import publish
from common.models import EventDelivery, OutboxEvent
from common.testing import drain_outbox
from notifications.authentication import SocketAuthentication
from notifications.routing import websocket_urlpatterns
from payments.events import PaymentSucceeded
from payments.tests.factories import make_payment
from wallets.events import BalancesChanged

pytestmark = pytest.mark.django_db(transaction=True)

application = SocketAuthentication(URLRouter(websocket_urlpatterns))


async def open_socket(user):
    pair = await database_sync_to_async(issue_tokens)(user=user)
    headers = [(b"authorization", f"Bearer {pair.access}".encode())]
    communicator = WebsocketCommunicator(application, "/ws/", headers=headers)
    await communicator.connect()
    return communicator


@database_sync_to_async
def happen(event):
    """Publish, deliver, and say under which id."""
    with transaction.atomic():
        publish(event)
    event_id = str(OutboxEvent.objects.latest("created_at").id)
    drain_outbox()
    return event_id


def change(user, **fields):
    return {
        "user_id": str(user.id),
        "account_id": "0190c0de-0000-7000-8000-000000000001",
        "asset": "CREDIT",
        "delta": -30,
        "balance": 70,
        "held": 10,
        "available": 60,
        "kind": "usage",
        "reference": "usage:1",
    } | fields


def balance_message(event_id, **fields):
    return {
        "type": "wallet.balance_changed",
        "id": event_id,
        "data": {
            "asset": "CREDIT",
            "balance": 70,
            "held": 10,
            "available": 60,
            "delta": -30,
            "reference": "usage:1",
            "kind": "usage",
        }
        | fields,
    }


@pytest.mark.asyncio
async def test_balances_changed_tells_each_user_their_own(user, other_user):
    mine, other = await open_socket(user), await open_socket(other_user)

    event_id = await happen(
        BalancesChanged(changes=[change(user), change(other_user, balance=5), change(user, held=0)])
    )

    assert await mine.receive_json_from(timeout=5) == balance_message(event_id)
    assert await mine.receive_json_from(timeout=5) == balance_message(event_id, held=0)
    assert await other.receive_json_from(timeout=5) == balance_message(event_id, balance=5)
    assert await mine.receive_nothing()
    assert await other.receive_nothing()
    await mine.disconnect()
    await other.disconnect()


@pytest.mark.asyncio
async def test_payment_succeeded_tells_the_payer(user, other_user):
    mine, other = await open_socket(user), await open_socket(other_user)

    payment = await database_sync_to_async(make_payment)(user=user, status="succeeded")
    event_id = await happen(
        PaymentSucceeded(
            payment_id=str(payment.id), user_id=str(user.id), amount_minor=1250, currency="USD"
        )
    )

    assert await mine.receive_json_from(timeout=5) == {
        "type": "payment.succeeded",
        "id": event_id,
        "data": {"payment_id": str(payment.id), "amount_minor": 1250, "currency": "USD"},
    }
    assert await other.receive_nothing()
    await mine.disconnect()
    await other.disconnect()


def test_push_that_fails_is_logged_and_the_event_still_delivered(user, settings, caplog):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"]},
        }
    }
    with transaction.atomic():
        publish(BalancesChanged(changes=[change(user)]))
    drain_outbox()

    [delivery] = EventDelivery.objects.filter(handler="notifications.receivers.push_balances")
    assert delivery.status == DeliveryStatus.DONE
    assert "in on_commit()" in caplog.text


def test_event_without_changes_is_delivered():
    with transaction.atomic():
        publish(BalancesChanged(changes=[]))

    drain_outbox()

    assert EventDelivery.objects.get().status == DeliveryStatus.DONE
