"""Idempotency: one key, one effect, one answer."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from common.errors import Invalid
from simulator.models import Merchant, StoredReply


class IdempotencyKeyReused(Invalid):
    code = "idempotency_key_reused"


@dataclass(frozen=True)
class Reply:
    body: dict[str, Any]
    is_replayed: bool


@transaction.atomic
def reply_once(
    *,
    merchant: Merchant,
    route: str,
    key: str,
    request: object,
    act: Callable[[], dict[str, Any]],
) -> Reply:
    """Run ``act`` and keep what it returns, or return what it returned the first time.

    The key is claimed first, in the transaction of the act: a concurrent
    duplicate waits for it and then replays, and a refused act claims nothing.

    Args:
        request: the parsed body; a repeat must carry an equal one.

    Raises:
        IdempotencyKeyReused: the key came with another body before.
    """
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    reply, is_first = StoredReply.objects.get_or_create(
        merchant=merchant, route=route, key=key, defaults={"request_hash": digest}
    )
    if is_first:
        reply.body = json.dumps(act())
        reply.save(update_fields=["body"])
    elif reply.request_hash != digest:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another body.")
    return Reply(body=json.loads(reply.body), is_replayed=not is_first)
