"""What partners ask of metering and what they are answered. Plain values: no HTTP, no database."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.enums import Refusal
from common.errors import DomainError

MAX_USAGES = 100  # of one call
MAX_TOKENS = 10**9  # of one usage, each way
MAX_WORDS = 10**9
MAX_OPTIONS = 100
MAX_ESTIMATE = 10**12  # credits
MAX_BATCH = 1000  # ends of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """May this user run this endpoint? The endpoint is named by id, by value, or by both."""

    user_id: UUID
    feature_endpoint_id: UUID | None = None
    feature_endpoint_value: str | None = None
    estimated_credits: int | None = None
    options: tuple[str, ...] = ()
    word_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAnswer:
    """``credits``: available after this call's hold. A refusal has a reason and no usage key."""

    user_id: UUID
    credits: int
    config: Mapping[str, Any]
    usage_key: UUID | None = None
    expires_at: datetime | None = None
    reason: Refusal | None = None
    message: str = ""

    def as_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"user_id": str(self.user_id), "credits": self.credits}
        if self.usage_key and self.expires_at:
            answer |= {
                "status": "accessible",
                "usage_key": str(self.usage_key),
                "expires_at": instant(self.expires_at),
            }
        if self.reason:
            answer |= {
                "status": "not-accessible",
                "reason": self.reason.value,
                "message": self.message,
            }
        return answer | {"config": dict(self.config)}


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReport:
    """What one model used. Without ``ai_model`` the initial model prices it."""

    input_tokens: int = 0
    output_tokens: int = 0
    ai_model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRequest:
    """What a started call used."""

    usage_key: UUID
    user_id: UUID
    feature_endpoint_id: UUID | None = None
    feature_endpoint_value: str | None = None
    usages: tuple[UsageReport, ...] = ()
    word_count: int | None = None

    def fingerprint(self) -> str:
        """64 hexadecimal digits that differ when anything of the report does."""
        text = json.dumps(asdict(self), default=str, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOutcome:
    """What became of one end: an answer for the partner, or why it was refused."""

    usage_key: UUID
    answer: dict[str, Any] | None = None
    error: DomainError | None = None
    replayed: bool = False


def instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
