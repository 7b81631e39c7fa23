"""Keep what lanes report of their turnstiles."""

from __future__ import annotations

from datetime import datetime

from admission.calendar import to_ms
from admission.errors import LedgerConflict
from admission.wire_passage import ReportRequest
from gate_server.ledger.session import Session

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
    report_id = tx.record_event("report", fields)
    tx.db.execute(
        "INSERT INTO reports (report_id, device_id, nonce, gate_id, received_at, kind, at, people,"
        " detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (report_id, device_id, report.nonce, gate_id, to_ms(now), *said),
    )
    tx.touched.add("faults")
    return False
