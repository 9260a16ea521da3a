"""Counters of metering, served at /metrics with everyone else's."""

from prometheus_client import Counter

rate_card_lookups = Counter(
    "zaaz_rate_card_lookups_total",
    "Look-ups of the rate card by cache level (l1 process, l2 Redis) and result (hit, miss).",
    ["level", "result"],
)
