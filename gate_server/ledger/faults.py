"""What is wrong with the turnstiles now, by what their lanes reported last."""

from __future__ import annotations

import sqlite3

from admission.calendar import from_ms
from admission.wire_passage import FAULTS, FaultAnswer, ReportKind

_LATEST = """
SELECT device_id, kind, at, people, detail FROM reports WHERE report_id IN (
    SELECT MAX(report_id) FROM reports WHERE kind NOT IN ('late_passage', 'unknown_passage')
    GROUP BY device_id)
"""


def read_faults(db: sqlite3.Connection) -> dict[str, FaultAnswer]:
    """Return what is wrong now, by device: its latest fault, unless it is cleared."""
    return {
        device_id: FaultAnswer(kind=ReportKind(kind), at=from_ms(at), people=people, detail=detail)
        for device_id, kind, at, people, detail in db.execute(_LATEST)
        if ReportKind(kind) in FAULTS
    }
