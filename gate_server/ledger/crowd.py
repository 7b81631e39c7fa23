"""The crowd in the ledger: counts of queues, occupancy entered by hand, past days, what is sold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from admission.calendar import Venue, from_ms, to_ms
from admission.crowd import OccupancyEntry
from admission.crowd_forecast import SLOT_MINUTES
from admission.crowd_queues import BEST_MINUTES, QueueCount
from admission.errors import Fault, InvalidInput
from admission.scans import Gate
from gate_server.ledger.sales import QUARTER_MS, UNKNOWN
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import BY_HAND, HOUR_MS, MINUTE_MS, Delta

MOST_COUNTS: Final = 400
_PLACES: Final = "SELECT area, gate_id, people, counted_at FROM queue_counts"
# Added up by SQLite, which lets scans go on meanwhile: few rows come out.
_SLOTS: Final = (
    f"SELECT (minute - ?1) / {SLOT_MINUTES}, SUM(persons), SUM(left_out) FROM counters"  # noqa: S608
    " WHERE minute BETWEEN ?1 AND ?2 GROUP BY 1"
)
_BEST: Final = (
    "SELECT gate_id, MAX(people) FROM (SELECT gate_id, SUM(entered) AS people FROM counters"  # noqa: S608
    f" WHERE minute BETWEEN ? AND ? GROUP BY gate_id, minute / {BEST_MINUTES}) GROUP BY 1"
)
_PERSONS: Final = (
    "SELECT deal_no, SUM(persons) FROM deal_counters WHERE hour BETWEEN ? AND ? GROUP BY 1"
)
_BEFORE: Final = "SELECT deal_no, SUM(persons) FROM deal_counters WHERE hour < ? GROUP BY 1"
_WINDOWS: Final = (
    "SELECT deal_no, from_quarter, until_quarter, people FROM sale_windows WHERE people > 0"
    " AND (until_quarter = -1 OR until_quarter >= ?) AND (from_quarter = -1 OR from_quarter <= ?)"
)
_OVER: Final = (
    "SELECT deal_no, SUM(people) FROM sale_windows WHERE people > 0"
    " AND until_quarter BETWEEN 0 AND ? GROUP BY 1"
)

# By the index of schema_surges.py, in its own terms: without it every audit row would be read.
_EVACUATION: Final = """
SELECT revision, body ->> 'at', body ->> 'on' FROM audit INDEXED BY audit_deeds WHERE kind IN
    ('emergency', 'gate_state', 'hold', 'override', 'release', 'restore_deal', 'void')
    AND kind = 'emergency' AND revision > ? ORDER BY revision DESC LIMIT 1
