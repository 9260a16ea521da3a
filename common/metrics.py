"""Counters of the kernel, served at /metrics with everyone else's."""

from prometheus_client import Counter

outbox_deliveries = Counter(
    "zaaz_outbox_deliveries_total", "Deliveries of domain events by result.", ["result"]
)
