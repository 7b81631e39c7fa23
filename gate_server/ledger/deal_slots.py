"""Counters of each deal's scans by slots of five minutes, written with the scans themselves."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import to_ms
from admission.surges import SLOT, DealScans
from admission.verdicts import Outcome, Reason
from gate_server.ledger.tallies import Delta

SLOT_MS: Final = SLOT // timedelta(milliseconds=1)
_EXITS: Final = frozenset({Reason.EXIT_RECORDED.value, Reason.NOT_INSIDE.value})
_WRITE: Final = """
INSERT INTO deal_slots (slot, deal_no, scans, refused, referred) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (slot, deal_no) DO UPDATE SET scans = scans + excluded.scans,
    refused = refused + excluded.refused, referred = referred + excluded.referred
"""


def slot_of(at: datetime) -> int:
    """Return the slot that an instant is in, counted since 1970."""
    return to_ms(at) // SLOT_MS


def write(db: sqlite3.Connection, deltas: Iterable[Delta]) -> None:
    """Add what a group of changes adds, one statement a row that changes."""
    sums: dict[tuple[int, int], list[int]] = {}
    for delta in deltas:
        if delta.deal_no is None or not delta.scans or delta.reason in _EXITS:
            continue
        found = sums.setdefault((delta.at_ms // SLOT_MS, delta.deal_no), [0, 0, 0])
        found[0] += delta.scans
        found[1] += delta.scans * (delta.outcome == Outcome.REFUSE)
        found[2] += delta.scans * (delta.outcome == Outcome.REFER)
    if sums:
        db.executemany(_WRITE, [(*key, *counts) for key, counts in sums.items()])


def read_slots(
    db: sqlite3.Connection, first: int, last: int, deal_no: int | None = None
) -> dict[int, dict[int, DealScans]]:
    """Return the counts by slot and deal number, of slots from `first` to `last`."""
    rows = db.execute(
        "SELECT slot, deal_no, scans, refused, referred FROM deal_slots"
        " WHERE slot BETWEEN ?1 AND ?2 AND (?3 IS NULL OR deal_no = ?3)",
        (first, last, deal_no),
    )
    found: dict[int, dict[int, DealScans]] = defaultdict(dict)
    for slot, number, *counts in rows:
        found[slot][number] = DealScans(*counts)
    return found
