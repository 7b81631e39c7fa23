"""Incidents opened once each by a nonce, and the calls for help that devices wait for."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from admission.incidents import EntryKind, IncidentKind, NewIncident
from gate_server.ledger.incidents import find_open, get_incident, open_incident, write_entry
from gate_server.ledger.session import Session

NOBODY_CAME_AFTER: Final = timedelta(minutes=1)
"""Who calls again so long after somebody said to see to it waits still: then it rings anew."""


def open_once(
    tx: Session, incident: NewIncident, nonce: str | None, *, by: str, now: datetime
) -> str:
    """Open an incident and return its id; the same nonce of the same caller opens no second.

    It does not even where the first has been closed meanwhile: its answer was lost.
    """
    known = None if nonce is None else _find(tx.db, by, nonce)
    if known is not None:
        return known
    if incident.kind is IncidentKind.HELP and incident.device_id is not None:
        incident = replace(incident, anew=_asks_anew(tx, incident, now))
    incident_id = open_incident(tx, incident, by=by, now=now)
    if nonce is not None:
        sql = "INSERT INTO incident_nonces (made_by, nonce, incident_id) VALUES (?, ?, ?)"
        tx.db.execute(sql, (by, nonce, incident_id))
    if incident.follows is not None:
        refs = {"incident_id": incident_id}
        kind = EntryKind.FOLLOWED
        write_entry(tx, get_incident(tx.db, incident.follows).incident_id, kind, refs=refs, by=by,
                    now=now)  # fmt: skip
    return incident_id


def _find(db: sqlite3.Connection, by: str, nonce: str) -> str | None:
    sql = "SELECT incident_id FROM incident_nonces WHERE made_by = ? AND nonce = ?"
    row = db.execute(sql, (by, nonce)).fetchone()
    return None if row is None else str(row[0])


def _asks_anew(tx: Session, incident: NewIncident, now: datetime) -> bool:
    before = find_open(tx.db, incident.subject)
    answered = None if before is None else before.acknowledged_at
    return answered is not None and now - answered >= NOBODY_CAME_AFTER
