"""Metrics for Prometheus, read from the counters at each scrape: a scan pays nothing for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from admission.verdicts import OUTCOMES, Reason
from gate_server import __version__
from gate_server.ledger.conflicts import count_open
from gate_server.ledger.tallies import COUNTED
from gate_server.web.alarm_metrics import collect_alarms
from gate_server.web.feed_metrics import feed_metrics
from gate_server.web.lookup_metrics import lookup_metrics
from gate_server.web.redemption_metrics import collect_redemptions
from gate_server.web.services import Services
from gate_server.web.stats import today
from gate_server.web.timings import BOUNDS_MS


class Exposition:
    """The text of `/metrics`, from a registry of its own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, services: Services) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Figures(services))

    def text(self) -> bytes:
        """Return all metrics as they are now."""
        return generate_latest(self._registry)


class _Figures(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield self._scans()
        yield self._decisions()
        yield from self._devices()
        yield from feed_metrics(self._services)
        yield from lookup_metrics(self._services)
        yield from self._gauges()
        yield collect_alarms(self._services.ledger)
        yield from collect_redemptions(self._services.ledger)

    def _scans(self) -> Metric:
        # The counters begin anew with each venue day, which rate() takes for a restart.
        scans = CounterMetricFamily(
            "gatehouse_scans",
            "Scans of the venue day by gate, outcome and reason",
            labels=["gate", "outcome", "reason"],
        )
        day = today(self._services, self._services.ledger.clock())
        for gate_id, gate in dict(day.gates).items():
            for reason, count in dict(gate.reasons).items():
                if not reason.startswith(COUNTED):
                    scans.add_metric([gate_id, OUTCOMES[Reason(reason)], reason], count)
        return scans

    def _decisions(self) -> Metric:
        counts, sum_ms = self._services.timings.histogram()
        buckets, total = [], 0
        bounds = [*(str(bound / 1000) for bound in BOUNDS_MS), "+Inf"]
        for bound, count in zip(bounds, counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        decisions = HistogramMetricFamily(
            "gatehouse_decision_seconds", "From receipt of a scan to its commit"
        )
        decisions.add_metric([], buckets, sum_ms / 1000)
        return decisions

    def _devices(self) -> Iterator[Metric]:
        ledger = self._services.ledger
        now, catalogue = ledger.clock(), ledger.catalogue
        seen = GaugeMetricFamily(
            "gatehouse_device_seen_age_seconds", "Since a device's last word", labels=["device"]
        )
        clock = GaugeMetricFamily(
            "gatehouse_device_clock_offset_seconds", "Device less server", labels=["device"]
        )
        for device_id, device in catalogue.devices.items():
            word = catalogue.seen.get(device_id)
            if device.revoked:
                continue
            if word is not None and word.seen_at is not None:
                seen.add_metric([device_id], (now - word.seen_at).total_seconds())
            if device.offset_ms is not None:
                clock.add_metric([device_id], device.offset_ms / 1000)
        yield seen
        yield clock

    def _gauges(self) -> Iterator[Metric]:
        services, ledger = self._services, self._services.ledger
        now = ledger.clock()
        day = today(services, now)
        disk = os.statvfs(ledger.directory)
        wal = ledger.directory / "ledger.db-wal"
        figures = {
            "inside": ("People inside now", day.inside),
            "people_today": ("People of this venue day", day.persons),
            "calls_waiting": ("Referred visitors who wait", len(services.calls.waiting(now))),
            "queue_depth": ("Changes that wait for the writer", ledger.queue_depth),
            "wal_bytes": ("Size of the WAL file", wal.stat().st_size if wal.exists() else 0),
            "disk_free_bytes": ("Free for the ledger", disk.f_bavail * disk.f_frsize),
            "conflicts_open": (
                "Conflicts that nobody has closed yet",
                sum(ledger.read(count_open).values()),
            ),
            "incidents_open": ("Incidents that are open", ledger.catalogue.duty.open_incidents),
            "duty_failures": (
                "Messages in a row that whoever is on duty did not take",
                ledger.catalogue.duty.failures,
            ),
            "downloads": ("Replica downloads under way", services.downloads.under_way),
            "event_streams": ("Event streams open", services.hub.listening),
            "ledger_revision": ("Newest revision", ledger.revision),
            "emergency": ("1 while the venue evacuates", int(ledger.catalogue.emergency)),
            "clock_alarm": (
                "1 while three devices disagree with the server's clock",
                int(services.clocks.alarmed(ledger.catalogue, now)),
            ),
        }
        for name, (text, value) in figures.items():
            yield GaugeMetricFamily(f"gatehouse_{name}", text, value)
        info = {"epoch": ledger.epoch, "version": __version__}
        yield InfoMetricFamily("gatehouse_ledger", "The ledger's life and the server", info)
