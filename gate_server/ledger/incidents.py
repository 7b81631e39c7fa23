"""Incidents in the ledger: opened, noted, acknowledged, decided, closed; all of it audited."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from admission.incidents import (
    EntryKind,
    Figures,
    HoldDecision,
    Incident,
    IncidentKind,
    NewIncident,
)
from admission.surges import SurgeCard
from gate_server.ledger.catalogue import DEAL_COLUMNS, read_deal
from gate_server.ledger.duty import drop_calls
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import (
    StopState,
    drop_requests,
    newest_request,
    write_request,
)
from gate_server.settings import read_incident_words

_COLUMNS: Final = (
    "revision, incident_id, kind, subject, title_zh, title_en, deal_no, platform, gate_id,"
    " device_id, figures, opened_at, opened_by, asked_at, acknowledged_at, acknowledged_by,"
    " decided_at, decision, closed_at, closed_by, summary, surge, follows, called_at"
)
INCIDENTS: Final = f"SELECT {_COLUMNS} FROM incidents"  # noqa: S608 - names of ours
_UNTAKEN: Final = frozenset({StopState.WAITING, StopState.BY_HAND})
_DECISIONS: Final = {
    EntryKind.RELEASED: HoldDecision.RELEASED,
    EntryKind.VOIDED: HoldDecision.VOIDED,
}


def open_incident(tx: Session, incident: NewIncident, *, by: str, now: datetime) -> str:
    """Open an incident and return its id; while one about the same is open, return that one's.

    That one learns the newest figures. Where its hold was decided before, it asks anew.
    """
    before = find_open(tx.db, incident.subject)
    if before is not None:
        _raise_again(tx, before, incident, by, now)
        return before.incident_id
    incident_id = f"I{secrets.token_hex(5)}"
    _insert(tx, incident_id, incident, by, now)
    write_entry(tx, incident_id, EntryKind.OPENED, incident.note, by=by, now=now)
    _note_hold(tx, incident_id, incident, now)
    _request_stop(tx, incident_id, incident, by, now)
    tx.touched.add("incidents")
    return incident_id


def _insert(tx: Session, incident_id: str, incident: NewIncident, by: str, now: datetime) -> None:
    fields = {
        "incident_id": incident_id,
        "kind": incident.kind.value,
        "subject": incident.subject,
        "title": [incident.title_zh, incident.title_en],
        "deal_no": incident.deal_no,
        "gate_id": incident.gate_id,
        "device_id": incident.device_id,
        "figures": _built(incident.figures),
        "surge": _built(incident.surge),
        "follows": incident.follows,
        "called_at": None if incident.called_at is None else to_ms(incident.called_at),
        "by": by,
    }
    revision = tx.record_event("incident", fields, personal=_personal(incident.note))
    tx.db.execute(
        "INSERT INTO incidents (revision, incident_id, kind, subject, title_zh, title_en, deal_no,"
        " platform, gate_id, device_id, figures, opened_at, opened_by, asked_at, surge, follows,"
        " called_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision,
            incident_id,
            incident.kind.value,
            incident.subject,
            incident.title_zh,
            incident.title_en,
            incident.deal_no,
            incident.platform,
            incident.gate_id,
            incident.device_id,
            _json(incident.figures),
            to_ms(now),
            by,
            to_ms(now),
            _json(incident.surge),
            incident.follows,
            fields["called_at"],
        ),
    )


def _raise_again(
    tx: Session, before: Incident, incident: NewIncident, by: str, now: datetime
) -> None:
    """Keep what is told of an open incident; a hold that comes after its decision asks anew."""
    anew = before.decided_at is not None or incident.anew
    if not anew and incident.figures == before.figures and not incident.note:
        return
    fields = {
        "incident_id": before.incident_id,
        "figures": _built(incident.figures),
        "surge": _built(incident.surge),
        "anew": anew,
        "by": by,
    }
    tx.record_event("incident_raised", fields, personal=_personal(incident.note))
    sql = (
        "UPDATE incidents SET figures = COALESCE(?, figures), surge = COALESCE(?, surge)"
        " WHERE incident_id = ?"
    )
    told = _json(incident.figures), _json(incident.surge)
    tx.db.execute(sql, (*told, before.incident_id))
    if anew:
        sql = (
            "UPDATE incidents SET asked_at = ?, decided_at = NULL, decision = NULL"
            " WHERE incident_id = ?"
        )
        tx.db.execute(sql, (to_ms(now), before.incident_id))
    write_entry(tx, before.incident_id, EntryKind.RAISED, incident.note, by=by, now=now)
    request = newest_request(tx.db, before.incident_id)
    # What nobody has taken yet, a human's copy too, has the figures of now.
    if anew or (request is not None and request.state in _UNTAKEN):
        _request_stop(tx, before.incident_id, incident, by, now, again=not anew)
    tx.touched.add("incidents")


def renew_figures(tx: Session, incident_id: str, figures: Figures) -> None:
    """Keep the figures of now; the timeline is for what was told, this is not."""
    sql = "UPDATE incidents SET figures = ? WHERE incident_id = ?"
    tx.db.execute(sql, (_json(figures), incident_id))


def _note_hold(tx: Session, incident_id: str, incident: NewIncident, now: datetime) -> None:
    """Let the timeline begin with the hold that the incident is about."""
    if not incident.kind.asks_for_decision:
        return
    sql = "SELECT reason, made_by FROM holds WHERE deal_no = ? AND ended_at IS NULL"
    row = tx.db.execute(sql, (incident.deal_no,)).fetchone()
    if row is not None:
        reason, made_by = row
        write_entry(tx, incident_id, EntryKind.HELD, reason, by=made_by, now=now)


def _request_stop(
    tx: Session,
    incident_id: str,
    incident: NewIncident,
    by: str,
    now: datetime,
    *,
    again: bool = False,
) -> None:
    """Write the request to the platform to stop a sale that was put on hold.

    Args:
        again: in place of one that nobody has taken; the timeline has that one.
    """
    figures = incident.figures
    if not incident.kind.asks_for_decision or incident.deal_no is None or figures is None:
        return
    # From its row: a deal that comes with its first vouchers is not in the catalogue yet.
    sql = f"SELECT {DEAL_COLUMNS} FROM deals WHERE deal_no = ?"  # noqa: S608 - names of ours
    deal = read_deal(tx.db.execute(sql, (incident.deal_no,)).fetchone())
    text = read_incident_words(tx.venue).stop_sale(incident_id, deal, figures)
    request_id = write_request(tx, incident_id, deal, figures, text, now=now)
    if not again:
        refs = {"request_id": request_id}
        write_entry(tx, incident_id, EntryKind.STOP_SALE_WRITTEN, refs=refs, by=by, now=now)


def note_incident(
    tx: Session,
    incident_id: str,
    kind: EntryKind,
    text: str = "",
    *,
    refs: Mapping[str, str | int] | None = None,
    by: str,
    now: datetime,
) -> None:
    """Put an entry into an incident's timeline, and into the audit.

    Raises:
        NotFound: there is no such incident.
    """
    get_incident(tx.db, incident_id)
    fields = {"incident_id": incident_id, "entry": kind.value, "refs": dict(refs or {}), "by": by}
    tx.record_event("incident_note", fields, personal=_personal(text))
    write_entry(tx, incident_id, kind, text, refs=refs, by=by, now=now)


def write_entry(
    tx: Session,
    incident_id: str,
    kind: EntryKind,
    text: str = "",
    *,
    refs: Mapping[str, str | int] | None = None,
    by: str,
    now: datetime,
) -> None:
    """Put into a timeline what the audit has already under another name."""
    tx.db.execute(
        "INSERT INTO incident_entries (incident_id, kind, at, by, text, refs)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (incident_id, kind.value, to_ms(now), by, text, _text(dict(refs or {}))),
    )


def note_deal(
    tx: Session,
    deal_no: int,
    kind: EntryKind,
    text: str,
    *,
    refs: Mapping[str, str | int] | None = None,
    by: str,
    now: datetime,
) -> None:
    """Put what was done to a deal into its open incidents; an end of its hold decides them."""
    open_ones = tx.db.execute(
        f"{INCIDENTS} WHERE deal_no = ? AND closed_at IS NULL ORDER BY revision", (deal_no,)
    )
    for incident in [read_incident(row) for row in open_ones]:
        write_entry(tx, incident.incident_id, kind, text, refs=refs, by=by, now=now)
        decision = _DECISIONS.get(kind)
        if decision is not None and incident.kind.asks_for_decision:
            sql = "UPDATE incidents SET decided_at = ?, decision = ? WHERE incident_id = ?"
            tx.db.execute(sql, (to_ms(now), decision.value, incident.incident_id))
            drop_calls(tx, incident.incident_id)
            if decision is HoldDecision.RELEASED:
                drop_requests(tx, incident.incident_id)
        tx.touched.add("incidents")


def acknowledge(tx: Session, incident_id: str, *, by: str, now: datetime) -> Incident:
    """Note that somebody sees to an incident, so that nobody else is called for it.

    Raises:
        NotFound: there is no such incident.
        LedgerConflict: `incident-closed`.
    """
    _check_open(get_incident(tx.db, incident_id))
    tx.record_event("incident_acknowledged", {"incident_id": incident_id, "by": by})
    sql = "UPDATE incidents SET acknowledged_at = ?, acknowledged_by = ? WHERE incident_id = ?"
    tx.db.execute(sql, (to_ms(now), by, incident_id))
    write_entry(tx, incident_id, EntryKind.ACKNOWLEDGED, by=by, now=now)
    drop_calls(tx, incident_id)
    tx.touched.add("incidents")
    return get_incident(tx.db, incident_id)


def close_incident(
    tx: Session, incident_id: str, *, summary: str, by: str, now: datetime
) -> Incident:
    """End an incident with what came of it; its timeline stays.

    Raises:
        NotFound: there is no such incident.
        LedgerConflict: `incident-closed` before, `decision-awaited`: its deal is still on hold.
    """
    incident = get_incident(tx.db, incident_id)
    _check_open(incident)
    if incident.awaits_decision and incident.deal_no in tx.catalogue.holds:
        detail = "its deal is on hold: release it or void it first"
        raise LedgerConflict("decision-awaited", detail)
    fields = {"incident_id": incident_id, "by": by}
    tx.record_event("incident_closed", fields, personal=_personal(summary))
    sql = "UPDATE incidents SET closed_at = ?, closed_by = ?, summary = ? WHERE incident_id = ?"
    tx.db.execute(sql, (to_ms(now), by, summary, incident_id))
    write_entry(tx, incident_id, EntryKind.CLOSED, summary, by=by, now=now)
    drop_calls(tx, incident_id)
    drop_requests(tx, incident_id)
    tx.touched.add("incidents")
    return get_incident(tx.db, incident_id)


def _check_open(incident: Incident) -> None:
    if not incident.open:
        detail = f"incident {incident.incident_id} was closed before; open another"
        raise LedgerConflict("incident-closed", detail)


# --- reading -------------------------------------------------------------------------------------


def find_open(db: sqlite3.Connection, subject: str) -> Incident | None:
    """Return the open incident about a subject."""
    row = db.execute(f"{INCIDENTS} WHERE subject = ? AND closed_at IS NULL", (subject,)).fetchone()
    return None if row is None else read_incident(row)


def find_incident(db: sqlite3.Connection, incident_id: str) -> Incident | None:
    """Return an incident by its id."""
    row = db.execute(f"{INCIDENTS} WHERE incident_id = ?", (incident_id,)).fetchone()
    return None if row is None else read_incident(row)


def get_incident(db: sqlite3.Connection, incident_id: str) -> Incident:
    """Return an incident.

    Raises:
        NotFound: there is none by that id.
    """
    incident = find_incident(db, incident_id)
    if incident is None:
        raise NotFound(f"no incident {incident_id}")
    return incident


def list_open(db: sqlite3.Connection) -> list[Incident]:
    """Return all open incidents, oldest first."""
    rows = db.execute(f"{INCIDENTS} WHERE closed_at IS NULL ORDER BY revision")
    return [read_incident(row) for row in rows]


def read_incident(row: tuple[Any, ...]) -> Incident:
    """Make an incident of a row of INCIDENTS."""
    (number, incident_id, kind, subject, title_zh, title_en, deal_no, platform, gate_id, device_id,
     figures, opened_at, opened_by, asked_at, acknowledged_at, acknowledged_by, decided_at,
     decision, closed_at, closed_by, summary, surge, follows, called_at) = row  # fmt: skip
    return Incident(
        incident_id=incident_id,
        number=number,
        kind=IncidentKind(kind),
        subject=subject,
        title_zh=title_zh,
        title_en=title_en,
        opened_at=from_ms(opened_at),
        opened_by=opened_by,
        asked_at=from_ms(asked_at),
        deal_no=deal_no,
        platform=platform,
        gate_id=gate_id,
        device_id=device_id,
        figures=None if figures is None else msgspec.json.decode(figures, type=Figures),
        surge=None if surge is None else msgspec.json.decode(surge, type=SurgeCard),
        called_at=_instant(called_at),
        follows=follows,
        acknowledged_at=_instant(acknowledged_at),
        acknowledged_by=acknowledged_by,
        decided_at=_instant(decided_at),
        decision=None if decision is None else HoldDecision(decision),
        closed_at=_instant(closed_at),
        closed_by=closed_by,
        summary=summary,
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def _personal(text: str) -> dict[str, str] | None:
    """Return a person's own words for the audit: they may name somebody."""
    return {"text": text} if text else None


def _built(told: Figures | SurgeCard | None) -> object:
    return None if told is None else msgspec.to_builtins(told)


def _json(told: Figures | SurgeCard | None) -> str | None:
    return None if told is None else _text(told)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
