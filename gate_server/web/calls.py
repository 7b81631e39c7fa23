"""Know which referred visitors still wait for a human; in memory, begun again from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock

from admission.scans import Mode
from admission.verdicts import OUTCOMES, Outcome
from gate_server.ledger.reports import RecentScan

WAITS_FOR = timedelta(minutes=10)
_MODES = frozenset({Mode.ADMIT, Mode.REENTRY})


class Calls:
    """Referred scans that nobody has answered.

    A call ends with an override, with the next admission at the same device, since its staff have
    gone on, or after ten minutes.
    """

    def __init__(self, recent: Iterable[RecentScan] = ()) -> None:
        self._lock = Lock()
        self._waiting: dict[str, dict[str, datetime]] = {}
        for scan in recent:
            self.note(scan)

    def note(self, scan: RecentScan) -> None:
        """Take notice of a recorded scan; they come in the order of their record."""
        outcome = OUTCOMES[scan.reason]
        if outcome is Outcome.ADMIT and scan.device_id not in self._waiting:
            return
        with self._lock:
            if outcome is Outcome.ADMIT:
                self._waiting.pop(scan.device_id, None)
            elif outcome is Outcome.REFER and scan.mode in _MODES:
                self._waiting.setdefault(scan.device_id, {})[scan.nonce] = scan.at

    def end(self, device_id: str, nonce: str) -> None:
        """Take notice of an override."""
        with self._lock:
            self._waiting.get(device_id, {}).pop(nonce, None)

    def waiting(self, now: datetime) -> int:
        """Return how many wait, and forget those that are too old."""
        with self._lock:
            for device_id, calls in list(self._waiting.items()):
                kept = {nonce: at for nonce, at in calls.items() if now - at <= WAITS_FOR}
                if kept:
                    self._waiting[device_id] = kept
                else:
                    del self._waiting[device_id]
            return sum(map(len, self._waiting.values()))
