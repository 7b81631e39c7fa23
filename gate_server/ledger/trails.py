"""What touched an incident without being told to it: gathered from the ledger when it is asked for.

By its deal, its gate and its time, from indexed rows; nothing is copied, so nothing is forgotten.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.incidents import Entry, EntryKind, Incident, began_at
from gate_server.ledger.lanes import QUARTER_MS

EARLIER: Final = timedelta(days=7)
"""What was done to the deal of an incident so long before it explains it."""
SAME: Final = timedelta(seconds=2)
"""A deed that the timeline was told of, too, has its own time there."""
BY_LEDGER: Final = "ledger"
"""Who tells of what was counted."""
_PAGE: Final = 1000
# The terms of the index, word for word: else it would not be used.
_DEEDS: Final = """
SELECT revision, kind, body FROM audit WHERE kind IN
    ('emergency', 'gate_state', 'hold', 'override', 'release', 'restore_deal', 'void')
    AND revision < ? ORDER BY revision DESC LIMIT ?
"""
_DEAL_OF: Final = """
SELECT v.deal_no FROM scans s JOIN vouchers v ON v.voucher_id = s.voucher_id WHERE s.scan_id = ?1
UNION ALL
SELECT v.deal_no FROM scans s JOIN vouchers v ON v.credential_key = s.credential_key
WHERE s.scan_id = ?1 AND s.voucher_id IS NULL
"""
_TO_DEAL: Final = {
    "hold": EntryKind.HELD,
    "release": EntryKind.RELEASED,
    "void": EntryKind.VOIDED,
    "restore_deal": EntryKind.RESTORED,
}


class _Terms(msgspec.Struct):
    reason: str = ""


class _Body(msgspec.Struct):
    at: int
    by: str = ""
    reason: str = ""
    deal_id: str = ""
    gate_id: str = ""
    state: str = ""
    on: bool = False
    people: int = 0
    scan_id: int = 0
    void_version: int | None = None
    terms: _Terms | None = None

    @property
    def why(self) -> str:
        """The reason that was given; a void's stands among its terms."""
        return self.reason or (self.terms.reason if self.terms is not None else "")


def gather(
    db: sqlite3.Connection, incident: Incident, told: Sequence[Entry], *, now: datetime
) -> list[Entry]:
    """Return the whole timeline of an incident: what it was told, and all else, in order of time.

    Args:
        told: what stands in the timeline itself.
    """
    until = incident.closed_at or now
    first = began_at(incident)
    found = [
        *_deeds(db, incident, first, until),
        *_findings(db, incident, first, until),
        *_conflicts(db, incident, first, until),
        *_rings(db, incident),
        *_shown(db, told),
    ]
    known = [(each.kind, each.at) for each in told]
    fresh = [
        each
        for each in found
        if not any(kind is each.kind and abs(at - each.at) <= SAME for kind, at in known)
    ]
    return sorted([*told, *fresh], key=lambda each: each.at)


def _deeds(
    db: sqlite3.Connection, incident: Incident, first: datetime, until: datetime
) -> Iterator[Entry]:
    """Yield what was done to its deal and to its gates; overrides as counts a quarter hour.

    A count stands at the first of what it counts.
    """
    deal_id = _deal_id(db, incident)
    overrides: dict[int, Counter[str]] = defaultdict(Counter)
    firsts: dict[int, int] = {}
    for kind, body in _newest_first(db, to_ms(first - EARLIER)):
        if body.at > to_ms(until):
            continue
        if kind in _TO_DEAL:
            if deal_id is not None and body.deal_id == deal_id:
                yield _to_deal(_TO_DEAL[kind], body)
        elif body.at >= to_ms(first):
            yield from _at_venue(incident, kind, body)
            if kind == "override" and _is_of(db, body.scan_id, incident.deal_no):
                quarter = body.at // QUARTER_MS
                overrides[quarter].update(overrides=1, people=body.people)
                firsts[quarter] = min(body.at, firsts.get(quarter, body.at))
    for quarter, counts in overrides.items():
        yield _counted(EntryKind.OVERRIDES, firsts[quarter], counts)


def _to_deal(kind: EntryKind, body: _Body) -> Entry:
    refs = {} if body.void_version is None else {"void_version": body.void_version}
    return _entry(kind, body, refs)


