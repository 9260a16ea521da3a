from common.errors import Conflict, Invalid, NotFound


class SessionNotStarted(Conflict):
    """An end without a start."""

    code = "session_not_started"


class SessionNotFound(NotFound):
    """There is such a session, but another partner started it."""

    code = "session_not_found"


class SessionNotSettled(Conflict):
    """There is nothing to explain before the end."""

    code = "session_not_settled"


class UsageKeyReused(Conflict):
    """The call was settled with another report."""

    code = "usage_key_reused"


class SessionMismatch(Invalid):
    """The report names another user or endpoint than the start did."""

    code = "session_mismatch"


class UnknownAiModel(Invalid):
    """No price was in force for this model when the call started."""

    code = "unknown_ai_model"


class ChargeTooLarge(Invalid):
    """More than the ledger moves at once. Context: ``cost_credits``, ``limit``."""

    code = "charge_too_large"


class InitialRequired(Conflict):
    """The initial one can be replaced by another, but not be given up."""

    code = "initial_required"


class PriceTaken(Conflict):
    """Another row has this name or value."""

    code = "price_taken"
