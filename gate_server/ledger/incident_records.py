"""Read incidents for people and for the duty list: pages, timelines, all that is on record."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from admission.calendar import from_ms
from admission.incidents import Entry, EntryKind, Incident
from gate_server.ledger.duty import DutyCall, last_ring, list_calls
from gate_server.ledger.incidents import INCIDENTS, get_incident, list_open, read_incident
from gate_server.ledger.stop_sales import StopSale, newest_request

MOST_LISTED: Final = 100
_LAST: Final = 2**63 - 1
_ENTRIES: Final = "SELECT incident_id, entry_id, kind, at, by, text, refs FROM incident_entries"


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
        entries=list_entries(db, [incident_id])[incident_id],
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


def list_incidents(
    db: sqlite3.Connection, *, is_open: bool | None, before: int | None
) -> tuple[list[tuple[Incident, list[Entry]]], bool]:
    """Return a page of incidents with their timelines, the newest first; and if there are older.

    Args:
        is_open: open ones only, or closed ones only; None: both.
        before: only those with a lower number; None: from the newest.
    """
    state = {None: "1", True: "closed_at IS NULL", False: "closed_at IS NOT NULL"}[is_open]
    rows = db.execute(
        f"{INCIDENTS} WHERE {state} AND revision < ? ORDER BY revision DESC LIMIT ?",
        (_LAST if before is None else before, MOST_LISTED + 1),
    )
    found = [read_incident(row) for row in rows]
    page = found[:MOST_LISTED]
    entries = list_entries(db, [each.incident_id for each in page])
    return [(each, entries[each.incident_id]) for each in page], len(found) > MOST_LISTED


def list_entries(db: sqlite3.Connection, incident_ids: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the timelines of incidents by their ids, each the oldest entry first."""
    marks = ", ".join("?" * len(incident_ids))
    wanted = f"incident_id IN ({marks}) ORDER BY entry_id"
    rows = db.execute(f"{_ENTRIES} WHERE {wanted}", tuple(incident_ids))
    found: dict[str, list[Entry]] = {incident_id: [] for incident_id in incident_ids}
    for incident_id, number, kind, at, by, text, refs in rows:
        entry = Entry(
            number=number,
            kind=EntryKind(kind),
            at=from_ms(at),
            by=by,
            text=text,
            refs=msgspec.json.decode(refs),
        )
        found[incident_id].append(entry)
    return found
