"""Read a recorded scan as it was answered, and what became of it since."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from admission.errors import NotFound
from admission.replay import Correction
from gate_server.ledger.former import list_corrections

_NEVER = 1 << 62

_OLD = """
SELECT scan_id, device_id, gate_id, area, voucher_id, mode, direction, party, received_at, scan_at,
    staffed, reason, people, remaining, void_version, rules_version, detail
FROM scans WHERE scan_id = ?
"""
_LATER = """
SELECT COUNT(*) FROM scans WHERE scan_id > ?1 AND scan_at < ?2 AND credential_key =
    (SELECT credential_key FROM scans WHERE scan_id = ?1)
"""


@dataclass(frozen=True, slots=True)
class OldScan:
    """What was recorded with a scan's verdict; nothing of it ever changes. Instants are ms."""

    scan_id: int
    device_id: str
    gate_id: str
    area: str
    voucher_id: int | None
    mode: str
    direction: str
    party: int | None
    received_at: int
    scan_at: int
    staffed: int
    reason: str
    people: int
    remaining: int
    void_version: int | None
    rules_version: int
    detail: str


def get_old_scan(db: sqlite3.Connection, scan_id: int) -> OldScan:
    """Return a recorded scan as it was answered.

    Raises:
        NotFound: there is none of that number.
    """
    row = db.execute(_OLD, (scan_id,)).fetchone()
    if row is None:
        raise NotFound(f"no scan {scan_id}")
    return OldScan(*row)


def changes_since(db: sqlite3.Connection, scan_id: int) -> list[Correction]:
    """Return what was done to a scan after it was answered, oldest first."""
    return [each for _, each in list_corrections(db, {scan_id}, _NEVER)]


def uploaded_later(db: sqlite3.Connection, scan: OldScan) -> int:
    """Count the scans of the same code that were made before a scan and came in after it."""
    return int(db.execute(_LATER, (scan.scan_id, scan.scan_at)).fetchone()[0])
