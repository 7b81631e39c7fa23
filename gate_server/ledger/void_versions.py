"""Read every version of a deal's void, with who made it and what it promises to buyers."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from admission.calendar import from_ms
from admission.voids import Void
from admission.wire_staff import RemedyWire
from gate_server.ledger.catalogue import VOIDS, read_void

_BESIDE: Final = "SELECT made_by, remedy FROM voids WHERE deal_no = ? ORDER BY version"


_SINCE: Final = """
SELECT MIN(committed_at) FROM voids WHERE deal_no = :deal AND version > (
    SELECT COALESCE(MAX(version), 0) FROM voids WHERE deal_no = :deal AND restored = 1
)
"""


@dataclass(frozen=True, slots=True)
class MadeVersion:
    """One version as it was made; `remedy` None: nothing was promised in so many words."""

    void: Void
    made_by: str
    remedy: RemedyWire | None


def voided_since(db: sqlite3.Connection, deal_no: int) -> datetime | None:
    """Return when a deal was voided, whatever terms it has had since; None: it is not."""
    at = db.execute(_SINCE, {"deal": deal_no}).fetchone()[0]
    return None if at is None else from_ms(at)


def list_made(db: sqlite3.Connection, deal_no: int) -> list[MadeVersion]:
    """Return all versions of a deal's void, restores among them, oldest first."""
    rows = db.execute(f"{VOIDS} WHERE deal_no = ? ORDER BY version", (deal_no,)).fetchall()
    beside = db.execute(_BESIDE, (deal_no,)).fetchall()
    return [
        MadeVersion(
            read_void(row),
            made_by,
            None if remedy is None else msgspec.json.decode(remedy, type=RemedyWire),
        )
        for row, (made_by, remedy) in zip(rows, beside, strict=True)
    ]
