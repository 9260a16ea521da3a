import asyncio
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from rest_framework_simplejwt.tokens import AccessToken

from accounts import services as account_services
from accounts.tokens import issue_tokens
from notifications.authentication import SocketAuthentication
from notifications.routing import websocket_urlpatterns
from notifications.services import Message, push_to_user, push_to_users

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

application = SocketAuthentication(URLRouter(websocket_urlpatterns))
HELLO = Message(type="wallet.balance_changed", id="event-1", data={"balance": 7})


def token_of(user):
    return issue_tokens(user=user).access


def lasting(token, seconds):
    """The same token, with another lifetime."""
    shorter = AccessToken(token)
    shorter.set_exp(lifetime=timedelta(seconds=seconds))
    return str(shorter)


def socket(token=None, **options):
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    return WebsocketCommunicator(application, "/ws/", headers=headers, **options)


async def assert_refused(communicator):
    accepted, _ = await communicator.connect()
    assert accepted
    assert await communicator.receive_output() == {
        "type": "websocket.close",
        "code": 4401,
    }
    await communicator.disconnect()


async def test_push_arrives_at_every_socket_of_the_user_and_at_no_other(user, other_user):
    mine = [socket(await database_sync_to_async(token_of)(user)) for _ in range(2)]
    other = socket(await database_sync_to_async(token_of)(other_user))
    for communicator in (*mine, other):
        assert await communicator.connect() == (True, None)

    await database_sync_to_async(push_to_user)(user_id=user.id, message=HELLO)

    for communicator in mine:
        assert await communicator.receive_json_from(timeout=5) == {
            "type": "wallet.balance_changed",
            "id": "event-1",
            "data": {"balance": 7},
        }
    assert await other.receive_nothing()
    for communicator in (*mine, other):
        await communicator.disconnect()


async def test_browser_shows_its_token_as_a_subprotocol(user):
    token = await database_sync_to_async(token_of)(user)
    communicator = socket(subprotocols=["bearer", token])

    assert await communicator.connect() == (True, "bearer")

    await database_sync_to_async(push_to_user)(user_id=user.id, message=HELLO)
    assert (await communicator.receive_json_from(timeout=5))["id"] == "event-1"
    await communicator.disconnect()


async def test_what_a_client_says_is_ignored(user):
    communicator = socket(await database_sync_to_async(token_of)(user))
    await communicator.connect()

    await communicator.send_to(text_data="no json {")
    await communicator.send_to(bytes_data=b"\0")
    await database_sync_to_async(push_to_user)(user_id=user.id, message=HELLO)

    assert (await communicator.receive_json_from(timeout=5))["id"] == "event-1"
    await communicator.disconnect()


@pytest.mark.parametrize("token", [None, "forged"])
async def test_without_a_good_token_the_socket_is_refused(token):
    await assert_refused(socket(token))


async def test_other_scheme_is_refused(user):
    token = await database_sync_to_async(token_of)(user)
    headers = [(b"authorization", f"Basic {token}".encode())]

    await assert_refused(WebsocketCommunicator(application, "/ws/", headers=headers))


async def test_token_in_the_query_string_is_refused(user):
    token = await database_sync_to_async(token_of)(user)

    await assert_refused(WebsocketCommunicator(application, f"/ws/?token={token}"))


async def test_forged_subprotocol_token_is_refused_in_the_subprotocol(user):
    communicator = socket(subprotocols=["bearer", "forged"])

    assert await communicator.connect() == (True, "bearer")
    assert (await communicator.receive_output())["code"] == 4401


async def test_expired_token_is_refused(user):
    token = await database_sync_to_async(token_of)(user)

    await assert_refused(socket(lasting(token, -1)))


@pytest.mark.parametrize("act", [account_services.block_user, "stale"])
async def test_token_from_before_a_block_or_role_change_is_refused(user, admin_user, act):
    token = await database_sync_to_async(token_of)(user)
    if act == "stale":
        await database_sync_to_async(account_services.change_role)(
            user_id=user.id, role="editor", actor=admin_user
        )
    else:
        await database_sync_to_async(act)(user_id=user.id, actor=admin_user)

    await assert_refused(socket(token))


async def test_socket_closes_when_its_token_expires(user):
    token = await database_sync_to_async(token_of)(user)
    communicator = socket(lasting(token, 2))
    await communicator.connect()

    output = await communicator.receive_output(timeout=5)

    assert output == {"type": "websocket.close", "code": 4401}
    await communicator.disconnect()


async def test_push_is_sent_after_the_commit_and_in_order(user, other_user):
    communicator = socket(await database_sync_to_async(token_of)(user))
    await communicator.connect()
    second = Message(type="payment.succeeded", id="event-2", data={})

    await database_sync_to_async(push_to_users)(
        messages=[(user.id, HELLO), (other_user.id, HELLO), (user.id, second)]
    )

    assert [(await communicator.receive_json_from(timeout=5))["id"] for _ in range(2)] == [
        "event-1",
        "event-2",
    ]
    await communicator.disconnect()


async def test_push_after_the_socket_is_gone_reaches_nobody(user):
    communicator = socket(await database_sync_to_async(token_of)(user))
    await communicator.connect()
    await communicator.disconnect()

    await database_sync_to_async(push_to_user)(user_id=user.id, message=HELLO)
    await asyncio.sleep(0.1)

    assert await communicator.receive_nothing()
