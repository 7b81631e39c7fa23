"""Read what stands around a conflict: its scans as people see them, and who knew the phone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime

from admission.calendar import from_ms
from admission.reconcile import ConflictKind
from admission.wire_outage import ConflictScan
from gate_server.ledger.scans import VoucherRow
from gate_server.ledger.session import Session


def find_verified(tx: Session, row: VoucherRow | None) -> Sequence[datetime]:
    """Return when somebody before a gate knew the end of the phone that bought a voucher."""
    if row is None:
        return ()
    sql = "SELECT checked_at FROM phone_checks WHERE voucher_id = ? AND matches"
    return [from_ms(at) for (at,) in tx.db.execute(sql, (row.voucher.voucher_id,))]


def scan_answers(db: sqlite3.Connection, numbers: list[int]) -> Iterable[ConflictScan]:
    """Yield the scans of a conflict by their numbers."""
    for number in numbers:
        device_id, nonce, gate_id, scan_at, reason, people, offline = db.execute(
            "SELECT device_id, nonce, gate_id, scan_at, COALESCE(shown_reason, reason),"
            " COALESCE(shown_people, people), offline OR shown_at IS NOT NULL"
            " FROM scans WHERE scan_id = ?",
            (number,),
        ).fetchone()
        yield ConflictScan(
            device_id=device_id,
            nonce=nonce,
            gate_id=gate_id,
            scan_at=from_ms(scan_at),
            reason=reason,
            admitted=people,
            offline=bool(offline),
        )


def more_detail(
    db: sqlite3.Connection, kind: str, voucher_id: int | None
) -> dict[str, list[dict[str, object]]]:
    """Return what else is told of a conflict: of a copied code, who knew the buyer's phone."""
    if kind != ConflictKind.COPIED_CODE.value:
        return {}
    rows = db.execute(
        "SELECT checked_at, checked_by, gate_id, matches FROM phone_checks"
        " WHERE voucher_id = ? ORDER BY check_id",
        (voucher_id,),
    )
    checks: list[dict[str, object]] = [
        {"at": from_ms(at).isoformat(), "by": by, "gate_id": gate_id, "matches": bool(matches)}
        for at, by, gate_id, matches in rows
    ]
    return {"phone_checks": checks}
