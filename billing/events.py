"""What billing tells the rest of the system."""

from dataclasses import dataclass
from typing import Any

from common.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class UsagesCharged(DomainEvent):
    """Every call that one commit settled.

    A usage has ``usage_key``, ``user_id``, ``feature_endpoint_id``, ``charged``,
    ``cost_credits`` and ``shortfall``, in whole credits.
    """

    type = "billing.usages_charged"

    usages: list[dict[str, Any]]