"""


def record_queue_count(
    tx: Session,
    people: int,
    *,
    area: str | None,
    gate_id: str | None,
    counted_at: datetime,
    by: str,
    operator: str | None = None,
) -> QueueCount:
    """Record how many people staff counted in a queue.

    Args:
        area: None: the gate's; `gate_id` None: the queue of the whole area.

    Raises:
        InvalidInput: no such place.
    """
    place = _place(tx.catalogue.gates.values(), area, gate_id)
    at_ms = to_ms(counted_at)
    fields = {"area": place, "gate_id": gate_id, "people": people, "counted_at": at_ms, "by": by}
    personal = {} if operator is None else {"operator": operator}
    revision = tx.record_event("queue_count", fields, personal=personal)
    tx.db.execute(
        "INSERT INTO queue_counts (count_id, area, gate_id, people, counted_at, made_at, made_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (revision, place, gate_id, people, at_ms, to_ms(tx.clock()), by),
    )
    return QueueCount(place, gate_id, people, counted_at)


def _place(gates: Iterable[Gate], area: str | None, gate_id: str | None) -> str:
    known = {gate.gate_id: gate.area for gate in gates}
    if gate_id is not None and gate_id not in known:
        raise InvalidInput("gate_id", "there is no such gate", Fault.UNKNOWN, gate_id)
    if gate_id is not None and area not in {None, known[gate_id]}:
        raise InvalidInput(
            "area", f"gate {gate_id} is of area {known[gate_id]}", Fault.CONTRADICTION
        )
    if gate_id is not None:
        return known[gate_id]
    areas = set(known.values())
    if area is None and len(areas) == 1:
        return areas.pop()
    if area is None:
        raise InvalidInput("area", "say which queue: an area, or a gate", Fault.MISSING)
    if area not in areas:
        raise InvalidInput("area", "no gate leads there", Fault.UNKNOWN, area)
    return area


def list_queue_counts(db: sqlite3.Connection, since: datetime) -> list[QueueCount]:
    """Return the latest counts since an instant, the oldest first."""
    sql = f"{_PLACES} WHERE counted_at >= ? ORDER BY counted_at DESC LIMIT {MOST_COUNTS}"
    rows = db.execute(sql, (to_ms(since),)).fetchall()
    return [QueueCount(area, gate, people, from_ms(at)) for area, gate, people, at in rows[::-1]]


@dataclass(frozen=True, slots=True)
class Entered:
    """An occupancy that was entered by hand, and what it was before."""

    entry: OccupancyEntry
    before: int


def enter_occupancy(tx: Session, people: int, *, reason: str, by: str, now: datetime) -> Entered:
    """Set how many people are inside from now on; what is counted later adds to it."""
    before = tx.inside
    fields = {"people": people, "before": before, "by": by, "reason": reason}
    revision = tx.record_event("occupancy", fields)
    tx.db.execute(
        "INSERT INTO occupancy_entries (revision, people, change, at, made_by, reason)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (revision, people, people - before, to_ms(now), by, reason),
    )
    tx.count(Delta(to_ms(now), "", BY_HAND, inside=people - before))
    return Entered(OccupancyEntry(people, now, by), before)


def find_entry(db: sqlite3.Connection, first_ms: int, last_ms: int) -> OccupancyEntry | None:
    """Return the last occupancy entered by hand within a time."""
    row = db.execute(
        "SELECT people, at, made_by FROM occupancy_entries WHERE at BETWEEN ? AND ?"
        " ORDER BY revision DESC LIMIT 1",
        (first_ms, last_ms),
    ).fetchone()
    return None if row is None else OccupancyEntry(row[0], from_ms(row[1]), row[2])


class Evacuation(NamedTuple):
    """The last order that began or ended an evacuation; `on`: that began one."""

    revision: int
    at: datetime
    on: bool


def find_evacuation(db: sqlite3.Connection, after: int) -> Evacuation | None:
    """Return the last order about an evacuation that came after a revision."""
    row = db.execute(_EVACUATION, (after,)).fetchone()
    return None if row is None else Evacuation(row[0], from_ms(row[1]), bool(row[2]))


@dataclass(frozen=True, slots=True)
class DayCounts:
    """One venue day by its counters.

    Attributes:
        arrivals, exits: persons new, and people who left, by slots of a quarter of an hour.
        best: people a minute that each gate kept up for ten minutes by the clock.
        deals: persons by deal number.
    """

    arrivals: tuple[int, ...]
    exits: tuple[int, ...]
    best: dict[str, float]
    deals: dict[int, int]


def read_day(db: sqlite3.Connection, venue: Venue, day: date) -> DayCounts:
    """Return what the counters say of a venue day; never reads a scan."""
    first, last = (to_ms(at) // MINUTE_MS for at in venue.day_bounds(day))
    slots = -(-(last - first + 1) // SLOT_MINUTES)
    arrivals, exits = [0] * slots, [0] * slots
    for slot, persons, left_out in db.execute(_SLOTS, (first, last)):
        arrivals[slot], exits[slot] = persons, left_out
    best = {gate: people / BEST_MINUTES for gate, people in db.execute(_BEST, (first, last))}
    hours = first * MINUTE_MS // HOUR_MS, last * MINUTE_MS // HOUR_MS
    deals = dict(db.execute(_PERSONS, hours).fetchall())
    return DayCounts(tuple(arrivals), tuple(exits), best, deals)


class SoldWindow(NamedTuple):
    """People who hold vouchers of a deal for one span; None: the deal's own bound."""

    deal_no: int
    valid_from: datetime | None
    valid_until: datetime | None
    people: int


def list_windows(db: sqlite3.Connection, first: datetime, last: datetime) -> list[SoldWindow]:
    """Return for which spans that meet a time people hold vouchers, from counters of sales."""
    return [
        SoldWindow(
            deal_no,
            None if begin == UNKNOWN else from_ms(begin * QUARTER_MS),
            None if end == UNKNOWN else from_ms((end + 1) * QUARTER_MS - 1),
            people,
        )
        for deal_no, begin, end, people in db.execute(_WINDOWS, (_quarter(first), _quarter(last)))
    ]


def list_over(db: sqlite3.Connection, first: datetime) -> dict[int, int]:
    """Return the people who held vouchers whose own span was over by an instant, by deal."""
    return dict(db.execute(_OVER, (_quarter(first) - 1,)).fetchall())


def list_came_before(db: sqlite3.Connection, first: datetime) -> dict[int, int]:
    """Return the persons who came before a venue day's first instant, by deal."""
    return dict(db.execute(_BEFORE, (to_ms(first) // HOUR_MS,)).fetchall())


def _quarter(at: datetime) -> int:
    return to_ms(at) // QUARTER_MS
