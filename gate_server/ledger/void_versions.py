"""Read every version of a deal's void, with who made it and what it promises to buyers."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

import msgspec

from admission.voids import Void
from admission.wire_staff import RemedyWire
from gate_server.ledger.catalogue import VOIDS, read_void

_BESIDE: Final = "SELECT made_by, remedy FROM voids WHERE deal_no = ? ORDER BY version"


@dataclass(frozen=True, slots=True)
class MadeVersion:
    """One version as it was made; `remedy` None: nothing was promised in so many words."""

    void: Void
    made_by: str
    remedy: RemedyWire | None


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
