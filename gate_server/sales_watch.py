"""Make the look at sales of a venue, from its settings and sentences."""

from __future__ import annotations

from gate_server.ledger.watch import Watch
from gate_server.settings import Settings, read_finding_words


def make_watch(settings: Settings) -> Watch:
    """Return the look at sales, for `Ledger.open`."""
    return Watch(settings.anomalies, read_finding_words(settings.venue))
