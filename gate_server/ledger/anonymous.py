"""Erase who stood at a lane: from scans, counts, tickets and reports, and from the counters.

The chain holds: a scan keeps the digest of what was erased. Its code's hash and tail stay, for the
voucher's history is found by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gate_server.ledger import lanes
from gate_server.ledger.audit import personal_digest
from gate_server.ledger.lanes import QUARTER_MS, RECOUNT, LaneDelta
from gate_server.ledger.session import Session

_IDS: Final = "IN (SELECT value FROM json_each({}))"
# The same sum that counts a whole ledger anew, over these rows alone.
_SHARE: Final = f"""
WITH scans AS (SELECT * FROM main.scans WHERE scan_id {_IDS.format("?1")}),
    counts AS (SELECT * FROM main.counts WHERE count_id {_IDS.format("?2")}),
    reports AS (SELECT * FROM main.reports WHERE report_id {_IDS.format("?3")})
{RECOUNT}
"""  # noqa: S608 - names of ours
_SCANS: Final = f"""
SELECT scan_id, salt, credential_key, tail, operator FROM scans
WHERE scan_id {_IDS.format("?1")} AND salt IS NOT NULL
"""  # noqa: S608
_ERASE: Final = "UPDATE scans SET personal = ?, salt = NULL WHERE scan_id = ?"
# What is left of a lane under a name adds up to nothing: an answer that was lost counts its people
# under two reasons.
_EMPTY: Final = """
DELETE FROM lane_counters WHERE (quarter, gate_id, device_id, operator) = (?1, ?2, ?3, ?4)
AND NOT EXISTS (
    SELECT 1 FROM lane_counters WHERE (quarter, gate_id, device_id, operator) = (?1, ?2, ?3, ?4)
    GROUP BY quarter HAVING SUM(ABS(scans)) OR SUM(offline) OR SUM(entered) OR SUM(left_out)
        OR SUM(overrides) OR SUM(annuls) OR SUM(taken_back))
"""


def erase_operators(
    tx: Session,
    *,
    scans: Sequence[int] = (),
    counts: Sequence[int] = (),
    reports: Sequence[int] = (),
) -> None:
    """Erase who did these scans, with the tickets printed by them, counts and reports."""
    ids = [msgspec.json.encode(each).decode() for each in (scans, counts, reports)]
    _unname_lanes(tx, ids)
    for scan_id, salt, *personal in tx.db.execute(_SCANS, (ids[0],)).fetchall():
        tx.db.execute(_ERASE, (personal_digest(salt, *personal), scan_id))
    sql = f"UPDATE scans SET overridden_operator = NULL WHERE scan_id {_IDS.format('?')}"  # noqa: S608
    tx.db.execute(sql, (ids[0],))
    for table, key, given in (
        ("scans", "scan_id", ids[0]),
        ("tickets", "scan_id", ids[0]),
        ("counts", "count_id", ids[1]),
        ("reports", "report_id", ids[2]),
    ):
        sql = f"UPDATE {table} SET operator = NULL WHERE {key} {_IDS.format('?')}"  # noqa: S608
        tx.db.execute(sql, (given,))


def _unname_lanes(tx: Session, ids: Sequence[str]) -> None:
    """Let the lanes' counters count under nobody's name what these rows added to them."""
    deltas, named = [], set()
    for quarter, gate_id, device_id, operator, reason, *sums in tx.db.execute(_SHARE, ids):
        if operator:
            lane = quarter * QUARTER_MS, gate_id, device_id
            deltas.append(LaneDelta(*lane, operator, reason, *(-each for each in sums)))
            deltas.append(LaneDelta(*lane, "", reason, *sums))
            named.add((quarter, gate_id, device_id, operator))
    lanes.write(tx.db, deltas)
    tx.db.executemany(_EMPTY, sorted(named))
