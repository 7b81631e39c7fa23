"""Keep what lanes report of their turnstiles."""

from __future__ import annotations

from datetime import datetime

from admission.calendar import to_ms
from admission.errors import LedgerConflict
from admission.wire_passage import ReportKind, ReportRequest
from gate_server.ledger.lanes import FAULT, LaneDelta
from gate_server.ledger.session import Session

# Who stood there when it happened, which may be reported hours later.
_ON_DUTY = """
SELECT operator FROM shifts WHERE device_id = ?1 AND from_at <= ?2 AND closes_at >= ?2
  AND (until_at IS NULL OR until_at > ?2) ORDER BY from_at DESC LIMIT 1
"""
_KNOWN = "SELECT kind, at, people, detail FROM reports WHERE device_id = ? AND nonce = ?"


def record_report(
    tx: Session, device_id: str, gate_id: str, report: ReportRequest, *, now: datetime
) -> bool:
    """Keep what a lane reports; say whether it had been kept before.

    Raises:
        LedgerConflict: `nonce-reused` for something else.
    """
    said = report.kind.value, to_ms(report.at), report.people, report.detail
    known = tx.db.execute(_KNOWN, (device_id, report.nonce)).fetchone()
    if known is not None:
        if known != said:
            raise LedgerConflict("nonce-reused", "this nonce belongs to another report")
        return True
    fields = {
        "device_id": device_id,
        "nonce": report.nonce,
        "kind": report.kind.value,
        "reported_at": to_ms(report.at),
        "people": report.people,
        "detail": report.detail,
    }
    # What a lane whose clock is ahead says of the future is of now.
    at_ms = min(to_ms(report.at), to_ms(now))
    operator, *_ = tx.db.execute(_ON_DUTY, (device_id, at_ms)).fetchone() or (None,)
    person = {} if operator is None else {"operator": operator}
    report_id = tx.record_event("report", fields, personal=person)
    tx.db.execute(
        "INSERT INTO reports (report_id, device_id, nonce, gate_id, received_at, operator, kind,"
        " at, people, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (report_id, device_id, report.nonce, gate_id, to_ms(now), operator, *said),
    )
    if report.kind is not ReportKind.CLEARED:
        lane = (at_ms, gate_id, device_id, operator or "", FAULT + report.kind.value)
        tx.count_lane(LaneDelta(*lane, scans=1))
    tx.touched.add("faults")
    return False
