"""Counts of the venue day, in memory for the pages and per minute in the ledger.

No page ever reads the scan table: the writer adds to these in the scan's own transaction.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

from admission.calendar import Venue, from_ms, to_ms
from admission.verdicts import OUTCOMES, Outcome, Reason

K = TypeVar("K")

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
LATENCIES_KEPT = 2000
SCANS_LOOKED_AT = 20_000


@dataclass(slots=True)
class Delta:
    """What one recorded scan, count or correction adds to one gate's minute.

    Attributes:
        at_ms: when it happened, milliseconds since 1970.
        scans: presentations; 0 for a correction.
        entered, left_out: people through the gate, in and out.
        people: persons new to the area today; `persons`: new to the venue.
        inside: change of the people inside the venue; all of it where reason is `BY_HAND`.
        deal_no: the deal that it belongs to; None where no voucher was found.
        outcome: `refuse` and `refer` are counted by deal.
    """

    at_ms: int
    gate_id: str
    reason: str
    scans: int = 0
    entered: int = 0
    left_out: int = 0
    people: int = 0
    persons: int = 0
    inside: int = 0
    deal_no: int | None = None
    outcome: str = ""


@dataclass(slots=True)
class GateDay:
    """One gate's counts of the venue day; `calls` are people who were told to wait for a human."""

    scans: int = 0
    people: int = 0
    entered: int = 0
    left_out: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    minutes: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    calls: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class Day:
    """The venue's counts of one venue day.

    Attributes:
        came: persons new to the venue, by minute since 1970.
        exits: people who left, by minute since 1970.
        entered_ms: when somebody last entered by hand how many are inside; 0: nobody did.
    """

    day: date
    first_ms: int
    last_ms: int
    inside: int = 0
    persons: int = 0
    scans: int = 0
    left_out: int = 0
    gates: dict[str, GateDay] = field(default_factory=lambda: defaultdict(GateDay))
    deals: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    counted: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    came: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    exits: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    entered_ms: int = 0

    def moves_inside(self, delta: Delta) -> bool:
        """Say whether a delta changes who is inside; what an entry by hand had seen does not."""
        own = self.first_ms <= delta.at_ms <= self.last_ms
        return own and (delta.at_ms >= self.entered_ms or delta.reason == BY_HAND)

    def add(self, delta: Delta) -> None:
        """Add one delta of this day."""
        if self.moves_inside(delta):
            self.inside += delta.inside
        if delta.reason == BY_HAND:
            self.entered_ms = delta.at_ms
            return
        if delta.left_out:
            self.exits[delta.at_ms // MINUTE_MS] += delta.left_out
        if delta.persons:
            self.persons += delta.persons
            self.came[delta.at_ms // MINUTE_MS] += delta.persons
        self.left_out += delta.left_out
        gate = self.gates[delta.gate_id]
        gate.people += delta.people
        gate.entered += delta.entered
        gate.left_out += delta.left_out
        gate.minutes[delta.at_ms // MINUTE_MS] += delta.entered
        if delta.reason.startswith(COUNTED):
            self.counted[delta.reason.removeprefix(COUNTED)] += delta.entered
        else:
            self.scans += delta.scans
            gate.scans += delta.scans
            gate.reasons[delta.reason] += delta.scans
            if delta.reason in CALLS:
                gate.calls[delta.at_ms // MINUTE_MS] += delta.scans
        if delta.deal_no is not None and delta.persons:
            self.deals[delta.deal_no] += delta.persons


COUNTED = "counted:"
"""Prefix of the reason under which people without a voucher are counted, before their kind."""

# Who leaves is let out all the same, and waits for nobody.
CALLS = frozenset(
    reason.value
    for reason, outcome in OUTCOMES.items()
    if outcome is Outcome.REFER and reason is not Reason.NOT_INSIDE
)
"""Reasons with which a scan makes somebody wait for a human."""

BY_HAND = "occupancy:by_hand"
"""The reason of a delta that sets who is inside; it is of no gate, and no minute counts it."""


class Tallies:
    """Today's counts, the latest decision times, and when each device scanned last.

    Read by any thread, changed by the writer.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.today = self._empty(venue.day_of(from_ms(0)))
        self.latencies_ms: dict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=LATENCIES_KEPT)
        )
        self.scanned_at: dict[str, datetime] = {}

    def turn_to(self, now: datetime) -> Day:
        """Return the counts of the running venue day, begun anew at its first instant."""
        ms = to_ms(now)
        if not self.today.first_ms <= ms <= self.today.last_ms:
            self.today = self._empty(self._venue.day_of(now))
        return self.today

    def add(self, deltas: list[Delta]) -> None:
        """Add what was just committed; what belongs to another day stands in the ledger only."""
        today = self.today
        for delta in deltas:
            if today.first_ms <= delta.at_ms <= today.last_ms:
                today.add(delta)

    def load(self, db: sqlite3.Connection, now: datetime) -> None:
        """Read today's counts and the devices' latest scans from the ledger."""
        self.scanned_at = dict(_latest_scans(db))
        self.today = day = self._empty(self._venue.day_of(now))
        bounds = (day.first_ms // MINUTE_MS, day.last_ms // MINUTE_MS)
        for minute, gate_id, *rest in db.execute(
            "SELECT minute, gate_id, reason, scans, entered, left_out, people, persons, inside"
            " FROM counters WHERE minute BETWEEN ? AND ?",
            bounds,
        ):
            day.add(Delta(minute * MINUTE_MS, gate_id, *rest))
        hours = (day.first_ms // HOUR_MS, day.last_ms // HOUR_MS)
        for deal_no, persons in db.execute(
            "SELECT deal_no, SUM(persons) FROM deal_counters WHERE hour BETWEEN ? AND ? GROUP BY 1",
            hours,
        ):
            day.deals[deal_no] = persons
        change, entered_ms = db.execute(_ENTERED, (day.first_ms, day.last_ms)).fetchone()
        day.inside, day.entered_ms = day.inside + change, entered_ms

    def _empty(self, day: date) -> Day:
        first, last = self._venue.day_bounds(day)
        return Day(day, to_ms(first), to_ms(last))


def _latest_scans(db: sqlite3.Connection) -> Iterator[tuple[str, datetime]]:
    sql = (
        "SELECT device_id, MAX(received_at) FROM scans"
        " WHERE scan_id > (SELECT revision FROM venue) - ? GROUP BY device_id"
    )
    for device_id, at in db.execute(sql, (SCANS_LOOKED_AT,)):
        yield device_id, from_ms(at)


_MINUTES = """
INSERT INTO counters (minute, gate_id, reason, scans, entered, left_out, people, persons, inside)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (minute, gate_id, reason) DO UPDATE SET
    scans = scans + excluded.scans, entered = entered + excluded.entered,
    left_out = left_out + excluded.left_out, people = people + excluded.people,
    persons = persons + excluded.persons, inside = inside + excluded.inside
"""
_DEALS = """
INSERT INTO deal_counters (hour, deal_no, scans, entered, persons, refused, referred)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hour, deal_no) DO UPDATE SET
    scans = scans + excluded.scans, entered = entered + excluded.entered,
    persons = persons + excluded.persons, refused = refused + excluded.refused,
    referred = referred + excluded.referred
"""

_ENTERED = (
    "SELECT COALESCE(SUM(change), 0), COALESCE(MAX(at), 0) FROM occupancy_entries"
    " WHERE at BETWEEN ? AND ?"
)
_SEEN_BY_HAND = (
    "UPDATE occupancy_entries SET change = change - ?"
    " WHERE revision = (SELECT MAX(revision) FROM occupancy_entries WHERE at BETWEEN ? AND ?)"
)


def write_seen_by_hand(db: sqlite3.Connection, day: Day, deltas: list[Delta]) -> None:
    """Take off what comes in only now from before an entry by hand: whoever counted had seen it."""
    own = [delta for delta in deltas if day.first_ms <= delta.at_ms <= day.last_ms]
    seen = sum(delta.inside for delta in own if not day.moves_inside(delta))
    if seen:
        db.execute(_SEEN_BY_HAND, (seen, day.first_ms, day.last_ms))


def write(db: sqlite3.Connection, deltas: list[Delta]) -> None:
    """Add a group's deltas to the ledger's counters, one statement a row that changes."""
    minutes: dict[tuple[int, str, str], list[int]] = {}
    deals: dict[tuple[int, int], list[int]] = {}
    for d in deltas:
        if d.reason == BY_HAND:
            continue
        adds = (d.scans, d.entered, d.left_out, d.people, d.persons, d.inside)
        _sum(minutes, (d.at_ms // MINUTE_MS, d.gate_id, d.reason), adds)
        if d.deal_no is not None:
            refused, referred = int(d.outcome == "refuse"), int(d.outcome == "refer")
            by_deal = (d.scans, d.entered, d.persons, refused, referred)
            _sum(deals, (d.at_ms // HOUR_MS, d.deal_no), by_deal)
    db.executemany(_MINUTES, [(*key, *sums) for key, sums in minutes.items()])
    if deals:
        db.executemany(_DEALS, [(*key, *sums) for key, sums in deals.items()])


def _sum(sums: dict[K, list[int]], key: K, adds: tuple[int, ...]) -> None:
    found = sums.get(key)
    if found is None:
        sums[key] = list(adds)
    else:
        for index, value in enumerate(adds):
            found[index] += value
