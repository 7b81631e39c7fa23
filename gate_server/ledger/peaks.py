"""The best minute and the best 60 minutes of each gate and day, kept as people come in.

A minute is looked at once it is over, not with each scan; until then it is noted as stale, on
disk too, so that a killed server goes on where it was.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

from gate_server.ledger.tallies import MINUTE_MS, Delta

HOUR_MINUTES: Final = 60
DAY_MINUTES: Final = 1440
_AHEAD: Final = HOUR_MINUTES - 1

Minutes: TypeAlias = dict[int, int]
"""People who came in, by the minute since 1970; those without anybody are left out."""


class Peak(NamedTuple):
    """The most people of a time: within one minute, or within 60 that begin with one.

    Attributes:
        minute: the first one, counted since 1970; of equals the earliest.
    """

    people: int
    minute: int


class DayPeaks(NamedTuple):
    """One gate's peaks of a day since 1970 (UTC); 60 minutes belong to the day they begin in."""

    minute: Peak
    hour: Peak


# Windows begin with somebody: one that begins with nobody is never better than the next that does.
RECOUNT: Final = f"""
WITH minutes AS (
    SELECT gate_id, minute, SUM(entered) AS people FROM counters
    GROUP BY 1, 2 HAVING SUM(entered) > 0
), windows AS (
    SELECT *, minute / {DAY_MINUTES} AS day, SUM(people) OVER (
        PARTITION BY gate_id ORDER BY minute RANGE BETWEEN CURRENT ROW AND {_AHEAD} FOLLOWING
    ) AS hour_people FROM minutes
), ranked AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY gate_id, day ORDER BY people DESC, minute) AS place,
        ROW_NUMBER() OVER (PARTITION BY gate_id, day ORDER BY hour_people DESC, minute)
        AS hour_place
    FROM windows
)
SELECT m.gate_id, m.day, m.people, m.minute, h.hour_people, h.minute
FROM ranked m JOIN ranked h USING (gate_id, day) WHERE m.place = 1 AND h.hour_place = 1
"""  # noqa: S608 - numbers of ours
"""What the peaks must be, from the minutes."""

_ENTERED: Final = (
    "SELECT gate_id, minute, SUM(entered) FROM counters WHERE minute BETWEEN ? AND ?"
    " GROUP BY 1, 2 HAVING SUM(entered) > 0"
)
_PEAKS: Final = "SELECT minute_people, minute_at, hour_people, hour_from FROM gate_peaks"
_WRITE: Final = "INSERT OR REPLACE INTO gate_peaks VALUES (?, ?, ?, ?, ?, ?)"


