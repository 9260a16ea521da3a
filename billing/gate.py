"""Whether a user may start a call, as far as rules decide it. No locks, no HTTP.

Checks run in a fixed order and the first refusal is the answer. Limits and
credits come last (``billing.services.starts``), under the wallet's lock.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from billing.enums import Refusal
from billing.metering import StartRequest
from billing.rate_card import Card
from catalog.feature_config import FeatureConfig
from catalog.selectors import EndpointRate, Entitlement, package_version

_SAYS_NOTHING = FeatureConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    reason: Refusal
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A request with everything that the rules decided about it."""

    request: StartRequest
    refused: Refused | None = None
    endpoint: EndpointRate | None = None
    entitlement: Entitlement | None = None
    config: FeatureConfig = _SAYS_NOTHING

    def refuse(self, reason: Refusal, message: str) -> "Candidate":
        return replace(self, refused=Refused(reason=reason, message=message))

    @property
    def hold(self) -> int:
        """Credits to reserve: ``min_credits`` or the estimate, never above ``max_credits``."""
        wanted = max(self.config.min_credits or 0, self.request.estimated_credits or 0)
        cap = self.config.max_credits
        return wanted if cap is None else min(wanted, cap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the rules look at, read once for a whole list of requests."""

    card: Card
    active_user_ids: AbstractSet[UUID]
    entitlements: Mapping[UUID, Entitlement]
    defaults: FeatureConfig


def examine(request: StartRequest, surroundings: Surroundings) -> Candidate:
    """Apply every rule that needs no lock."""
    candidate = Candidate(request=request)
    if request.user_id not in surroundings.active_user_ids:
        return candidate.refuse(Refusal.USER_NOT_FOUND, "There is no active user with this id.")
    candidate = _find_endpoint(candidate, surroundings.card)
    if candidate.refused is None:
        candidate = _check_package(candidate, surroundings)
    if candidate.refused is None:
        candidate = _check_options(candidate)
    if candidate.refused is None:
        candidate = _check_words(candidate)
    return candidate


def _find_endpoint(candidate: Candidate, card: Card) -> Candidate:
    request = candidate.request
    by_value = card.endpoint_ids.get(request.feature_endpoint_value or "")
    endpoint_id = request.feature_endpoint_id or by_value
    endpoint = card.endpoints.get(endpoint_id) if endpoint_id else None
    if endpoint is None:
        return candidate.refuse(Refusal.ENDPOINT_NOT_FOUND, "There is no such endpoint.")
    if request.feature_endpoint_value not in {None, endpoint.value}:
        return candidate.refuse(
            Refusal.ENDPOINT_MISMATCH, "The id and the value name different endpoints."
        )
    if not endpoint.is_active:
        return candidate.refuse(Refusal.ENDPOINT_INACTIVE, "This endpoint is switched off.")
    if card.credit_price is None:
        return candidate.refuse(Refusal.PRICES_NOT_SET, "No credit price is set.")
    return replace(candidate, endpoint=endpoint)


def _check_package(candidate: Candidate, surroundings: Surroundings) -> Candidate:
    entitlement = surroundings.entitlements.get(candidate.request.user_id)
    endpoint = candidate.endpoint
    assert endpoint is not None  # found before
    if entitlement is None:
        return candidate.refuse(Refusal.NO_PACKAGE, "The user has no package.")
    version = package_version(entitlement.package_history_id)
    config = version.resolve_config(
        feature_id=endpoint.feature_id,
        endpoint_id=endpoint.id,
        defaults=surroundings.defaults.over(FeatureConfig(min_credits=endpoint.min_credits)),
    )
    candidate = replace(candidate, entitlement=entitlement, config=config)
    # A package brings the descendants of its features; an empty package brings nothing.
    if version.feature_ids.isdisjoint(endpoint.feature_path):
        return candidate.refuse(
            Refusal.FEATURE_NOT_IN_PACKAGE, "The user's package does not include this feature."
        )
    return candidate


def _check_options(candidate: Candidate) -> Candidate:
    config = candidate.config
    for option in candidate.request.options:
        enabled = config.enabled_options is None or option in config.enabled_options
        if not enabled or option in (config.disabled_options or ()):
            return candidate.refuse(
                Refusal.OPTION_NOT_ALLOWED, f"The option {option} is not part of the package."
            )
    return candidate


def _check_words(candidate: Candidate) -> Candidate:
    words, limit = candidate.request.word_count, candidate.config.max_words
    if words is not None and limit is not None and words > limit:
        return candidate.refuse(
            Refusal.WORD_LIMIT_EXCEEDED, f"{words} words are more than the {limit} allowed."
        )
    return candidate


def start_of_day(at: datetime) -> datetime:
    """Find where the day begins that daily limits count in: UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
