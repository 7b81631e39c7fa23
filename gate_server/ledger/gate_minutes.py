"""What gates scanned in the last minutes, from the counters alone."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import from_ms, to_ms
from gate_server.ledger.tallies import COUNTED, MINUTE_MS

_LATELY: Final = """
SELECT gate_id, reason, SUM(IIF(minute >= :lately, scans, 0)), SUM(IIF(minute < :lately, scans, 0)),
    MAX(IIF(scans > 0, minute, 0))
FROM counters WHERE minute >= :first AND minute <= :last GROUP BY gate_id, reason
"""


@dataclass(frozen=True, slots=True)
class ReasonScans:
    """Scans of one gate with one reason.

    Attributes:
        lately, before: in the latest span, and in the one before it.
        last_at: the end of the last minute that has one; None: no scan in either.
    """

    gate_id: str
    reason: str
    lately: int
    before: int
    last_at: datetime | None


def read_lately(
    db: sqlite3.Connection, now: datetime, lately: timedelta, before: timedelta
) -> list[ReasonScans]:
    """Return what was scanned within two spans up to now; people without a voucher are no scans."""
    names = {
        "last": to_ms(now) // MINUTE_MS,
        "lately": to_ms(now - lately) // MINUTE_MS + 1,
        "first": to_ms(now - lately - before) // MINUTE_MS + 1,
    }
    return [
        ReasonScans(gate_id, reason, late, early, _end_of(minute, now))
        for gate_id, reason, late, early, minute in db.execute(_LATELY, names)
        if not reason.startswith(COUNTED)
    ]


def _end_of(minute: int, now: datetime) -> datetime | None:
    return None if minute == 0 else min(now, from_ms((minute + 1) * MINUTE_MS))
