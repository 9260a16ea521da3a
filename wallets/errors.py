from common.errors import Conflict, Invalid, NotFound


class InsufficientCredits(Conflict):
    """Context: ``available``, what could have been taken; ``required``, what was asked for."""

    code = "insufficient_credits"


class ReferenceReused(Conflict):
    """The reference did something else before."""

    code = "reference_reused"


class HoldNotFound(NotFound):
    code = "hold_not_found"


class HoldClosed(Conflict):
    """Somebody else closed the hold first. Context: its final ``status``."""

    code = "hold_closed"


class AlreadyReversed(Conflict):
    code = "already_reversed"


class NotReversible(Invalid):
    """A transaction of its kind is final."""

    code = "not_reversible"


class TransferSpent(Conflict):
    """The receiver no longer has what was sent."""

    code = "transfer_spent"


class OverdraftInUse(Conflict):
    """The wallet owes or holds more than the new limit would allow."""

    code = "overdraft_in_use"
