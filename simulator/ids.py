"""Public ids: a prefix that tells what it is, then a UUIDv7 so that they sort by age."""

from common.ids import uuid7


def payment_id() -> str:
    return f"pay_{uuid7().hex}"


def refund_id() -> str:
    return f"re_{uuid7().hex}"


def event_id() -> str:
    return f"evt_{uuid7().hex}"
