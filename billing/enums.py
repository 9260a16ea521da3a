from django.db import models


class SessionState(models.TextChoices):
    """Where a metered call stands. An expired one can still be settled, late."""

    OPEN = "open"
    SETTLED = "settled"
    EXPIRED = "expired"


class SessionFlag(models.TextChoices):
    """What was unusual about a settled call."""

    CAPPED = "capped", "max_credits capped the charge"
    MAX_TOKENS_EXCEEDED = "max_tokens_exceeded"
    WORD_LIMIT_EXCEEDED = "word_limit_exceeded"
    LATE = "late", "ended after it had expired"


class Refusal(models.TextChoices):
    """Why a start is not accessible. Partners branch on these: they are for ever."""

    USER_NOT_FOUND = "user_not_found"
    ENDPOINT_NOT_FOUND = "endpoint_not_found"
    ENDPOINT_MISMATCH = "endpoint_mismatch"
    ENDPOINT_INACTIVE = "endpoint_inactive"
    PRICES_NOT_SET = "prices_not_set"
    NO_PACKAGE = "no_package"
    FEATURE_NOT_IN_PACKAGE = "feature_not_in_package"
    OPTION_NOT_ALLOWED = "option_not_allowed"
    WORD_LIMIT_EXCEEDED = "word_limit_exceeded"
    DAILY_LIMIT_REACHED = "daily_limit_reached"
    MONTHLY_LIMIT_REACHED = "monthly_limit_reached"
    INSUFFICIENT_CREDITS = "insufficient_credits"
