"""Keep what a revoked device hands over: as it came, counting for nothing."""

from __future__ import annotations

from datetime import datetime

from admission.calendar import to_ms
from admission.errors import LedgerConflict
from gate_server.ledger.session import Session

MOST_EVIDENCE = 32 << 20
"""Characters kept of one revoked device: whoever stole it must not fill the disk."""


def keep_evidence(
    tx: Session, device_id: str, lines: list[tuple[str, bytes]], *, now: datetime
) -> None:
    """Keep what a revoked device hands over, as it came; it counts for nothing.

    Args:
        lines: each with its nonce.
    """
    sql = "SELECT COALESCE(SUM(LENGTH(line)), 0) FROM evidence WHERE device_id = ?"
    if tx.db.execute(sql, (device_id,)).fetchone()[0] > MOST_EVIDENCE:
        raise LedgerConflict("evidence-full", "this device has handed over more than it can hold")
    before = tx.db.total_changes
    tx.db.executemany(
        "INSERT OR IGNORE INTO evidence (device_id, nonce, received_at, line) VALUES (?, ?, ?, ?)",
        [(device_id, nonce, to_ms(now), line.decode("utf-8", "replace")) for nonce, line in lines],
    )
    kept = tx.db.total_changes - before
    if kept:
        tx.record_event("evidence", {"device_id": device_id, "lines": kept})
