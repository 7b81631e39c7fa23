"""Signed heads of the audit chain, one a venue day: what others hold against us.

Whoever has one can tell later whether a single row before it was changed. Each is signed with the
ledger's epoch, its revision, the venue day and the time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from admission.calendar import from_ms, to_ms
from gate_server.keyring import HeadSignature, Keyring
from gate_server.ledger.head_sends import queue_head
from gate_server.ledger.session import Session

MOST_HEADS = 1000

_TIP = "SELECT revision, hash FROM audit ORDER BY revision DESC LIMIT 1"
_NEWEST = "SELECT revision, day FROM signed_heads ORDER BY revision DESC LIMIT 1"
_SINCE = """
SELECT revision, audit_head, epoch, day, signed_at, key_id, signature FROM signed_heads
WHERE revision > ? ORDER BY revision LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head.

    Attributes:
        day: the venue day on which it was signed.
    """

    revision: int
    audit_head: bytes
    epoch: str
    day: date
    signed_at: datetime
    signed: HeadSignature

    @property
    def statement(self) -> bytes:
        """The bytes that are signed, after the purpose that the key ring puts before them."""
        said = f"{self.epoch}\0{self.revision}\0{self.day}\0{to_ms(self.signed_at)}\0"
        return said.encode() + self.audit_head


def record_head(tx: Session, keys: Keyring, *, now: datetime, again: bool = False) -> bool:
    """Sign the chain's newest row, unless today's head was signed; say whether it was.

    Nothing else may share the transaction. Where no row has come since the last head there is
    nothing to sign: that one still says all.

    Args:
        again: sign although there is one of today, so that it covers what came since.
    """
    tip, newest = tx.db.execute(_TIP).fetchone(), tx.db.execute(_NEWEST).fetchone()
    day = tx.venue.day_of(now)
    if tip is None or (newest is not None and newest[0] == tip[0]):
        return False
    if newest is not None and newest[1] == day.isoformat() and not again:
        return False
    made = Head(tip[0], tip[1], tx.epoch, day, now, HeadSignature(0, b""))
    signed = keys.sign_head(made.statement, now=now)
    tx.db.execute(
        "INSERT INTO signed_heads VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*tip, tx.epoch, day.isoformat(), to_ms(now), signed.key_id, signed.signature),
    )
    queue_head(tx, tip[0], now=now)
    return True


def heads_since(db: sqlite3.Connection, revision: int, *, most: int = MOST_HEADS) -> list[Head]:
    """Return the signed heads after a revision, oldest first."""
    return [
        Head(row[0], row[1], row[2], date.fromisoformat(row[3]), from_ms(row[4]),
             HeadSignature(row[5], row[6]))
        for row in db.execute(_SINCE, (revision, most)).fetchall()
    ]  # fmt: skip


def own_heads(db: sqlite3.Connection) -> Mapping[int, bytes]:
    """Return what was signed, by revision: the chain must still go through it."""
    return dict(db.execute("SELECT revision, audit_head FROM signed_heads").fetchall())


def unsigned_since(db: sqlite3.Connection) -> datetime | None:
    """Return when the newest head was signed; None: it covers all rows, or there is none."""
    tip, newest = db.execute(_TIP).fetchone(), db.execute(_NEWEST).fetchone()
    if tip is None or newest is None or newest[0] == tip[0]:
        return None
    sql = "SELECT signed_at FROM signed_heads WHERE revision = ?"
    return from_ms(db.execute(sql, (newest[0],)).fetchone()[0])