class Peaks:
    """Keeps the peaks; used by the writer, within its transaction."""

    def __init__(self) -> None:
        self._stale: set[tuple[str, int]] = set()
        self._looked_at = 0

    def load(self, db: sqlite3.Connection) -> None:
        """Read which minutes are still to be looked at."""
        self._stale = set(db.execute("SELECT gate_id, minute FROM stale_minutes"))
        self._looked_at = 0

    def write(self, db: sqlite3.Connection, deltas: Iterable[Delta], now_ms: int) -> None:
        """Note where people came in or were taken back; look at the minutes that are over."""
        changed = {(each.gate_id, each.at_ms // MINUTE_MS) for each in deltas if each.entered}
        fresh, minute = changed - self._stale, now_ms // MINUTE_MS
        if fresh:
            db.executemany("INSERT OR IGNORE INTO stale_minutes VALUES (?, ?)", fresh)
            self._stale |= fresh
        if minute > self._looked_at:
            self._look(db, {each for each in self._stale if each[1] < minute})
            self._looked_at = minute

    def _look(self, db: sqlite3.Connection, due: set[tuple[str, int]]) -> None:
        if not due:
            return
        gates = defaultdict(list)
        for gate_id, minute in due:
            gates[minute].append(gate_id)
        for first, last in _runs(gates):
            entered = _entered(db, first - _AHEAD, last + _AHEAD)
            near = {each for minute in range(first, last + 1) for each in gates.get(minute, ())}
            for gate_id in sorted(near):
                _renew(db, gate_id, entered[gate_id], first, last)
        db.executemany("DELETE FROM stale_minutes WHERE (gate_id, minute) = (?, ?)", due)
        self._stale -= due


def _runs(minutes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of minutes that lie less than an hour apart."""
    ordered = sorted(minutes)
    first = last = ordered[0]
    for minute in ordered[1:]:
        if minute - last > HOUR_MINUTES:
            yield first, last
            first = minute
        last = minute
    yield first, last


def _entered(db: sqlite3.Connection, first: int, last: int) -> dict[str, Minutes]:
    found: dict[str, Minutes] = defaultdict(dict)
    for gate_id, minute, people in db.execute(_ENTERED, (first, last)):
        found[gate_id][minute] = people
    return found


def find_peaks(minutes: Minutes, first: int, last: int) -> DayPeaks | None:
    """Return the peaks that begin from `first` to `last`; None where nobody came in.

    Args:
        minutes: whole as far as 59 minutes after `last`.
    """
    ordered = sorted(minutes)
    best_minute, best_hour, people, ahead = Peak(0, 0), Peak(0, 0), 0, 0
    for minute in ordered:
        while ahead < len(ordered) and ordered[ahead] < minute + HOUR_MINUTES:
            people += minutes[ordered[ahead]]
            ahead += 1
        if first <= minute <= last:
            if minutes[minute] > best_minute.people:
                best_minute = Peak(minutes[minute], minute)
            if people > best_hour.people:
                best_hour = Peak(people, minute)
        people -= minutes[minute]
    return DayPeaks(best_minute, best_hour) if best_hour.people else None


def _renew(db: sqlite3.Connection, gate_id: str, minutes: Minutes, first: int, last: int) -> None:
    """Write the peaks of each day that minutes from `first` to `last` count in."""
    for day in range((first - _AHEAD) // DAY_MINUTES, last // DAY_MINUTES + 1):
        begin, end = day * DAY_MINUTES, (day + 1) * DAY_MINUTES - 1
        low, high = max(first - _AHEAD, begin), min(last, end)
        found, stored = find_peaks(minutes, low, high), _stored(db, gate_id, day)
        if stored is not None and any(low <= each.minute <= high for each in stored):
            # What was best may have been taken back: then the day's next best is.
            found = find_peaks(_entered(db, begin, end + _AHEAD)[gate_id], begin, end)
        elif stored is not None:
            found = best_of(each for each in (found, stored) if each is not None)
        if found is None:
            db.execute("DELETE FROM gate_peaks WHERE (gate_id, day) = (?, ?)", (gate_id, day))
        elif found != stored:
            db.execute(_WRITE, (gate_id, day, *found.minute, *found.hour))


def _rank(peak: Peak) -> tuple[int, int]:
    return peak.people, -peak.minute


def _stored(db: sqlite3.Connection, gate_id: str, day: int) -> DayPeaks | None:
    row = db.execute(f"{_PEAKS} WHERE (gate_id, day) = (?, ?)", (gate_id, day)).fetchone()
    return None if row is None else DayPeaks(Peak(*row[:2]), Peak(*row[2:]))


def find_records(db: sqlite3.Connection, gate_id: str) -> DayPeaks | None:
    """Return a gate's best minute and best 60 minutes of all days; None before anybody came."""
    rows = db.execute(f"{_PEAKS} WHERE gate_id = ?", (gate_id,)).fetchall()
    return best_of([DayPeaks(Peak(*row[:2]), Peak(*row[2:])) for row in rows])


def best_of(days: Iterable[DayPeaks]) -> DayPeaks | None:
    """Return the best minute and the best 60 minutes of some days; of equals the earliest."""
    peaks = list(zip(*days, strict=True))
    return DayPeaks(*(max(each, key=_rank) for each in peaks)) if peaks else None


def differences(db: sqlite3.Connection) -> list[str]:
    """Return which days' peaks are not what the minutes say; those still stale are left out."""
    stale = set(
        db.execute(
            f"SELECT gate_id, (minute - {_AHEAD}) / {DAY_MINUTES} FROM stale_minutes"  # noqa: S608
            f" UNION SELECT gate_id, minute / {DAY_MINUTES} FROM stale_minutes"
        )
    )
    found = set(db.execute("SELECT * FROM gate_peaks")) ^ set(db.execute(RECOUNT))
    days = sorted({row[:2] for row in found} - stale)
    return [f"peaks of gate {gate_id} on day {day} are not the minutes'" for gate_id, day in days]
