"""Counters of each lane: per quarter of an hour, gate, device, operator and reason.

Written in the transaction of what they count, so that a hand-over sheet never reads the scans. A
quarter, because every time zone's days begin at one.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from admission.calendar import to_ms
from admission.history import Record
from admission.scans import Direction
from admission.verdicts import Reason
from admission.wire_passage import ReportKind

QUARTER_MS: Final = 900_000
FAULT: Final = "fault:"
"""Prefix of the reason under which what a lane reports of its turnstile counts, before its kind."""
TICKET: Final = "ticket:"
"""Prefix of the reason under which tickets count, one each."""
ISSUED, REPRINTED, ANNULLED = (TICKET + done for done in ("issued", "reprinted", "annulled"))

Lane: TypeAlias = tuple[int, str, str, str, str]
"""Quarter, gate, device, operator ("" for nobody) and reason."""


@dataclass(slots=True)
class LaneDelta:
    """What one recorded scan, count or correction adds to its lane.

    Attributes:
        operator: who stood there when it was scanned; "" where nobody had signed in.
        reason: of a count, `counted:` and its kind; see also TICKET and FAULT.
        entered, left_out: people in and out; taken back ones are subtracted.
        taken_back: people who were let in and did not pass here after all.
    """

    at_ms: int
    gate_id: str
    device_id: str
    operator: str
    reason: str
    scans: int = 0
    offline: int = 0
    entered: int = 0
    left_out: int = 0
    overrides: int = 0
    annuls: int = 0
    taken_back: int = 0


def correction(
    before: Record, after: Record, operator: str | None, *, overrides: int = 0, annuls: int = 0
) -> LaneDelta:
    """Return what changes at a lane where a recorded scan comes to stand for something else.

    Whatever it was: an annulment, an override, a move, somebody who turned late.

    Args:
        operator: of the scan.
    """
    reason = Reason.OVERRIDDEN if after.overridden else after.reason
    at = to_ms(after.passed_at), after.gate_id, after.device_id, operator or "", reason.value
    delta = LaneDelta(*at, overrides=overrides, annuls=annuls)
    delta.taken_back = _taken_back(after) - _taken_back(before)
    if after.direction is Direction.EXIT:
        delta.left_out = after.passed - before.passed
    else:
        delta.entered = after.passed - before.passed
    return delta


def _taken_back(record: Record) -> int:
    return (record.overridden or record.people) - record.passed


_WRITE = """
INSERT INTO lane_counters (quarter, gate_id, device_id, operator, reason, scans, offline, entered,
    left_out, overrides, annuls, taken_back)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (quarter, gate_id, device_id, operator, reason) DO UPDATE SET
    scans = scans + excluded.scans, offline = offline + excluded.offline,
    entered = entered + excluded.entered, left_out = left_out + excluded.left_out,
    overrides = overrides + excluded.overrides, annuls = annuls + excluded.annuls,
    taken_back = taken_back + excluded.taken_back
