"""Metrics of feeds: how old each is, how it fails, what it brought and what is set aside."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from gate_server.feed_reports import report_feeds
from gate_server.web.services import Services

_LABELS = ("platform", "kind", "feed")


def feed_metrics(services: Services) -> Iterator[Metric]:
    """Yield the metrics of all feeds; one that was never heard has no age."""
    age = GaugeMetricFamily(
        "gatehouse_feed_age_seconds", "Since a feed was last up to date", labels=_LABELS
    )
    failures = GaugeMetricFamily(
        "gatehouse_feed_failures", "Failures in a row of a feed", labels=_LABELS
    )
    aside = GaugeMetricFamily(
        "gatehouse_feed_set_aside", "Rows of a feed that cannot be taken yet", labels=_LABELS
    )
    rows = CounterMetricFamily(
        "gatehouse_feed_rows", "Rows of a feed that changed something", labels=_LABELS
    )
    for feed in report_feeds(services.ledger, services.settings):
        labels = [feed.platform, feed.kind, str(feed.feed_id)]
        if feed.age_s is not None:
            age.add_metric(labels, feed.age_s)
        failures.add_metric(labels, feed.failures)
        aside.add_metric(labels, feed.set_aside)
        rows.add_metric(labels, feed.rows_taken)
    yield from (age, failures, aside, rows)
