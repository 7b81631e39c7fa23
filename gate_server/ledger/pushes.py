"""Pushes that were taken: the same one again is answered as it was answered first."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from admission.calendar import to_ms
from gate_server.ledger.session import Session

KEPT_FOR: Final = timedelta(days=30)


class KeptPush(Struct, frozen=True):
    """A push that was taken.

    Attributes:
        body_hash: SHA-256 of its body.
        answer: JSON, as it went out.
    """

    body_hash: bytes
    answer: str


def find_push(
    db: sqlite3.Connection, feed_id: int, webhook_id: str, *, now: datetime
) -> KeptPush | None:
    """Return what a feed's push of that id was answered within the last 30 days."""
    row = db.execute(
        "SELECT body_hash, answer FROM pushes"
        " WHERE feed_id = ? AND webhook_id = ? AND received_at >= ?",
        (feed_id, webhook_id, to_ms(now - KEPT_FOR)),
    ).fetchone()
    return None if row is None else KeptPush(*row)


def keep_push(tx: Session, feed_id: int, webhook_id: str, push: KeptPush, *, now: datetime) -> None:
    """Keep a push with its answer, and let go of those that are too old to come again."""
    tx.db.execute("DELETE FROM pushes WHERE received_at < ?", (to_ms(now - KEPT_FOR),))
    tx.db.execute(
        "INSERT OR REPLACE INTO pushes (feed_id, webhook_id, body_hash, received_at, answer)"
        " VALUES (?, ?, ?, ?, ?)",
        (feed_id, webhook_id, push.body_hash, to_ms(now), push.answer),
    )
