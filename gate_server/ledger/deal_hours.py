"""Read what was scanned of each deal, hour by hour, from the counters."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import NamedTuple

from admission.calendar import to_ms
from gate_server.ledger.tallies import HOUR_MS


class DealHour(NamedTuple):
    """One deal's scans of one hour, counted since 1970; a tuple, for there are thousands."""

    hour: int
    deal_no: int
    scans: int
    refused: int


def hour_of(at: datetime) -> int:
    """Return the hour that an instant is in, counted since 1970."""
    return to_ms(at) // HOUR_MS


def list_hours(db: sqlite3.Connection, first: datetime) -> list[DealHour]:
    """Return what was scanned from the hour of `first` on."""
    sql = "SELECT hour, deal_no, scans, refused FROM deal_counters WHERE hour >= ?"
    return [DealHour(*row) for row in db.execute(sql, (hour_of(first),))]


def list_people(db: sqlite3.Connection, first: datetime) -> dict[int, int]:
    """Return the persons by deal from the hour of `first` on, of deals that anybody scanned."""
    sql = "SELECT deal_no, SUM(persons) FROM deal_counters WHERE hour >= ? GROUP BY deal_no"
    return dict(db.execute(sql, (hour_of(first),)).fetchall())
