"""What the customer's screen hears: the WebSocket, listened to in a thread."""

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from scripts.journey.checks import wait_for


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message, and when it came (of ``time.monotonic``)."""

    type: str
    data: dict[str, Any]
    at: float


@dataclass(kw_only=True)
class LiveSocket:
    base_url: str
    access_token: str
    heard: list[Heard] = field(default_factory=list, init=False)
    connection: ClientConnection = field(init=False)

    def __enter__(self) -> Self:
        self.connection = connect(
            f"{self.base_url.replace('http', 'ws', 1)}/ws/",
            subprotocols=[Subprotocol("bearer"), Subprotocol(self.access_token)],
            proxy=None,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def wait_for(self, kind: str, *, seconds: float, **data: object) -> Heard:
        """Wait for a message of that type with these values.

        Raises:
            Wrong: it did not come in time.
        """

        def look() -> Heard | None:
            for message in self.heard:
                if message.type == kind and data.items() <= message.data.items():
                    return message
            return None

        return wait_for(f"{kind} with {data} on the WebSocket", look, seconds=seconds)

    def _listen(self) -> None:
        try:
            for text in self.connection:
                message = json.loads(text)
                heard = Heard(type=message["type"], data=message["data"], at=time.monotonic())
                self.heard.append(heard)
        except ConnectionClosed:
            return
