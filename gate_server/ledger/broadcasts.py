"""Broadcasts in the ledger: made and ended by supervisors, audited; shown by devices."""

from __future__ import annotations

import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from admission.broadcasts import Broadcast
from admission.calendar import from_ms, to_ms
from admission.errors import Fault, InvalidInput, LedgerConflict, NotFound
from admission.scans import Device
from gate_server.ledger.catalogue import BROADCASTS, read_broadcast
from gate_server.ledger.session import Row, Session

# More at once nobody reads, and each is told to every device.
MOST_IN_FORCE: Final = 50
MOST_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """That a device has shown a broadcast.

    Attributes:
        gate_id: where it stood then.
    """

    device_id: str
    gate_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """A broadcast with what is on record of it."""

    broadcast: Broadcast
    made_by: str
    ended_by: str | None
    end_reason: str | None
    seen: tuple[Seen, ...]


def new_broadcast_id() -> str:
    """Return an id that no broadcast of any life of the ledger has.

    A device that showed one must not take another, made after a restore, for the same.
    """
    return f"B{secrets.token_hex(5)}"


def record_broadcast(tx: Session, broadcast: Broadcast, *, nonce: str | None, by: str) -> str:
    """Tell devices something; return its id, or that of the same with the same nonce.

    Raises:
        InvalidInput: it has expired already, or names a gate that there is not.
        LedgerConflict: `nonce-reused`, `broadcasts-full`.
    """
    before = _find_by_nonce(tx, nonce, by)
    if before is not None:
        return _same(before, broadcast)
    _check(tx, broadcast)
    fields = {
        "broadcast_id": broadcast.broadcast_id,
        "zh": broadcast.zh,
        "en": broadcast.en,
        "priority": broadcast.priority.value,
        "gates": sorted(broadcast.gates),
        "profiles": sorted(broadcast.profiles),
        "template": broadcast.template,
        "expires_at": to_ms(broadcast.expires_at),
        "by": by,
    }
    revision = tx.record_event("broadcast", fields)
    tx.db.execute(
        "INSERT INTO broadcasts (revision, broadcast_id, zh, en, priority, gates, made_at, made_by,"
        " nonce, expires_at, profiles, template, loud_zh, loud_en)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            revision,
            broadcast.broadcast_id,
            broadcast.zh,
            broadcast.en,
            broadcast.priority.value,
            msgspec.json.encode(sorted(broadcast.gates)).decode(),
            to_ms(broadcast.made_at),
            by,
            nonce,
            to_ms(broadcast.expires_at),
            msgspec.json.encode(sorted(broadcast.profiles)).decode(),
            broadcast.template,
            *(broadcast.loud or (None, None)),
        ),
    )
    tx.touched.add("broadcasts")
    return broadcast.broadcast_id


def _check(tx: Session, broadcast: Broadcast) -> None:
    if broadcast.expires_at <= broadcast.made_at:
        raise InvalidInput("expires_at", "is in the past", Fault.PAST)
    unknown = sorted(broadcast.gates - tx.catalogue.gates.keys())
    if unknown:
        raise InvalidInput("gates", f"no gate {unknown[0]}", Fault.UNKNOWN, unknown[0])
    known = tx.catalogue.broadcasts.values()
    if sum(each.in_force(broadcast.made_at) for each in known) >= MOST_IN_FORCE:
        detail = f"{MOST_IN_FORCE} broadcasts are in force; end one first"
        raise LedgerConflict("broadcasts-full", detail)


def _find_by_nonce(tx: Session, nonce: str | None, by: str) -> Broadcast | None:
    sql = f"{BROADCASTS} WHERE made_by = ? AND nonce = ?"
    row = None if nonce is None else tx.db.execute(sql, (by, nonce)).fetchone()
    return None if row is None else read_broadcast(row)


def _same(before: Broadcast, asked: Broadcast) -> str:
    """Return the id of what was sent before under a nonce.

    The expiry is not compared: where it was left out, it is of when the broadcast was first sent.
    """
    known = replace(
        before,
        broadcast_id=asked.broadcast_id,
        made_at=asked.made_at,
        expires_at=asked.expires_at,
        ended_at=None,
    )
    if known != asked:
        raise LedgerConflict("nonce-reused", "this nonce was sent with another broadcast")
    return before.broadcast_id


