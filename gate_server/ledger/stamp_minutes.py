"""Counters of stamps at queues: who was stamped, who of them was let in, and how long they waited.

Written in the transaction of the scan that they count; a scan of a voucher that nobody stamped
writes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from admission.calendar import to_ms
from admission.history import Record
from admission.scans import Direction, Mode
from admission.verdicts import Outcome, Verdict
from gate_server.ledger.tallies import MINUTE_MS

if TYPE_CHECKING:  # they write these
    from gate_server.ledger.scans import NewScan
    from gate_server.ledger.session import Session

_WRITE: Final = """
INSERT INTO stamp_minutes (minute, area, stamped, met, waited_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (minute, area) DO UPDATE SET stamped = stamped + excluded.stamped,
    met = met + excluded.met, waited_ms = waited_ms + excluded.waited_ms
"""
_READ: Final = (
    "SELECT minute, area, stamped, met, waited_ms FROM stamp_minutes WHERE minute BETWEEN ? AND ?"
)


class StampMinute(NamedTuple):
    """One area's stamps of one minute since 1970; see `schema_crowd`."""

    minute: int
    area: str
    stamped: int
    met: int
    waited_ms: int


def note_scan(
    tx: Session, scan: NewScan, verdict: Verdict, records: list[Record], *, numbered: bool
) -> None:
    """Count a scan that is a stamp, or that lets in somebody who was stamped today.

    Args:
        records: what is on record of the voucher before it.
        numbered: the stamp has an arrival number.
    """
    if scan.mode is Mode.ARRIVE:
        if numbered and verdict.outcome is not Outcome.REFUSE:
            _note_stamp(tx, scan, records)
    elif records and verdict.people and scan.direction is Direction.ENTRY:
        _note_met(tx, scan, verdict.people, records)


def _note_stamp(tx: Session, scan: NewScan, records: list[Record]) -> None:
    admits = 1 if scan.row is None else scan.row.voucher.admits
    seen = max((each.party or admits for each in _stamps(tx, scan, records)), default=0)
    more = (scan.party or admits) - seen
    if more > 0:
        _write(tx, scan, stamped=more)


def _note_met(tx: Session, scan: NewScan, people: int, records: list[Record]) -> None:
    stamps = list(_stamps(tx, scan, records))
    first, _ = tx.venue.day_bounds(tx.venue.day_of(scan.scan_at))
    entered = any(each.people and each.scan_at >= first for each in records)
    if stamps and not entered:
        waited = scan.scan_at - min(each.scan_at for each in stamps)
        waited_ms = max(0, int(waited.total_seconds() * 1000))
        _write(tx, scan, met=people, waited_ms=people * waited_ms)


def _stamps(tx: Session, scan: NewScan, records: Iterable[Record]) -> Iterator[Record]:
    """Yield the stamps of the scan's venue day that count."""
    for each in records:
        stamped = each.mode is Mode.ARRIVE and not each.struck
        if stamped and tx.venue.same_day(each.scan_at, scan.scan_at):
            yield each


def _write(
    tx: Session, scan: NewScan, *, stamped: int = 0, met: int = 0, waited_ms: int = 0
) -> None:
    minute = to_ms(scan.scan_at) // MINUTE_MS
    tx.db.execute(_WRITE, (minute, scan.gate.area, stamped, met, waited_ms))


def list_minutes(db: sqlite3.Connection, first: int, last: int) -> list[StampMinute]:
    """Return the minutes from `first` to `last`, counted since 1970, in which anything was."""
    return [StampMinute(*row) for row in db.execute(_READ, (first, last))]
