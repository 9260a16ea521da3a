import asyncio
from datetime import datetime
from typing import Any, cast

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from common import clock
from notifications.authentication import SUBPROTOCOL
from notifications.groups import user_group


class NotificationConsumer(AsyncJsonWebsocketConsumer):
    """Pushes what happens to a user. The server speaks; the client listens."""

    UNAUTHENTICATED = 4401

    group: str | None = None
    expiry: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        scope = cast("dict[str, Any]", self.scope)  # with what SocketAuthentication put there
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", ()) else None
        user = scope["user"]
        if user is None:
            # Accepted first: a client is not told why its handshake failed, but reads close codes.
            await self.accept(subprotocol)
            await self.close(code=self.UNAUTHENTICATED)
            return
        self.group = user_group(user.pk)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept(subprotocol)
        self.expiry = asyncio.create_task(self._close_at(scope["expires_at"]))

    async def disconnect(self, code: int) -> None:
        if self.expiry:
            self.expiry.cancel()
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Ignore whatever a client says."""

    async def push(self, event: dict[str, Any]) -> None:
        await self.send_json(event["message"])

    async def _close_at(self, expires_at: datetime) -> None:
        await asyncio.sleep((expires_at - clock.now()).total_seconds())
        await self.close(code=self.UNAUTHENTICATED)
