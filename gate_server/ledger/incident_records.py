"""Read an incident with all that is on record of it, and which incidents the duty list hears of."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from admission.incidents import Entry, Incident
from gate_server.ledger.duty import DutyCall, last_ring, list_calls
from gate_server.ledger.incidents import get_incident, list_entries, list_open
from gate_server.ledger.stop_sales import StopSale, newest_request


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident and what belongs to it.

    Attributes:
        calls: the last one to each contact, with the contact's name.
        rung_at: when the duty list was called last.
    """

    incident: Incident
    entries: list[Entry]
    calls: list[tuple[str, DutyCall]]
    rung_at: datetime | None
    request: StopSale | None


def get_record(db: sqlite3.Connection, incident_id: str) -> IncidentRecord:
    """Return all of an incident.

    Raises:
        NotFound: there is none by that id.
    """
    return IncidentRecord(
        incident=get_incident(db, incident_id),
        entries=list_entries(db, incident_id),
        calls=list_calls(db, incident_id),
        rung_at=last_ring(db, incident_id)[1],
        request=newest_request(db, incident_id),
    )


def list_ringing(db: sqlite3.Connection) -> list[tuple[Incident, datetime | None]]:
    """Return the open incidents that the duty list is called about, each with its last ring."""
    return [
        (incident, last_ring(db, incident.incident_id)[1])
        for incident in list_open(db)
        if incident.kind.rings
    ]
