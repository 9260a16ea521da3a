"""The prices in force, compiled once into an immutable numbered card.

L1 is a variable of the process, L2 is Redis, and below both is the database. A
token in Redis names the present generation: whatever changes a price replaces
the token after its commit, so every process sees the change at its next call.
Nothing is ever stored under a token that was read after the data it belongs to,
so a slow compiler cannot bring old prices back. Without Redis every call
compiles: correct, and slower.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

import structlog
from django.core.cache import cache
from django.db import connection, transaction
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from billing.metrics import rate_card_lookups
from billing.models import AiModel, BillingSetting, CreditsProfit, RateCard
from billing.pricing import plain
from catalog.selectors import EndpointRate, endpoints_for_rate_card

log = structlog.get_logger()

_REDIS_AWAY = (ConnectionInterrupted, RedisError)
# A change whose token could not be replaced (Redis away, process killed) is seen after this.
_GENERATION_SECONDS = 60
_KEPT_VERSIONS = 64  # of each process; sessions are seldom priced with another one


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRate:
    """USD per token."""

    id: UUID
    value: str
    input_token_price: Decimal
    output_token_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A rate card as values. ``credit_price`` is USD per credit, None until one is set."""

    version: int
    endpoints: Mapping[UUID, EndpointRate]
    endpoint_ids: Mapping[str, UUID]
    models: Mapping[str, ModelRate]
    initial_model: ModelRate | None
    credit_price: Decimal | None
    profit_percentage: Decimal


_current: tuple[str, Card] | None = None  # L1: the token and its card
_cards: dict[int, Card] = {}  # cards never change, so neither does this
_cards_lock = Lock()


def current() -> Card:
    """Get the card in force. Warm, that is one read of the token and no query."""
    try:
        return _cached()
    except _REDIS_AWAY as error:
        log.warning("rate_card_without_redis", error=str(error))
        return _compile()


def of_versions(versions: Iterable[int]) -> dict[int, Card]:
    """Get the cards that sessions were started with, in one query at most."""
    wanted = set(versions)
    with _cards_lock:
        found = {version: _cards[version] for version in wanted & _cards.keys()}
    if missing := wanted - found.keys():
        for row in RateCard.objects.filter(pk__in=missing):
            found[row.version] = _read(row.version, row.content)
            transaction.on_commit(partial(_keep, found[row.version]))
    return found


def invalidate() -> None:
    """Have everyone look at the database again.

    Raises:
        ConnectionInterrupted: Redis is away, and still has the old token.
    """
    cache.set(_key("token"), uuid4().hex, timeout=_GENERATION_SECONDS)


def _cached() -> Card:
    global _current  # noqa: PLW0603 -- this is the cache of the process
    generation = str(
        cache.get_or_set(_key("token"), lambda: uuid4().hex, timeout=_GENERATION_SECONDS)
    )
    held = _current  # read once: another thread may replace it
    if held and held[0] == generation:
        rate_card_lookups.labels(level="l1", result="hit").inc()
        return held[1]
    rate_card_lookups.labels(level="l1", result="miss").inc()
    if shared := cache.get(_key(generation)):
        rate_card_lookups.labels(level="l2", result="hit").inc()
        card = _read(shared["version"], shared["content"])
        _current = (generation, card)
        _keep(card)
        return card
    rate_card_lookups.labels(level="l2", result="miss").inc()
    # Only what is committed is shared: a card that is rolled back has no version.
    return _compile(share_under=generation)


def _compile(share_under: str | None = None) -> Card:
    content = _content()
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    row, _ = RateCard.objects.get_or_create(
        content_hash=hashlib.sha256(text.encode()).hexdigest(), defaults={"content": content}
    )
    card = _read(row.version, content)
    if share_under:
        # Not a partial: reporting a failure, Django asks the callable for its name.
        transaction.on_commit(lambda: _share(share_under, card, content), robust=True)
    return card


def _share(generation: str, card: Card, content: dict[str, Any]) -> None:
    global _current  # noqa: PLW0603 -- this is the cache of the process
    _current = (generation, card)
    _keep(card)
    cache.set(
        _key(generation),
        {"version": card.version, "content": content},
        timeout=_GENERATION_SECONDS,
    )


def _keep(card: Card) -> None:
    with _cards_lock:
        _cards[card.version] = card
        if len(_cards) > _KEPT_VERSIONS:
            del _cards[next(iter(_cards))]


def _key(name: str) -> str:
    # One Redis may serve several databases, and their cards are not the same.
    return f"rate-card:{connection.settings_dict['NAME']}:{name}"


def _content() -> dict[str, Any]:
    setting = BillingSetting.objects.filter(is_initial=True).first()
    return {
        "endpoints": [
            {key: _as_json(value) for key, value in asdict(rate).items()}
            for rate in sorted(endpoints_for_rate_card(), key=lambda rate: rate.id)
        ],
        "models": [
            _write_model(row) for row in AiModel.objects.filter(is_active=True).order_by("id")
        ],
        "credit_price": setting
        and {
            "id": str(setting.id),
            "version": setting.version,
            "value": plain(setting.credit_price),
        },
        "profits": [
            {
                "id": str(row.id),
                "version": row.version,
                "name": row.name,
                "percentage": plain(row.percentage),
            }
            for row in CreditsProfit.objects.filter(is_active=True).order_by("id")
        ],
    }


def _write_model(row: AiModel) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "version": row.version,
        "value": row.value,
        "input_token_price": plain(row.input_token_price),
        "output_token_price": plain(row.output_token_price),
        "is_initial": row.is_initial,
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value


def _read(version: int, content: dict[str, Any]) -> Card:
    endpoints = [_read_endpoint(row) for row in content["endpoints"]]
    models = {row["value"]: _read_model(row) for row in content["models"]}
    initial = next((row["value"] for row in content["models"] if row["is_initial"]), None)
    price = content["credit_price"]
    return Card(
        version=version,
        endpoints={rate.id: rate for rate in endpoints},
        endpoint_ids={rate.value: rate.id for rate in endpoints},
        models=models,
        initial_model=models[initial] if initial else None,
        credit_price=Decimal(price["value"]) if price else None,
        profit_percentage=sum(
            (Decimal(row["percentage"]) for row in content["profits"]), Decimal(0)
        ),
    )


def _read_endpoint(row: dict[str, Any]) -> EndpointRate:
    return EndpointRate(
        id=UUID(row["id"]),
        value=row["value"],
        feature_id=UUID(row["feature_id"]),
        feature_path=tuple(UUID(feature_id) for feature_id in row["feature_path"]),
        min_credits=row["min_credits"],
        is_active=row["is_active"],
    )


def _read_model(row: dict[str, Any]) -> ModelRate:
    return ModelRate(
        id=UUID(row["id"]),
        value=row["value"],
        input_token_price=Decimal(row["input_token_price"]),
        output_token_price=Decimal(row["output_token_price"]),
    )
