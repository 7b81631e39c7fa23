"""Metrics of alarms: one series for each that stands."""

from __future__ import annotations

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from gate_server.ledger.ledger import Ledger


def collect_alarms(ledger: Ledger) -> Metric:
    """Return the gauge; without values where nothing is amiss."""
    gauge = GaugeMetricFamily(
        "gatehouse_alarm", "1 while an alarm stands", labels=["kind", "subject", "severity"]
    )
    for alarm in ledger.catalogue.duty.alarms:
        gauge.add_metric([alarm.kind, alarm.subject, alarm.severity], 1)
    return gauge
