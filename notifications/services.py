from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from notifications.groups import user_group


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a client reads.

    Args:
        type: what happened, such as ``wallet.balance_changed``.
        id: of the event behind it. Who sees an id again has seen the message.
    """

    type: str
    id: str
    data: dict[str, Any]


def push_to_user(*, user_id: UUID, message: Message) -> None:
    """Send one message; see ``push_to_users``."""
    push_to_users(messages=[(user_id, message)])


def push_to_users(*, messages: Sequence[tuple[UUID, Message]]) -> None:
    """Send each user's open sockets a message, once the transaction has committed.

    A push is a courtesy: if it fails, the failure is logged and nothing else suffers.
    """
    if messages:
        # Not a partial: reporting a failure, Django asks the callable for its name.
        transaction.on_commit(lambda: async_to_sync(_send)(messages), robust=True)


async def _send(messages: Sequence[tuple[UUID, Message]]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    for user_id, message in messages:
        await layer.group_send(user_group(user_id), {"type": "push", "message": asdict(message)})