"""


def write(db: sqlite3.Connection, deltas: list[LaneDelta]) -> None:
    """Add a group's deltas to the ledger's counters, one statement a row that changes."""
    sums: dict[Lane, list[int]] = {}
    for d in deltas:
        key = d.at_ms // QUARTER_MS, d.gate_id, d.device_id, d.operator, d.reason
        adds = (d.scans, d.offline, d.entered, d.left_out, d.overrides, d.annuls, d.taken_back)
        found = sums.get(key)
        if found is None:
            sums[key] = list(adds)
        else:
            sums[key] = [one + other for one, other in zip(found, adds, strict=True)]
    db.executemany(_WRITE, [(*key, *adds) for key, adds in sums.items()])


def passed(of: str) -> str:
    """Return the SQL for a scan's people who passed, as `Record.passed` has it.

    Args:
        of: the prefix of the scan's columns.
    """
    let_in = let_in_by(of)
    back = f"MAX({of}annulled, {of}moved)"
    return f"MAX(0, {let_in} - {back}, MIN(COALESCE({of}turned, 0), {let_in}))"


def let_in_by(of: str) -> str:
    """Return the SQL for the people whom a scan let in, as shown or by an override."""
    return f"IIF({of}overridden, {of}overridden, COALESCE({of}shown_people, {of}people))"


# A passage counts in the quarter in which people passed: at the override where there was one. A
# ticket counts at its exchange, one that was printed anew where and when that was done.
RECOUNT: Final = f"""
SELECT quarter, gate_id, device_id, operator, reason, SUM(scans), SUM(offline), SUM(entered),
    SUM(left_out), SUM(overrides), SUM(annuls), SUM(taken_back) FROM (
    SELECT scan_at / 900000 AS quarter, gate_id, device_id, COALESCE(operator, '') AS operator,
        reason, 1 AS scans, offline, 0 AS entered, 0 AS left_out, 0 AS overrides, 0 AS annuls,
        0 AS taken_back
    FROM scans
    UNION ALL
    SELECT COALESCE(overridden_at, scan_at) / 900000, gate_id, device_id, COALESCE(operator, ''),
        IIF(overridden, 'overridden', COALESCE(shown_reason, reason)), 0, 0,
        IIF(direction = 'entry' AND (mode <> 'arrive' OR overridden), passed, 0),
        IIF(direction = 'exit', passed, 0), overridden > 0, annuls, let_in - passed
    FROM (SELECT *, {passed("")} AS passed, {let_in_by("")} AS let_in FROM scans)
    WHERE let_in > 0 OR annuls > 0
    UNION ALL
    SELECT counted_at / 900000, gate_id, counted_by, COALESCE(operator, ''), 'counted:' || kind, 1,
        0, IIF(direction = 'entry', people - annulled, 0),
        IIF(direction = 'exit', people - annulled, 0), 0, 0, annulled
    FROM counts
    UNION ALL
    SELECT s.scan_at / 900000, s.gate_id, s.device_id, COALESCE(s.operator, ''),
        IIF(t.place IS NULL, '{ANNULLED}', '{ISSUED}'), 1, 0, 0, 0, 0, 0, 0
    FROM (SELECT scan_id, place FROM tickets WHERE voucher_id NOT IN (
              SELECT replaced_by FROM tickets WHERE replaced_by IS NOT NULL)
          UNION ALL
          SELECT scan_id, NULL FROM tickets WHERE dead_at IS NOT NULL AND replaced_by IS NULL) t
    JOIN scans s USING (scan_id)
    UNION ALL
    SELECT n.made_at / 900000, COALESCE(d.gate_id, s.gate_id), COALESCE(d.device_id, s.device_id),
        COALESCE(n.operator, ''), '{REPRINTED}', 1, 0, 0, 0, 0, 0, 0
    FROM tickets o JOIN tickets n ON n.voucher_id = o.replaced_by
    JOIN scans s ON s.scan_id = o.scan_id LEFT JOIN devices d ON d.device_id = n.made_by
    UNION ALL
    SELECT MIN(at, received_at) / 900000, gate_id, device_id, COALESCE(operator, ''),
        '{FAULT}' || kind, 1, 0, 0, 0, 0, 0, 0
    FROM reports WHERE kind <> '{ReportKind.CLEARED}'
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - names of ours
_STORED = """
SELECT quarter, gate_id, device_id, operator, reason, scans, offline, entered, left_out, overrides,
    annuls, taken_back FROM lane_counters
"""
_NAMES = ("scans", "offline", "entered", "left", "overrides", "annulments", "taken back")


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where the lanes' counters are not what scans and counts add up to.

    Scans are compared by reason, people are not: one whose answer was lost counts part of its
    people under each of the two reasons.
    """
    ours, theirs = _sums(db, RECOUNT), _sums(db, _STORED)
    problems = []
    for key in sorted(set(ours) | set(theirs)):
        for name, one, other in zip(_NAMES, ours[key], theirs[key], strict=True):
            if one != other:
                quarter, gate_id, device_id, operator, reason = key
                where = f"gate {gate_id}, {device_id}, operator {operator or '-'}, {reason or '*'}"
                problems.append(f"{where}, quarter {quarter}: {name} {other}, not {one}")
    return problems


def _sums(db: sqlite3.Connection, sql: str) -> dict[Lane, list[int]]:
    found: dict[Lane, list[int]] = defaultdict(lambda: [0] * len(_NAMES))
    for quarter, gate_id, device_id, operator, reason, scans, *rest in db.execute(sql):
        lane: tuple[Any, ...] = quarter, gate_id, device_id, operator
        if scans:
            found[*lane, reason][0] += scans
        for index, value in enumerate(rest, 1):
            found[*lane, ""][index] += value
    return found
