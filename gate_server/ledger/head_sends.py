"""Signed heads on their way to the platforms: queued when they are signed, sent until taken.

A newer head covers all that an older one does, so it takes the place of one that still waits.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from admission.calendar import from_ms, to_ms
from gate_server.ledger.duty import DUE
from gate_server.ledger.feeds import Feed
from gate_server.ledger.session import Session
from gate_server.ledger.stop_sales import NOTIFY

_SENDS: Final = "SELECT message_id, revision, feed_id, tries FROM head_sends"
_REPLACE: Final = "DELETE FROM head_sends WHERE feed_id = ? AND next_at IS NOT NULL"
_QUEUE: Final = """
INSERT INTO head_sends (message_id, revision, feed_id, queued_at, next_at) VALUES (?, ?, ?, ?, ?)
"""
_LAST: Final = """
SELECT feed_id, MAX(IIF(taken_at IS NULL, NULL, revision)), MAX(taken_at),
    MAX(IIF(next_at IS NULL, NULL, revision)), MAX(IIF(next_at IS NULL, NULL, problem))
FROM head_sends GROUP BY feed_id
"""


@dataclass(frozen=True, slots=True)
class HeadSend:
    """A head that is to be sent to the platform of a feed."""

    message_id: str
    revision: int
    feed_id: int
    tries: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """How far a feed's platform has the heads.

    Attributes:
        revision: of the newest head that it took, at `taken_at`; None: none yet.
        waiting: the revision of the head that is on its way; `problem` of its last try.
    """

    feed_id: int
    revision: int | None = None
    taken_at: datetime | None = None
    waiting: int | None = None
    problem: str | None = None


def takes_heads(feed: Feed) -> bool:
    """Say whether a feed's platform has told where it takes messages."""
    return isinstance(feed.config.get(NOTIFY), str)


def queue_head(tx: Session, revision: int, *, now: datetime) -> None:
    """Have a head that was just signed sent to every platform that has told where."""
    for feed in tx.catalogue.feeds.values():
        if takes_heads(feed):
            tx.db.execute(_REPLACE, (feed.feed_id,))
            message_id = f"msg_{secrets.token_hex(12)}"
            tx.db.execute(_QUEUE, (message_id, revision, feed.feed_id, to_ms(now), to_ms(now)))
            tx.touched.add("incidents")


def due_heads(db: sqlite3.Connection, now: datetime, sender: str) -> list[HeadSend]:
    """Return what is to be sent now; what another sender has begun, which is gone, is due."""
    sql = f"{_SENDS} WHERE {DUE} ORDER BY message_id"
    return [_read(row) for row in db.execute(sql, {"now": to_ms(now), "sender": sender})]


def find_send(db: sqlite3.Connection, message_id: str) -> HeadSend | None:
    """Return a head on its way."""
    row = db.execute(f"{_SENDS} WHERE message_id = ?", (message_id,)).fetchone()
    return None if row is None else _read(row)


def begin_send(tx: Session, message_id: str, sender: str, *, until: datetime) -> None:
    """Note who sends a head; while that one lives, nobody sends it again before `until`."""
    sql = "UPDATE head_sends SET begun = ?, tries = tries + 1, next_at = ? WHERE message_id = ?"
    tx.db.execute(sql, (sender, to_ms(until), message_id))


def end_send(
    tx: Session, message_id: str, problem: str | None, *, next_at: datetime | None, now: datetime
) -> None:
    """Note what came of a try; `problem` None: the platform has the head."""
    taken_at = to_ms(now) if problem is None else None
    again = None if next_at is None else to_ms(next_at)
    tx.db.execute(
        "UPDATE head_sends SET begun = NULL, next_at = ?, taken_at = ?, problem = ?"
        " WHERE message_id = ?",
        (again, taken_at, problem, message_id),
    )
    tx.touched.add("incidents")


def drop_send(tx: Session, message_id: str) -> None:
    """Send a head no more: the feed that had the address is gone."""
    tx.db.execute("DELETE FROM head_sends WHERE message_id = ?", (message_id,))
    tx.touched.add("incidents")


def list_delivered(db: sqlite3.Connection) -> dict[int, Delivered]:
    """Return by feed which head its platform has, and which one waits."""
    rows = db.execute(_LAST).fetchall()
    return {
        feed_id: Delivered(feed_id, revision, None if at is None else from_ms(at), *rest)
        for feed_id, revision, at, *rest in rows
    }


def _read(row: tuple[Any, ...]) -> HeadSend:
    return HeadSend(*row)
