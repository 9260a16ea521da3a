"""The sockets of our own pages: opened with the session's cookie, from our own origin."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import services as account_services
from accounts.tokens import issue_tokens
from common import clock
from notifications.authentication import SocketAuthentication
from notifications.routing import websocket_urlpatterns
from notifications.services import Message, push_to_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

application = SocketAuthentication(URLRouter(websocket_urlpatterns))
HELLO = Message(type="wallet.balance_changed", id="event-1", data={"balance": 7})
HOST = "localhost:8310"


@database_sync_to_async
def session_of(user):
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def socket(session, *, origin, host=HOST, **headers):
    sent = {"host": host, "origin": origin, "cookie": f"theme=dark; sessionid={session}", **headers}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items() if value is not None]
    return WebsocketCommunicator(application, "/ws/", headers=pairs)


async def assert_refused(communicator):
    assert await communicator.connect() == (True, None)
    assert await communicator.receive_output() == {"type": "websocket.close", "code": 4401}
    await communicator.disconnect()


async def assert_hears(communicator, user):
    assert await communicator.connect() == (True, None)
    await database_sync_to_async(push_to_user)(user_id=user.id, message=HELLO)
    assert (await communicator.receive_json_from(timeout=5))["id"] == "event-1"
    await communicator.disconnect()


@pytest.mark.parametrize(
    ("origin", "host", "headers"),
    [
        ("http://localhost:8310", HOST, {}),
        ("http://shop.example", "10.0.0.7", {}),
        ("https://localhost", "localhost", {"x-forwarded-proto": "https"}),
    ],
    ids=["the host", "the base address", "the host behind TLS"],
)
async def test_session_from_our_own_pages_opens_the_socket(user, settings, origin, host, headers):
    settings.BASE_URL = "http://shop.example"

    await assert_hears(socket(await session_of(user), origin=origin, host=host, **headers), user)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "http://evil.example:8310",
        "http://localhost",
        "https://localhost:8310",
        "http://localhost:8310.evil.example",
        "http://localhost:8310@evil.example",
        "localhost:8310",
    ],
)
async def test_session_from_another_origin_is_refused(user, origin):
    await assert_refused(socket(await session_of(user), origin=origin))


async def test_host_that_is_not_ours_is_no_origin_of_ours(user):
    session = await session_of(user)

    await assert_refused(socket(session, origin="http://evil.example", host="evil.example"))


@pytest.mark.parametrize("session", ["", "0" * 32, "x" * 500])
async def test_unknown_session_is_refused(db, session):
    await assert_refused(socket(session, origin=f"http://{HOST}"))


async def test_handshake_without_host_and_cookie_is_refused(db):
    await assert_refused(WebsocketCommunicator(application, "/ws/", headers=[]))


async def test_session_without_anybody_in_it_is_refused(db):
    @database_sync_to_async
    def empty_session():
        session = Client().session
        session["basket"] = 1
        session.save()
        return session.session_key

    await assert_refused(socket(await empty_session(), origin=f"http://{HOST}"))


async def test_expired_session_is_refused(user):
    session = await session_of(user)
    await _expire(session, timedelta(seconds=-1))

    await assert_refused(socket(session, origin=f"http://{HOST}"))


@pytest.mark.parametrize("act", ["block", "role"])
async def test_session_from_before_a_block_or_role_change_is_refused(user, admin_user, act):
    session = await session_of(user)
    if act == "block":
        await database_sync_to_async(account_services.block_user)(user_id=user.id, actor=admin_user)
    else:
        await database_sync_to_async(account_services.change_role)(
            user_id=user.id, role="editor", actor=admin_user
        )

    await assert_refused(socket(session, origin=f"http://{HOST}"))


async def test_socket_closes_when_its_session_expires(user):
    session = await session_of(user)
    await _expire(session, timedelta(seconds=1))
    communicator = socket(session, origin=f"http://{HOST}")
    await communicator.connect()

    output = await communicator.receive_output(timeout=5)

    assert output == {"type": "websocket.close", "code": 4401}
    await communicator.disconnect()


async def test_bad_token_is_not_made_good_by_a_session(user):
    session = await session_of(user)
    headers = {"authorization": "Bearer forged"}

    await assert_refused(socket(session, origin=f"http://{HOST}", **headers))


async def test_token_of_another_person_counts_before_the_session(user, other_user):
    token = (await database_sync_to_async(issue_tokens)(user=other_user)).access
    session = await session_of(user)
    headers = {"authorization": f"Bearer {token}"}

    await assert_hears(socket(session, origin="https://evil.example", **headers), other_user)


@database_sync_to_async
def _expire(session, after):
    Session.objects.filter(session_key=session).update(expire_date=clock.now() + after)
