"""Who opens a WebSocket.

The access token comes in the ``Authorization: Bearer`` header or, from browsers,
which cannot set one, as the second of the subprotocols ``["bearer", "<token>"]``.
Never in the query string: addresses end up in logs.
"""

from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async

from accounts.tokens import TokenRefused, read_access_token

SUBPROTOCOL = "bearer"


class JwtSocketMiddleware:
    """Puts ``user`` and ``expires_at`` into the scope; both None if the token opens nothing."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        user, expires_at = None, None
        token = _token_of(scope)
        if token is not None:
            with suppress(TokenRefused):
                user, expires_at = await database_sync_to_async(read_access_token)(token)
        return await self.inner(scope | {"user": user, "expires_at": expires_at}, receive, send)


def _token_of(scope: dict[str, Any]) -> str | None:
    offered = scope.get("subprotocols", [])
    if len(offered) == 2 and offered[0] == SUBPROTOCOL:  # noqa: PLR2004 -- the word and the token
        return str(offered[1])
    header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == SUBPROTOCOL else None
