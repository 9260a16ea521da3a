"""Primary keys: UUIDv7 (RFC 9562), so that new rows land at the end of every index."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    return _uuid7()
