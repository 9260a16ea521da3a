"""What the catalog tells the rest of the system."""

from dataclasses import dataclass

from common.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class SubscriptionStarted(DomainEvent):
    """A user holds a package from now on, or for longer than before."""

    type = "catalog.subscription_started"

    subscription_id: str
    user_id: str
    package_history_id: str
    period_end: str  # ISO 8601, UTC


@dataclass(frozen=True, kw_only=True)
class EndpointsChanged(DomainEvent):
    """Features or endpoints are not what they were: rate cards must be compiled anew."""

    type = "catalog.endpoints_changed"