def _at_venue(incident: Incident, kind: str, body: _Body) -> Iterator[Entry]:
    """Yield what was done to the venue; an incident at one gate has that gate alone."""
    if kind == "emergency":
        yield _entry(EntryKind.EMERGENCY, body, {"on": int(body.on)})
    elif kind == "gate_state" and incident.gate_id in {None, body.gate_id}:
        yield _entry(EntryKind.GATE_STATE, body, {"gate_id": body.gate_id, "state": body.state})


def _newest_first(db: sqlite3.Connection, first_ms: int) -> Iterator[tuple[str, _Body]]:
    before = 1 << 62
    while page := db.execute(_DEEDS, (before, _PAGE)).fetchall():
        for _, kind, text in page:
            body = msgspec.json.decode(text, type=_Body)
            if body.at < first_ms:
                return  # the server's clock never goes back
            yield kind, body
        before = page[-1][0]


def _deal_id(db: sqlite3.Connection, incident: Incident) -> str | None:
    if incident.deal_no is None:
        return None
    row = db.execute("SELECT deal_id FROM deals WHERE deal_no = ?", (incident.deal_no,)).fetchone()
    return None if row is None else str(row[0])


def _is_of(db: sqlite3.Connection, scan_id: int, deal_no: int | None) -> bool:
    return any(found == deal_no for (found,) in db.execute(_DEAL_OF, (scan_id,)))


def _findings(
    db: sqlite3.Connection, incident: Incident, first: datetime, until: datetime
) -> Iterator[Entry]:
    if incident.deal_no is None:
        return
    rows = db.execute(
        "SELECT finding_id, kind, found_at, vouchers, people FROM findings"
        " WHERE deal_no = ? AND found_at BETWEEN ? AND ?",
        (incident.deal_no, to_ms(first - EARLIER), to_ms(until)),
    )
    for finding_id, kind, found_at, vouchers, people in rows:
        counts = {"vouchers": vouchers, "people": people}
        yield _counted(EntryKind.FOUND, found_at, {"finding_id": finding_id, "kind": kind} | counts)


def _conflicts(
    db: sqlite3.Connection, incident: Incident, first: datetime, until: datetime
) -> Iterator[Entry]:
    if incident.deal_no is None:
        return
    rows = db.execute(
        "SELECT opened_at / ?1, kind, COUNT(*), MIN(opened_at) FROM conflicts"
        " WHERE deal_no = ?2 AND opened_at BETWEEN ?3 AND ?4 GROUP BY 1, 2 ORDER BY 1, 2",
        (QUARTER_MS, incident.deal_no, to_ms(first), to_ms(until)),
    )
    found: dict[int, dict[str, str | int]] = defaultdict(dict)
    firsts: dict[int, int] = {}
    for quarter, kind, count, at_ms in rows:
        found[quarter][kind] = count
        firsts[quarter] = min(at_ms, firsts.get(quarter, at_ms))
    for quarter, counts in found.items():
        yield _counted(EntryKind.CONFLICTS, firsts[quarter], counts)


def _rings(db: sqlite3.Connection, incident: Incident) -> Iterator[Entry]:
    """Yield how often the on-duty list was called, where once was not enough."""
    sql = "SELECT COUNT(*), MAX(rung_at) FROM duty_rings WHERE incident_id = ?"
    rings, last = db.execute(sql, (incident.incident_id,)).fetchone()
    if rings > 1:
        yield _counted(EntryKind.RUNG, last, {"rings": rings}, by="duty list")


def _shown(db: sqlite3.Connection, told: Sequence[Entry]) -> Iterator[Entry]:
    """Yield how many devices have shown each broadcast of the timeline by now."""
    sql = "SELECT COUNT(*), MAX(seen_at) FROM broadcast_seen WHERE broadcast_id = ?"
    for entry in told:
        if entry.kind is EntryKind.BROADCAST:
            broadcast_id = entry.refs.get("broadcast_id", "")
            devices, last = db.execute(sql, (broadcast_id,)).fetchone()
            if devices:
                refs = {"broadcast_id": broadcast_id, "devices": devices}
                yield _counted(EntryKind.SHOWN, last, refs)


def _entry(kind: EntryKind, body: _Body, refs: Mapping[str, str | int]) -> Entry:
    at = from_ms(body.at)
    return Entry(number=0, kind=kind, at=at, by=body.by, text=body.why, refs=dict(refs))


def _counted(kind: EntryKind, at_ms: int, refs: Mapping[str, str | int], *, by: str = "") -> Entry:
    at = from_ms(at_ms)
    return Entry(number=0, kind=kind, at=at, by=by or BY_LEDGER, text="", refs=dict(refs))
