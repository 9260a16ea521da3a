"""What can go wrong in the domain. Knows nothing of HTTP; ``common.api.problems`` translates."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A request that the domain refuses.

    Args:
        message: for people; says what to do next where that is not obvious.
        field: the input that is at fault, if one is.
        context: facts that the caller may see, as JSON values.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, field: str | None = None, **context: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.context = context


class Invalid(DomainError):
    """Understood, but cannot be done with these values."""

    code = "invalid"


class Forbidden(DomainError):
    """Known, but not allowed."""

    code = "forbidden"


class NotFound(DomainError):
    """Absent, or not the caller's to see."""

    code = "not_found"


class Conflict(DomainError):
    """The present state of the thing does not allow it."""

    code = "conflict"


class Unavailable(DomainError):
    """Something outside does not answer. Nothing is known to have changed; try again."""

    code = "unavailable"
