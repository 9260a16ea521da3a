"""Who opens a WebSocket.

Programs show an access token, in the ``Authorization: Bearer`` header or as the second
of the subprotocols ``["bearer", "<token>"]``; never in the query string: addresses end
up in logs. Our own pages show the cookie of their session. A browser sends that along
whichever site opens the socket, so it counts from our own origin only.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, parse_cookie

from accounts.models import User
from accounts.tokens import TokenRefused, read_access_token
from common import clock

SUBPROTOCOL = "bearer"

Visitor = tuple[User | None, datetime | None]
NOBODY: Visitor = (None, None)


class SocketAuthentication:
    """Puts ``user`` and ``expires_at`` into the scope; both None if nothing shown is good."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        user, expires_at = await database_sync_to_async(_visitor)(scope)
        return await self.inner(scope | {"user": user, "expires_at": expires_at}, receive, send)


def _visitor(scope: dict[str, Any]) -> Visitor:
    """Read the token where there is one: a bad token is not made good by a cookie."""
    request = _request_of(scope)
    token = _token_of(scope, request)
    if token is not None:
        return _bearer_of(token)
    if request.headers.get("Origin", "") in _own_origins(request):
        return _owner_of_session(request)
    return NOBODY


def _request_of(scope: dict[str, Any]) -> HttpRequest:
    """Dress the handshake as the request that Django's sessions and hosts are read from."""
    request = HttpRequest()
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        request.META[f"HTTP_{key}"] = value.decode("latin-1")
    request.COOKIES = parse_cookie(request.META.get("HTTP_COOKIE", ""))
    return request


def _token_of(scope: dict[str, Any], request: HttpRequest) -> str | None:
    offered = scope.get("subprotocols", [])
    if len(offered) == 2 and offered[0] == SUBPROTOCOL:  # noqa: PLR2004 -- the word and the token
        return str(offered[1])
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == SUBPROTOCOL else None


def _bearer_of(token: str) -> Visitor:
    with suppress(TokenRefused):
        return read_access_token(token)
    return NOBODY


def _own_origins(request: HttpRequest) -> Iterator[str]:
    yield settings.BASE_URL
    if "Host" in request.headers:
        with suppress(DisallowedHost):
            yield f"{request.scheme}://{request.get_host()}"


def _owner_of_session(request: HttpRequest) -> Visitor:
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    session = Session.objects.filter(session_key=key, expire_date__gt=clock.now()).first()
    if session is None:
        return NOBODY
    request.session = SessionStore(key)
    user = get_user(request)  # None too, if the account was blocked or its sessions were ended
    return (user, session.expire_date) if isinstance(user, User) else NOBODY
