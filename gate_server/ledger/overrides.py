"""Overrides that say the platform bears their cost, and its partner's confirmation of them."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from admission.wire_settlement import OverrideAnswer
from gate_server.ledger.session import Session

_BORNE: Final = """
SELECT s.scan_id, s.device_id, s.gate_id, s.nonce, s.overridden_at, s.overridden_by, s.overridden,
    s.annulled, s.tail, COALESCE(s.shown_reason, s.reason), c.confirmed_at, c.confirmed_by
FROM scans s
LEFT JOIN override_confirmations c ON c.scan_id = s.scan_id
WHERE s.cost_bearer = 'platform' AND s.overridden > 0 AND EXISTS (
    SELECT 1 FROM vouchers v WHERE v.deal_no = ?1 AND v.credential_key = s.credential_key
        AND (s.voucher_id = v.voucher_id OR s.voucher_id IS NULL)
    UNION ALL
    SELECT 1 FROM vouchers v WHERE v.deal_no = ?1 AND v.voucher_id = s.voucher_id
)
"""


def list_overrides(db: sqlite3.Connection, deal_no: int) -> list[OverrideAnswer]:
    """Return the overrides of a deal that say the platform bears them, in order of time."""
    rows = db.execute(f"{_BORNE} ORDER BY s.overridden_at, s.scan_id", (deal_no,)).fetchall()
    return [_read(row) for row in rows]


def confirm_override(
    tx: Session, deal_no: int, scan_id: str, *, by: str, now: datetime
) -> OverrideAnswer:
    """Confirm that the platform bears an override; confirming it again changes nothing.

    Raises:
        NotFound: no override of this deal that says so.
        LedgerConflict: `annulled`: all its people were taken back.
    """
    found = _find(tx.db, deal_no, scan_id)
    if found is None:
        raise NotFound(f"no override {scan_id[:40]} of this deal says that the platform bears it")
    if found[6] <= found[7]:
        raise LedgerConflict("annulled", "everybody of this override was taken back")
    if found[10] is None:
        tx.record_event("override_confirmed", {"scan_id": found[0], "by": by})
        sql = "INSERT INTO override_confirmations VALUES (?, ?, ?)"
        tx.db.execute(sql, (found[0], to_ms(now), by))
        found = _find(tx.db, deal_no, scan_id)
    return _read(found or ())


def _find(db: sqlite3.Connection, deal_no: int, scan_id: str) -> tuple[Any, ...] | None:
    if not (scan_id.isascii() and scan_id.isdecimal() and len(scan_id) < 16):
        return None
    row: tuple[Any, ...] | None = db.execute(
        f"{_BORNE} AND s.scan_id = ?2", (deal_no, int(scan_id))
    ).fetchone()
    return row


def _read(row: tuple[Any, ...]) -> OverrideAnswer:
    (scan_id, device_id, gate_id, nonce, at, by, people, annulled, tail, reason, confirmed_at,
     confirmed_by) = row  # fmt: skip
    return OverrideAnswer(
        scan_id=str(scan_id),
        device_id=device_id,
        gate_id=gate_id,
        nonce=nonce,
        overridden_at=from_ms(at),
        overridden_by=by,
        people=max(0, people - annulled),
        tail=tail,
        reason=reason,
        confirmed_at=None if confirmed_at is None else from_ms(confirmed_at),
        confirmed_by=confirmed_by,
    )
