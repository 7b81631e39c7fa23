"""How long the server takes to decide: a histogram since the start, and the latest by gate."""

from __future__ import annotations

from bisect import bisect_left
from threading import Lock

from gate_server.ledger.tallies import Tallies

BOUNDS_MS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


class Timings:
    """Times from receipt of a scan to its commit, milliseconds."""

    def __init__(self, tallies: Tallies) -> None:
        self._latest = tallies.latencies_ms
        self._lock = Lock()
        self._counts = [0] * (len(BOUNDS_MS) + 1)
        self._sum_ms = 0.0

    def note(self, gate_id: str, taken_ms: float) -> None:
        """Count one decision."""
        self._latest[gate_id].append(taken_ms)
        with self._lock:
            self._counts[bisect_left(BOUNDS_MS, taken_ms)] += 1
            self._sum_ms += taken_ms

    def histogram(self) -> tuple[list[int], float]:
        """Return how many fell below each bound and above the last, and their sum."""
        with self._lock:
            return list(self._counts), self._sum_ms

    def percentiles(self, gate_id: str, *shares: float) -> list[float | None]:
        """Return percentiles of a gate's latest decisions; None where it has none."""
        latest = self._latest.get(gate_id)
        times = sorted(latest.copy()) if latest else []
        if not times:
            return [None for _ in shares]
        return [round(times[min(len(times) - 1, int(share * len(times)))], 3) for share in shares]
