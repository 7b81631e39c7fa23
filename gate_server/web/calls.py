"""Know which referred visitors still wait for a human; in memory, begun again from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeAlias

from admission.scans import Direction, Mode
from admission.verdicts import OUTCOMES, Outcome
from gate_server.ledger.recent import RecentScan

WAITS_FOR = timedelta(minutes=20)
_MODES = frozenset({Mode.ADMIT, Mode.REENTRY})
_LOOKS = frozenset({Mode.CHECK, Mode.ARRIVE})

Name: TypeAlias = tuple[str, str]
"""A scan's device and nonce."""


class Calls:
    """Referred scans that nobody has answered, and refused ones whose code was shown twice.

    A visitor who is referred waits aside while the lane goes on, so a call ends only when somebody
    answers that very scan, by an override or otherwise, when what was presented is presented again,
    anywhere, and decided anew, or after twenty minutes. Nobody is kept in, so who leaves is never a
    call.
    """

    def __init__(self, recent: Iterable[RecentScan] = ()) -> None:
        self._lock = Lock()
        self._waiting: dict[Name, RecentScan] = {}
        self._by_key: dict[bytes, Name] = {}
        for scan in recent:
            self.note(scan)
            if scan.over:
                self.end(scan.device_id, scan.nonce)

    def note(self, scan: RecentScan) -> None:
        """Take notice of a recorded scan; they come in the order of their record."""
        if scan.mode in _LOOKS:
            return
        refers = OUTCOMES[scan.reason] is Outcome.REFER or scan.elsewhere is not None
        waits = refers and scan.mode in _MODES and scan.direction is Direction.ENTRY
        if not waits and self._by_key.keys().isdisjoint(scan.about):
            return
        with self._lock:
            for key in scan.about:
                if key in self._by_key:
                    self._forget(self._by_key[key])
            if waits:
                name = scan.device_id, scan.nonce
                self._waiting[name] = scan
                self._by_key.update(dict.fromkeys(scan.about, name))

    def end(self, device_id: str, nonce: str) -> None:
        """Take notice of an answer."""
        with self._lock:
            self._forget((device_id, nonce))

    def waiting(self, now: datetime) -> list[RecentScan]:
        """Return those that wait, the longest first, and forget those that are too old."""
        with self._lock:
            for name, scan in list(self._waiting.items()):
                if now - scan.at > WAITS_FOR:
                    self._forget(name)
            return list(self._waiting.values())

    def _forget(self, name: Name) -> None:
        scan = self._waiting.pop(name, None)
        for key in () if scan is None else scan.about:
            if self._by_key.get(key) == name:
                del self._by_key[key]
