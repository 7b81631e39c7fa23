"""Add the per-minute counters up again from the recorded scans and counts, and compare."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

from admission.calendar import Venue, to_ms
from admission.history import Record, Terms, fold
from gate_server.ledger.catalogue import DEAL_COLUMNS, read_deal
from gate_server.ledger.lanes import passed
from gate_server.ledger.scans import read_record
from gate_server.ledger.tallies import MINUTE_MS

Minute: TypeAlias = tuple[int, str]
"""A minute since 1970 and a gate."""

# A passage counts in the minute in which people passed: at the override where there was one.
_PASSED = f"""
SELECT minute, gate_id, SUM(scans), SUM(entered), SUM(left_out) FROM (
    SELECT scan_at / 60000 AS minute, gate_id, 1 AS scans, 0 AS entered, 0 AS left_out FROM scans
    UNION ALL
    SELECT COALESCE(overridden_at, scan_at) / 60000, gate_id, 0,
        IIF(direction = 'entry' AND (mode <> 'arrive' OR overridden), passed, 0),
        IIF(direction = 'exit', passed, 0)
    FROM (SELECT *, {passed("")} AS passed FROM scans)
    UNION ALL
    SELECT counted_at / 60000, gate_id, 1, IIF(direction = 'entry', people - annulled, 0),
        IIF(direction = 'exit', people - annulled, 0)
    FROM counts
) GROUP BY 1, 2
"""  # noqa: S608 - names of ours
_COUNTED = """
SELECT minute, gate_id, SUM(scans), SUM(entered), SUM(left_out), SUM(people), SUM(persons),
    SUM(inside) FROM counters GROUP BY 1, 2
"""
# A scan that came before its voucher counts for the one voucher that its key finds now.
_PASSAGES = """
SELECT COALESCE(s.voucher_id, (
    SELECT IIF(COUNT(*) = 1, MIN(voucher_id), NULL) FROM (
        SELECT voucher_id FROM vouchers WHERE credential_key = s.credential_key
        UNION SELECT voucher_id FROM credentials
        WHERE key = s.credential_key AND kind <> 'order')
    ), s.credential_key, -s.scan_id) AS whose,
    s.scan_id, s.device_id, s.nonce, s.scan_at, s.gate_id, s.area,
    COALESCE(s.shown_reason, s.reason), s.mode, s.direction, COALESCE(s.shown_people, s.people),
    s.party, s.staffed, s.annulled, s.annuls, s.annulled_at, s.overridden,
    s.overridden_at, s.struck_at, s.turned, s.moved, s.attested_at
FROM scans s
WHERE (COALESCE(s.shown_people, s.people) > 0 AND s.mode <> 'arrive') OR s.overridden > 0
ORDER BY whose
"""


def differences(db: sqlite3.Connection, venue: Venue) -> list[str]:
    """Return where the counters are not what the scans add up to; empty where all agree."""
    found: dict[Minute, list[int]] = defaultdict(lambda: [0] * 6)
    for minute, gate_id, *sums in db.execute(_PASSED):
        found[minute, gate_id][:3] = sums
    unsure = _add_shares(db, venue, found)
    _add_counts(db, found)
    stored: dict[Minute, list[int]] = defaultdict(lambda: [0] * 6)
    for minute, gate_id, *sums in db.execute(_COUNTED):
        stored[minute, gate_id] = sums
    names = ("scans", "entered", "left", "people", "persons", "inside")
    problems = []
    for key in sorted(set(found) | set(stored)):
        compared = 3 if key in unsure else 6
        for name, ours, theirs in list(zip(names, found[key], stored[key], strict=True))[:compared]:
            if ours != theirs:
                problems.append(f"gate {key[1]}, minute {key[0]}: {name} {theirs}, not {ours}")
    return problems


def _add_shares(
    db: sqlite3.Connection, venue: Venue, found: dict[Minute, list[int]]
) -> set[Minute]:
    """Add what each passage adds to the persons; return the minutes that cannot be told now.

    Those are of vouchers whose admits, rights or re-entry may have changed since: the counters
    keep what was right at the time.
    """
    unsure: set[Minute] = set()
    for terms, changed_at, records in _histories(db):
        shares = fold(records, terms, venue).shares
        for record in records:
            share = shares.get((record.device_id, record.nonce))
            if share is None:
                continue
            key = to_ms(record.passed_at) // MINUTE_MS, record.gate_id
            if changed_at:
                unsure.add(key)
            for index, value in enumerate((share.people, share.persons, share.inside), 3):
                found[key][index] += value
    return unsure


def _add_counts(db: sqlite3.Connection, found: dict[Minute, list[int]]) -> None:
    sql = "SELECT counted_at / 60000, gate_id, direction, people - annulled FROM counts"
    for minute, gate_id, direction, people in db.execute(sql):
        sums = found[minute, gate_id]
        if direction == "entry":
            sums[3] += people
            sums[4] += people
        sums[5] += people if direction == "entry" else -people


def _histories(db: sqlite3.Connection) -> Iterator[tuple[Terms, bool, list[Record]]]:
    """Yield the terms, whether they are younger than a scan, and the passages of each voucher."""
    deals = {
        row[0]: (read_deal(row), int(row[-1]))
        for row in db.execute(f"SELECT {DEAL_COLUMNS}, revision FROM deals")  # noqa: S608
    }
    for whose, rows in groupby(db.execute(_PASSAGES), key=lambda row: row[0]):
        scans = list(rows)
        records, first = [read_record(row[2:]) for row in scans], min(row[1] for row in scans)
        sql = "SELECT deal_no, admits, revision FROM vouchers WHERE "
        if isinstance(whose, int):
            found = db.execute(f"{sql} voucher_id = ?", (whose,)).fetchall()
        else:
            found = db.execute(f"{sql} credential_key = ?", (whose,)).fetchall()
        if not found:
            yield Terms(), False, records
            continue
        deal_no, admits, revision = found[0]
        deal, changed = deals[deal_no]
        younger = len(found) > 1 or max(changed, revision) > first
        yield Terms(admits, deal.reentry, deal.rights), younger, records
