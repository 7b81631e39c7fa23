"""Read alarms from the ledger: those that stand, those that were over lately, one."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final

from admission.alarms import Alarm, AlarmKind, Severity
from admission.calendar import from_ms, to_ms
from admission.errors import NotFound

MOST_LISTED: Final = 200
_ALARMS: Final = (
    "SELECT alarm_id, kind, subject, severity, raised_at, rose_at, seen_at, figure, worst, bar,"
    " usual, acknowledged_at, acknowledged_by, note, cleared_at FROM alarms"
)


def list_standing(db: sqlite3.Connection) -> tuple[Alarm, ...]:
    """Return the alarms that stand, the oldest first."""
    rows = db.execute(f"{_ALARMS} WHERE cleared_at IS NULL ORDER BY alarm_id")
    return tuple(_read(row) for row in rows)


def list_cleared(db: sqlite3.Connection, since: datetime) -> list[Alarm]:
    """Return the alarms that were over at an instant or later, the newest first."""
    sql = f"{_ALARMS} WHERE cleared_at >= ? ORDER BY cleared_at DESC LIMIT ?"
    return [_read(row) for row in db.execute(sql, (to_ms(since), MOST_LISTED))]


def get_alarm(db: sqlite3.Connection, alarm_id: int) -> Alarm:
    """Return an alarm.

    Raises:
        NotFound: there is none by that number.
    """
    row = db.execute(f"{_ALARMS} WHERE alarm_id = ?", (alarm_id,)).fetchone()
    if row is None:
        raise NotFound(f"no alarm {alarm_id}")
    return _read(row)


def _read(row: tuple[Any, ...]) -> Alarm:
    (alarm_id, kind, subject, severity, raised_at, rose_at, seen_at, figure, worst, bar, usual,
     acknowledged_at, acknowledged_by, note, cleared_at) = row  # fmt: skip
    return Alarm(
        alarm_id=alarm_id,
        kind=AlarmKind(kind),
        subject=subject,
        severity=Severity(severity),
        raised_at=from_ms(raised_at),
        rose_at=from_ms(rose_at),
        seen_at=from_ms(seen_at),
        figure=figure,
        worst=worst,
        bar=bar,
        usual=usual,
        acknowledged_at=_instant(acknowledged_at),
        acknowledged_by=acknowledged_by,
        note=note,
        cleared_at=_instant(cleared_at),
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