def end_broadcast(tx: Session, broadcast_id: str, *, reason: str, by: str, now: datetime) -> None:
    """Take a broadcast back; one that was ended before stays as it is.

    Raises:
        NotFound: there is no such broadcast.
    """
    row = _find(tx.db, broadcast_id)
    if row is None:
        raise NotFound(f"no broadcast {broadcast_id}")
    if read_broadcast(row).ended_at is not None:
        return
    tx.record_event("end_broadcast", {"broadcast_id": broadcast_id, "by": by, "reason": reason})
    sql = "UPDATE broadcasts SET ended_at = ?, ended_by = ?, end_reason = ? WHERE broadcast_id = ?"
    tx.db.execute(sql, (to_ms(now), by, reason, broadcast_id))
    tx.touched.add("broadcasts")


def note_seen(tx: Session, device: Device, ids: Iterable[str], now: datetime) -> None:
    """Note that a device has shown broadcasts; the first time counts, unknown ones are nothing.

    A restored ledger may not know what a device was told before.
    """
    tx.db.executemany(
        "INSERT INTO broadcast_seen (broadcast_id, device_id, gate_id, seen_at)"
        " SELECT broadcast_id, ?2, ?3, ?4 FROM broadcasts WHERE broadcast_id = ?1"
        " ON CONFLICT DO NOTHING",
        [(each, device.device_id, device.gate_id, to_ms(now)) for each in ids],
    )


def get_seen_at(tx: Session, device: Device, broadcast_id: str) -> datetime:
    """Return when a device first showed a broadcast.

    Raises:
        NotFound: it has not, or there is no such broadcast.
    """
    sql = "SELECT seen_at FROM broadcast_seen WHERE broadcast_id = ? AND device_id = ?"
    row = tx.db.execute(sql, (broadcast_id, device.device_id)).fetchone()
    if row is None:
        raise NotFound(f"no broadcast {broadcast_id}")
    return from_ms(row[0])


def unseen(tx: Session, device: Device, told: list[Broadcast]) -> list[Broadcast]:
    """Return those that a device has not shown yet."""
    sql = "SELECT 1 FROM broadcast_seen WHERE broadcast_id = ? AND device_id = ?"
    return [
        each
        for each in told
        if tx.db.execute(sql, (each.broadcast_id, device.device_id)).fetchone() is None
    ]


def list_recorded(db: sqlite3.Connection, now: datetime) -> list[Recorded]:
    """Return those in force, then the latest others, each part the newest first."""
    rows = db.execute(
        f"{BROADCASTS} ORDER BY ended_at IS NOT NULL OR expires_at < ?, revision DESC LIMIT ?",
        (to_ms(now), MOST_LISTED),
    ).fetchall()
    seen: dict[str, list[Seen]] = defaultdict(list)
    for broadcast_id, *columns in _seen(db, [row[0] for row in rows]):
        seen[broadcast_id].append(_read_seen(columns))
    return [_recorded(row, seen[row[0]]) for row in rows]


def find_recorded(db: sqlite3.Connection, broadcast_id: str) -> Recorded | None:
    """Return one broadcast."""
    row = _find(db, broadcast_id)
    if row is None:
        return None
    return _recorded(row, [_read_seen(columns) for _, *columns in _seen(db, [broadcast_id])])


def _find(db: sqlite3.Connection, broadcast_id: str) -> Row | None:
    row: Row | None = db.execute(f"{BROADCASTS} WHERE broadcast_id = ?", (broadcast_id,)).fetchone()
    return row


def _seen(db: sqlite3.Connection, ids: list[str]) -> list[Row]:
    marks = ", ".join("?" * len(ids))
    return db.execute(
        "SELECT broadcast_id, device_id, gate_id, seen_at FROM broadcast_seen"  # noqa: S608 - marks
        f" WHERE broadcast_id IN ({marks}) ORDER BY seen_at, device_id",
        ids,
    ).fetchall()


def _read_seen(columns: list[Any]) -> Seen:
    device_id, gate_id, at = columns
    return Seen(device_id, gate_id, from_ms(at))


def _recorded(row: Row, seen: list[Seen]) -> Recorded:
    made_by, ended_by, end_reason = row[8:11]
    return Recorded(read_broadcast(row), made_by, ended_by, end_reason, tuple(seen))
