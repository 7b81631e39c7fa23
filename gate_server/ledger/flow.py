"""Counters of gates by quarter of an hour, and of why a deal's scans were stopped, by hour.

So that figures over months read neither scans nor minutes. A quarter is summed up from its minutes
once it is over; until then its minutes are read, so that a scan pays nothing for it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from admission.verdicts import OUTCOMES, Outcome
from gate_server.ledger.lanes import QUARTER_MS
from gate_server.ledger.tallies import HOUR_MS, MINUTE_MS, Delta

STOPPED: Final = tuple(
    reason.value for reason, outcome in OUTCOMES.items() if outcome is not Outcome.ADMIT
)
"""Why somebody is not let in at once: refused, referred or asked to wait."""

_STOPPED: Final = frozenset(STOPPED)
_MINUTES: Final = QUARTER_MS // MINUTE_MS
_SUMS: Final = (
    f"SELECT minute / {_MINUTES} AS quarter, gate_id, reason, SUM(scans), SUM(entered),"  # noqa: S608
    " SUM(left_out), SUM(people), SUM(persons) FROM counters"
)
RECOUNT: Final = f"{_SUMS} GROUP BY 1, 2, 3"
"""What the quarters of gates must hold, from the minutes."""

_OVER: Final = (
    f"{_SUMS} WHERE minute >= ?1 * {_MINUTES} AND minute < ?2 * {_MINUTES} GROUP BY 1, 2, 3"
)
QUARTERS: Final = f"""
SELECT * FROM gate_quarters
WHERE quarter BETWEEN ?1 AND ?2 AND quarter < (SELECT summed_until FROM venue)
UNION ALL {_SUMS} WHERE minute < (?2 + 1) * {_MINUTES}
    AND minute >= MAX(?1, (SELECT summed_until FROM venue)) * {_MINUTES} GROUP BY 1, 2, 3
"""  # noqa: S608 - numbers of ours
"""The quarters from ?1 to ?2, those that are not over too."""

_LATE: Final = """
INSERT INTO gate_quarters (quarter, gate_id, reason, scans, entered, left_out, people, persons)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (quarter, gate_id, reason) DO UPDATE SET
    scans = scans + excluded.scans, entered = entered + excluded.entered,
    left_out = left_out + excluded.left_out, people = people + excluded.people,
    persons = persons + excluded.persons
"""
_REASONS: Final = """
INSERT INTO deal_reasons (hour, deal_no, reason, scans) VALUES (?, ?, ?, ?)
ON CONFLICT (hour, deal_no, reason) DO UPDATE SET scans = scans + excluded.scans
"""


class Flow:
    """Keeps the counters; used by the writer, within its transaction, after the minutes."""

    def __init__(self) -> None:
        self._summed_until = 0

    def load(self, db: sqlite3.Connection) -> None:
        """Read up to which quarter they are summed up."""
        row = db.execute("SELECT summed_until FROM venue").fetchone()
        self._summed_until = 0 if row is None else row[0]

    def write(self, db: sqlite3.Connection, deltas: Iterable[Delta], now_ms: int) -> None:
        """Add what comes late to its quarter, sum up quarters that are over, count the reasons."""
        late: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0] * 5)
        reasons: dict[tuple[int, int, str], int] = defaultdict(int)
        for delta in deltas:
            quarter = delta.at_ms // QUARTER_MS
            if quarter < self._summed_until:
                sums = late[quarter, delta.gate_id, delta.reason]
                adds = (delta.scans, delta.entered, delta.left_out, delta.people, delta.persons)
                for place, value in enumerate(adds):
                    sums[place] += value
            if delta.reason in _STOPPED and delta.deal_no is not None and delta.scans:
                reasons[delta.at_ms // HOUR_MS, delta.deal_no, delta.reason] += delta.scans
        if late:
            db.executemany(_LATE, [(*key, *sums) for key, sums in late.items()])
        if reasons:
            db.executemany(_REASONS, [(*key, scans) for key, scans in reasons.items()])
        self._sum_up(db, now_ms // QUARTER_MS)

    def _sum_up(self, db: sqlite3.Connection, quarter: int) -> None:
        if quarter <= self._summed_until:
            return
        db.execute(f"INSERT INTO gate_quarters {_OVER}", (self._summed_until, quarter))
        db.execute("UPDATE venue SET summed_until = ?", (quarter,))
        self._summed_until = quarter


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where the quarters of gates are not what the minutes add up to."""
    until = db.execute("SELECT summed_until FROM venue").fetchone()[0]
    stored = set(db.execute("SELECT * FROM gate_quarters"))
    ought = {row for row in db.execute(RECOUNT) if row[0] < until}
    return [
        f"gate {gate_id}, quarter {quarter}: {reason} {counts}"
        f" {'is counted, and not so' if row in stored else 'is so, and not counted'}"
        for row in sorted(stored ^ ought)
        for quarter, gate_id, reason, *counts in (row,)
    ]
