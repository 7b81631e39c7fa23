"""Metrics of the platforms that are asked for codes that the ledger does not know."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gate_server.feeds.breaker import State
from gate_server.web.services import Services


def lookup_metrics(services: Services) -> Iterator[Metric]:
    """Yield how each platform answers, and whether it is left alone."""
    asked = CounterMetricFamily(
        "gatehouse_lookups",
        "Questions about unknown codes, by how they ended; unasked: there was no room",
        labels=("platform", "feed", "outcome"),
    )
    resting = GaugeMetricFamily(
        "gatehouse_lookup_open",
        "1 while a platform that does not answer in time is left alone",
        labels=("platform", "feed"),
    )
    for each in services.read_through.figures():
        labels = [each.platform, str(each.feed_id)]
        resting.add_metric(labels, int(each.state is State.OPEN))
        for outcome, count in each.counts.items():
            asked.add_metric([*labels, outcome], count)
    yield from (asked, resting)
