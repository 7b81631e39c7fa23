"""Surges in the ledger: what a look at the counters sees, and which deals are up."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.incidents import EntryKind
from admission.surges import (
    BEFORE_SLOTS,
    USUAL_DAYS,
    WINDOW_SLOTS,
    DealScans,
    Look,
    SurgeBars,
    SurgeCard,
    Usual,
    usual_of,
)
from gate_server.ledger.broadcasts import end_broadcast
from gate_server.ledger.deal_hours import hour_of, list_hours
from gate_server.ledger.deal_slots import SLOT_MS, read_slots, slot_of
from gate_server.ledger.incidents import get_incident, write_entry
from gate_server.ledger.session import Session

WATCH: Final = "surge watch"
"""Who opens and tells what is seen here."""

Slots = dict[int, dict[int, DealScans]]


@dataclass(frozen=True, slots=True)
class Up:
    """A deal that surges.

    Attributes:
        rose_at: since when its scans were looked at that made it surge.
        refreshed_at: when its incident's card was written last.
    """

    deal_no: int
    incident_id: str
    broadcast_id: str | None
    rose_at: datetime
    refreshed_at: datetime


def read_usual(db: sqlite3.Connection, now: datetime, bars: SurgeBars) -> Usual:
    """Return what is usual by the hours of the days before, up to an hour and a half ago."""
    hours: dict[int, Counter[int]] = defaultdict(Counter)
    for row in list_hours(db, now - timedelta(days=USUAL_DAYS)):
        hours[row.hour][row.deal_no] += row.scans
    first = (slot_of(now) - WINDOW_SLOTS + 1 - BEFORE_SLOTS) * SLOT_MS
    return usual_of(hours, hour_of(from_ms(first)), bars)


def read_look(db: sqlite3.Connection, now: datetime, usual: Usual) -> Look:
    """Return what was scanned lately and in the hour before, by the counters alone."""
    last = slot_of(now)
    first = last - WINDOW_SLOTS + 1
    slots, since = read_slots(db, first - BEFORE_SLOTS, last), from_ms(first * SLOT_MS)
    return Look(
        since=since,
        minutes=(now - since) / timedelta(minutes=1),
        latest=_joined(slots, range(first, last + 1)),
        before=_joined(slots, range(first - BEFORE_SLOTS, first)),
        usual=usual,
    )


def _joined(slots: Slots, wanted: Iterable[int]) -> dict[int, DealScans]:
    found: dict[int, DealScans] = {}
    for slot in wanted:
        for deal_no, each in slots.get(slot, {}).items():
            so_far = found.get(deal_no, DealScans())
            found[deal_no] = DealScans(
                so_far.scans + each.scans,
                so_far.refused + each.refused,
                so_far.called + each.called,
            )
    return found


def list_up(db: sqlite3.Connection) -> list[Up]:
    """Return the deals that surge, the first to rise first."""
    rows = db.execute(
        "SELECT deal_no, incident_id, broadcast_id, rose_at, refreshed_at FROM surges"
        " WHERE fell_at IS NULL ORDER BY rose_at, deal_no"
    )
    return [
        Up(deal_no, incident_id, broadcast_id, from_ms(rose_at), from_ms(refreshed_at))
        for deal_no, incident_id, broadcast_id, rose_at, refreshed_at in rows
    ]


def note_up(
    tx: Session,
    deal_no: int,
    incident_id: str,
    broadcast_id: str | None,
    *,
    since: datetime,
    now: datetime,
) -> None:
    """Note that a deal surges."""
    tx.db.execute(
        "INSERT INTO surges (deal_no, incident_id, broadcast_id, rose_at, refreshed_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (deal_no) DO UPDATE SET"
        " incident_id = excluded.incident_id, broadcast_id = excluded.broadcast_id,"
        " rose_at = excluded.rose_at, refreshed_at = excluded.refreshed_at, fell_at = NULL",
        (deal_no, incident_id, broadcast_id, to_ms(since), to_ms(now)),
    )


def note_told(tx: Session, deal_no: int, broadcast_id: str | None) -> None:
    """Note which broadcast tells of a deal that surges."""
    sql = "UPDATE surges SET broadcast_id = ? WHERE deal_no = ?"
    tx.db.execute(sql, (broadcast_id, deal_no))


def note_fallen(tx: Session, up: Up, *, now: datetime) -> None:
    """Note that a deal surges no more: its broadcast ends, its incident waits for people."""
    sql = "UPDATE surges SET fell_at = ? WHERE deal_no = ? AND fell_at IS NULL"
    if tx.db.execute(sql, (to_ms(now), up.deal_no)).rowcount == 0:
        return
    if up.broadcast_id is not None:
        end_broadcast(tx, up.broadcast_id, reason="the surge is over", by=WATCH, now=now)
    tx.record_event("surge_over", {"deal_no": up.deal_no, "incident_id": up.incident_id})
    if get_incident(tx.db, up.incident_id).open:
        write_entry(tx, up.incident_id, EntryKind.EASED, by=WATCH, now=now)


def refresh_card(tx: Session, up: Up, card: SurgeCard, *, now: datetime) -> None:
    """Give an open incident the card of now; the audit has the one that it was opened with."""
    told = msgspec.json.encode(card).decode()
    sql = "UPDATE incidents SET surge = ? WHERE incident_id = ? AND closed_at IS NULL"
    tx.db.execute(sql, (told, up.incident_id))
    sql = "UPDATE surges SET refreshed_at = ? WHERE deal_no = ?"
    tx.db.execute(sql, (to_ms(now), up.deal_no))
