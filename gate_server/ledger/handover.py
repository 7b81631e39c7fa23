"""Read a hand-over sheet from the lanes' counters: who did what at which lane on a venue day."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from admission.calendar import Venue, from_ms, to_ms
from admission.verdicts import OUTCOMES, Outcome, Reason
from gate_server.ledger.lanes import FAULT, QUARTER_MS, TICKET
from gate_server.ledger.operators import SHIFT_COLUMNS, Shift, read_shift
from gate_server.ledger.tallies import COUNTED


class Post(NamedTuple):
    """An operator ("" for nobody) at a lane."""

    operator: str
    gate_id: str
    device_id: str


@dataclass(slots=True)
class Sums:
    """What was done at one post.

    Attributes:
        entered, left_out: people, those with and those without a voucher.
        first_ms, last_ms: the first quarter of an hour with anything in it, and the last.
    """

    shifts: list[Shift] = field(default_factory=list)
    first_ms: int | None = None
    last_ms: int | None = None
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    entered: int = 0
    left_out: int = 0
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    counted_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    overrides: int = 0
    overridden: int = 0
    annuls: int = 0
    taken_back: int = 0
    offline: int = 0
    conflicts: int = 0
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tickets: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def outcomes(self) -> dict[str, int]:
        """Presentations by outcome."""
        sums = {outcome.value: 0 for outcome in Outcome}
        for reason, scans in self.reasons.items():
            sums[OUTCOMES[Reason(reason)].value] += scans
        return sums

    def add(self, quarter: int, reason: str, row: tuple[int, ...]) -> None:
        """Add one row of the counters."""
        scans, offline, entered, left_out, overrides, annuls, taken_back = row
        at_ms = quarter * QUARTER_MS
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)
        for prefix, events in ((FAULT, self.faults), (TICKET, self.tickets)):
            if reason.startswith(prefix):
                events[reason.removeprefix(prefix)] += scans
                return
        self.entered += entered
        self.left_out += left_out
        self.taken_back += taken_back
        if reason.startswith(COUNTED):
            kind = reason.removeprefix(COUNTED)
            for people, by_kind in ((entered, self.counted), (left_out, self.counted_out)):
                if people:
                    by_kind[kind] += people
            return
        if scans:
            self.reasons[reason] += scans
        if reason == Reason.OVERRIDDEN:
            self.overridden += entered
        self.offline += offline
        self.overrides += overrides
        self.annuls += annuls


def read_sheet(
    db: sqlite3.Connection,
    venue: Venue,
    day: date,
    *,
    operator: str | None = None,
    gate_id: str | None = None,
) -> Mapping[Post, Sums]:
    """Return what was done at each post on a venue day; a shift without a scan is one, too."""
    first, last = venue.day_bounds(day)
    bounds = to_ms(first), to_ms(last)
    found: dict[Post, Sums] = defaultdict(Sums)
    for quarter, gate, device_id, who, reason, *row in db.execute(_COUNTERS, _quarters(bounds)):
        found[Post(who, gate, device_id)].add(quarter, reason, tuple(row))
    for row in db.execute(_SHIFTS, bounds):
        shift = read_shift(row)
        found[Post(shift.operator, shift.gate_id, shift.device_id)].shifts.append(shift)
    for gate, device_id, who, conflicts in db.execute(_CONFLICTS, bounds):
        found[Post(who, gate, device_id)].conflicts += conflicts
    return {
        post: found[post]
        for post in sorted(found, key=lambda each: (each.operator == "", *each))
        if operator in {None, post.operator} and gate_id in {None, post.gate_id}
    }


def _quarters(bounds: tuple[int, int]) -> tuple[int, int]:
    return bounds[0] // QUARTER_MS, bounds[1] // QUARTER_MS


def until_of(shift: Shift, now: datetime) -> tuple[datetime | None, str | None]:
    """Return when a shift ended and by what; its day's end ends one that nobody has."""
    if shift.until_at is not None:
        return shift.until_at, shift.ended_by
    return (shift.closes_at, "day_end") if now > shift.closes_at else (None, None)


def quarter_of(at_ms: int | None, *, last: bool = False) -> datetime | None:
    """Return when a quarter of an hour begins, or with `last` ends."""
    if at_ms is None:
        return None
    return from_ms(at_ms + (QUARTER_MS if last else 0))


_COUNTERS = """
SELECT quarter, gate_id, device_id, operator, reason, scans, offline, entered, left_out, overrides,
    annuls, taken_back
FROM lane_counters WHERE quarter BETWEEN ? AND ?
"""
_SHIFTS = f"SELECT {SHIFT_COLUMNS} FROM shifts WHERE from_at BETWEEN ? AND ? ORDER BY from_at"  # noqa: S608
# Each open conflict names at most two scans, which are found by their numbers.
_CONFLICTS = """
SELECT s.gate_id, s.device_id, COALESCE(s.operator, ''), COUNT(DISTINCT c.conflict_id)
FROM conflicts c JOIN scans s ON s.scan_id IN (c.scan_a, c.scan_b)
WHERE c.status = 'open' AND s.scan_at BETWEEN ? AND ?
GROUP BY 1, 2, 3
"""
