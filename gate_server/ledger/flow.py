"""Counters of gates by quarter of an hour, and of why a deal's scans were stopped, by hour.

Written with the scans themselves, so that figures over months read neither scans nor minutes.
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
_QUARTERS: Final = """
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
RECOUNT: Final = f"""
SELECT minute / {_MINUTES} AS quarter, gate_id, reason, SUM(scans), SUM(entered), SUM(left_out),
    SUM(people), SUM(persons)
FROM counters GROUP BY 1, 2, 3
"""  # noqa: S608 - names of ours
"""What the quarters of gates must hold, from the minutes."""


def write(db: sqlite3.Connection, deltas: Iterable[Delta]) -> None:
    """Add what a group of changes adds, one statement a row that changes."""
    quarters: dict[tuple[int, str, str], list[int]] = defaultdict(lambda: [0] * 5)
    reasons: dict[tuple[int, int, str], int] = defaultdict(int)
    for delta in deltas:
        sums = quarters[delta.at_ms // QUARTER_MS, delta.gate_id, delta.reason]
        adds = (delta.scans, delta.entered, delta.left_out, delta.people, delta.persons)
        for place, value in enumerate(adds):
            sums[place] += value
        if delta.deal_no is not None and delta.scans and delta.reason in _STOPPED:
            reasons[delta.at_ms // HOUR_MS, delta.deal_no, delta.reason] += delta.scans
    db.executemany(_QUARTERS, [(*key, *sums) for key, sums in quarters.items()])
    if reasons:
        db.executemany(_REASONS, [(*key, scans) for key, scans in reasons.items()])


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where the quarters of gates are not what the minutes add up to."""
    stored = set(db.execute("SELECT * FROM gate_quarters"))
    ought = set(db.execute(RECOUNT))
    return [
        f"gate {gate_id}, quarter {quarter}: {reason} {counts}"
        f" {'is counted, and not so' if row in stored else 'is so, and not counted'}"
        for row in sorted(stored ^ ought)
        for quarter, gate_id, reason, *counts in (row,)
    ]
