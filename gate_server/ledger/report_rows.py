"""Read for an after-action report what counters say of a time; of scans only the stamps."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from admission.calendar import to_ms
from admission.surges import DealScans
from admission.verdicts import OUTCOMES, Outcome, Reason
from gate_server.ledger.deal_slots import SLOT_MS, read_slots
from gate_server.ledger.lanes import FAULT, QUARTER_MS, TICKET
from gate_server.ledger.tallies import MINUTE_MS

_BESIDE: Final = (FAULT, TICKET)
_STAMPS: Final = """
SELECT s.scan_at, s.credential_key, s.voucher_id, v.deal_no, s.reason,
    s.arrival_number IS NOT NULL AND s.struck_at IS NULL
FROM json_each(?1) d JOIN scans s ON s.device_id = d.value
LEFT JOIN vouchers v ON v.voucher_id = s.voucher_id
WHERE s.mode = 'arrive' AND s.scan_at BETWEEN ?2 AND ?3 ORDER BY s.scan_at
"""
_AT_GATES: Final = """
SELECT scan_at, COALESCE(shown_reason, reason), overridden_at FROM scans
WHERE credential_key IN (SELECT ?1 UNION
        SELECT key FROM credentials WHERE voucher_id = ?2 AND kind <> 'order')
    AND direction = 'entry' AND mode <> 'arrive' AND scan_at >= ?3
"""


class GateQuarter(NamedTuple):
    """Scans of one reason at one gate in a quarter of an hour, counted since 1970."""

    quarter: int
    gate_id: str
    reason: str
    scans: int
    entered: int


class StampRow(NamedTuple):
    """One stamp of a marshal.

    Attributes:
        at_ms: when it was made, milliseconds since 1970.
        counts: it proves an arrival: it has a number and was not struck.
    """

    at_ms: int
    key: bytes | None
    voucher_id: int | None
    deal_no: int | None
    reason: str
    counts: bool


def list_quarters(
    db: sqlite3.Connection, first: datetime, last: datetime, marshals: Collection[str]
) -> tuple[list[GateQuarter], int]:
    """Return what was scanned by quarter, gate and reason, and the overrides; no stamps.

    A stamp counts under the reason that the gate would have said, so devices are told apart.
    """
    rows = db.execute(
        "SELECT quarter, gate_id, device_id, reason, SUM(scans), SUM(entered), SUM(overrides)"
        " FROM lane_counters WHERE quarter BETWEEN ? AND ? GROUP BY 1, 2, 3, 4",
        (to_ms(first) // QUARTER_MS, to_ms(last) // QUARTER_MS),
    )
    sums: dict[tuple[int, str, str], list[int]] = {}
    overridden = 0
    for quarter, gate_id, device_id, reason, scans, entered, overrides in rows:
        overridden += overrides
        if reason.startswith(_BESIDE) or device_id in marshals:
            continue
        found = sums.setdefault((quarter, gate_id, reason), [0, 0])
        found[0] += scans
        found[1] += entered
    return [GateQuarter(*key, *counts) for key, counts in sums.items()], overridden


def list_stamps(
    db: sqlite3.Connection, first: datetime, last: datetime, marshals: Collection[str]
) -> list[StampRow]:
    """Return every stamp of marshals in a time, in its order; whole slots at both ends."""
    begin, end = to_ms(first) // SLOT_MS * SLOT_MS, (to_ms(last) // SLOT_MS + 1) * SLOT_MS - 1
    devices = msgspec.json.encode(sorted(marshals)).decode()
    return [StampRow(*row) for row in db.execute(_STAMPS, (devices, begin, end))]


def list_left(db: sqlite3.Connection, stamps: Sequence[StampRow]) -> list[int | None]:
    """Return when each stamped voucher left the queue: let in, or refused, at a gate since."""
    return [_left_at(db, stamp) for stamp in stamps]


def _left_at(db: sqlite3.Connection, stamp: StampRow) -> int | None:
    decided = (Outcome.ADMIT, Outcome.REFUSE)
    rows = db.execute(_AT_GATES, (stamp.key, stamp.voucher_id, stamp.at_ms))
    ends = [
        scan_at if OUTCOMES[Reason(reason)] in decided else overridden_at
        for scan_at, reason, overridden_at in rows
    ]
    return min((end for end in ends if end is not None), default=None)


def list_entered(
    db: sqlite3.Connection, first: datetime, last: datetime
) -> list[tuple[int, str, int]]:
    """Return minute, gate and the people who came in."""
    return db.execute(
        "SELECT minute, gate_id, SUM(entered) FROM counters WHERE minute BETWEEN ? AND ?"
        " GROUP BY 1, 2 HAVING SUM(entered) > 0 ORDER BY 1, 2",
        (to_ms(first) // MINUTE_MS, to_ms(last) // MINUTE_MS),
    ).fetchall()


def list_deal(
    db: sqlite3.Connection,
    first: datetime,
    last: datetime,
    deal_no: int,
    stamps: Sequence[StampRow],
) -> dict[int, DealScans]:
    """Return the scans of one deal by quarter, without the stamps that its counters have too."""
    found: dict[int, DealScans] = {}
    slots = read_slots(db, to_ms(first) // SLOT_MS, to_ms(last) // SLOT_MS, deal_no)
    for slot, by_deal in slots.items():
        quarter, each = slot * SLOT_MS // QUARTER_MS, by_deal[deal_no]
        so_far = found.get(quarter, DealScans())
        found[quarter] = DealScans(
            so_far.scans + each.scans,
            so_far.refused + each.refused,
            so_far.called + each.called,
        )
    for stamp in stamps:
        quarter = stamp.at_ms // QUARTER_MS
        if stamp.deal_no == deal_no and quarter in found:
            found[quarter] = _without(found[quarter], OUTCOMES[Reason(stamp.reason)])
    return found


def _without(scans: DealScans, outcome: Outcome) -> DealScans:
    """Return the counts without one scan; never below nothing."""
    return DealScans(
        max(0, scans.scans - 1),
        max(0, scans.refused - (outcome is Outcome.REFUSE)),
        max(0, scans.called - (outcome is Outcome.REFER)),
    )


def count_conflicts(
    db: sqlite3.Connection, first: datetime, last: datetime, deal_no: int | None
) -> tuple[int, int]:
    """Return how many conflicts a deal has had in a time, and how many of all are still open."""
    if deal_no is None:
        return 0, 0
    row = db.execute(
        "SELECT COALESCE(SUM(opened_at BETWEEN ?1 AND ?2), 0), COALESCE(SUM(status = 'open'), 0)"
        " FROM conflicts WHERE deal_no = ?3",
        (to_ms(first), to_ms(last), deal_no),
    ).fetchone()
    return int(row[0]), int(row[1])
