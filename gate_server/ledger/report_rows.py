"""Read for an after-action report what counters say of a time; never the scans."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from admission.calendar import to_ms
from admission.surges import DealScans
from gate_server.ledger.deal_slots import SLOT_MS, read_slots
from gate_server.ledger.lanes import FAULT, QUARTER_MS, TICKET
from gate_server.ledger.tallies import MINUTE_MS

_BESIDE: Final = (FAULT, TICKET)


class GateQuarter(NamedTuple):
    """Scans of one reason at one gate in a quarter of an hour, counted since 1970."""

    quarter: int
    gate_id: str
    reason: str
    scans: int
    entered: int


def list_quarters(
    db: sqlite3.Connection, first: datetime, last: datetime, marshals: Collection[str]
) -> tuple[list[GateQuarter], dict[int, int], int]:
    """Return what was scanned by quarter, gate and reason; what marshals stamped; overrides.

    A stamp counts under the reason that the gate would have said, so devices are told apart.
    """
    rows = db.execute(
        "SELECT quarter, gate_id, device_id, reason, SUM(scans), SUM(entered), SUM(overrides)"
        " FROM lane_counters WHERE quarter BETWEEN ? AND ? GROUP BY 1, 2, 3, 4",
        (to_ms(first) // QUARTER_MS, to_ms(last) // QUARTER_MS),
    )
    sums: dict[tuple[int, str, str], list[int]] = {}
    stamps: dict[int, int] = {}
    overridden = 0
    for quarter, gate_id, device_id, reason, scans, entered, overrides in rows:
        overridden += overrides
        if reason.startswith(_BESIDE):
            continue
        if device_id in marshals:
            stamps[quarter] = stamps.get(quarter, 0) + scans
            continue
        found = sums.setdefault((quarter, gate_id, reason), [0, 0])
        found[0] += scans
        found[1] += entered
    return [GateQuarter(*key, *counts) for key, counts in sums.items()], stamps, overridden


def list_entered(
    db: sqlite3.Connection, first: datetime, last: datetime
) -> list[tuple[int, str, int]]:
    """Return minute, gate and the people who came in."""
    return db.execute(
        "SELECT minute, gate_id, SUM(entered) FROM counters WHERE minute BETWEEN ? AND ?"
        " GROUP BY 1, 2 HAVING SUM(entered) > 0 ORDER BY 1, 2",
        (to_ms(first) // MINUTE_MS, to_ms(last) // MINUTE_MS),
    ).fetchall()


def list_deal(
    db: sqlite3.Connection, first: datetime, last: datetime, deal_no: int
) -> dict[int, DealScans]:
    """Return the scans of one deal by quarter."""
    found: dict[int, DealScans] = {}
    slots = read_slots(db, to_ms(first) // SLOT_MS, to_ms(last) // SLOT_MS, deal_no)
    for slot, by_deal in slots.items():
        quarter, each = slot * SLOT_MS // QUARTER_MS, by_deal[deal_no]
        so_far = found.get(quarter, DealScans())
        found[quarter] = DealScans(
            so_far.scans + each.scans,
            so_far.refused + each.refused,
            so_far.called + each.called,
        )
    return found


def count_conflicts(
    db: sqlite3.Connection, first: datetime, last: datetime, deal_no: int | None
) -> tuple[int, int]:
    """Return how many conflicts a deal has had in a time, and how many of all are still open."""
    if deal_no is None:
        return 0, 0
    row = db.execute(
        "SELECT COALESCE(SUM(opened_at BETWEEN ?1 AND ?2), 0), COALESCE(SUM(status = 'open'), 0)"
        " FROM conflicts WHERE deal_no = ?3",
        (to_ms(first), to_ms(last), deal_no),
    ).fetchone()
    return int(row[0]), int(row[1])
