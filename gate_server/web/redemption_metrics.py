"""Metrics of redemptions, a platform each: what waits, for how long, and what a human must see."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from gate_server.ledger.ledger import Ledger
from gate_server.redemption_figures import list_standings

_TEXTS = {
    "waiting": "Deeds that a platform is yet to be told",
    "oldest_seconds": "For how long the oldest of them waits",
    "poison": "Deeds that a human must look at",
}


def collect_redemptions(ledger: Ledger) -> Iterator[Metric]:
    """Yield the gauges; without values where no platform is reported to."""
    now = ledger.clock()
    gauges = {
        name: GaugeMetricFamily(f"gatehouse_redemptions_{name}", text, labels=["platform"])
        for name, text in _TEXTS.items()
    }
    for _, found in list_standings(ledger):
        values = {
            "waiting": float(found.waiting),
            "oldest_seconds": found.oldest_s(now),
            "poison": float(found.poison),
        }
        for name, value in values.items():
            gauges[name].add_metric([found.platform], value)
    yield from gauges.values()
