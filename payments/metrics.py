"""Counters of payments, served at /metrics with everyone else's."""

from prometheus_client import Counter

settlements = Counter(
    "zaaz_payment_settlements_total",
    "Pieces of gateway evidence by what they did: moved to a status, unchanged, quarantined.",
    ["result"],
)
webhooks = Counter(
    "zaaz_payment_webhooks_total",
    "Incoming webhooks by verdict, at the door and after processing.",
    ["verdict"],
)
