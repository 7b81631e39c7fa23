"""Rows of a feed that cannot be taken yet: kept sealed, tried again, gone once they are in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from admission.calendar import from_ms, to_ms
from gate_server.ledger.session import Session

FIRST_AFTER_MS: Final = 60_000
LONGEST_AFTER_MS: Final = 60 * 60 * 1000

_KEEP: Final = """
INSERT INTO set_aside (feed_id, kind, subject, place, field, problem, sealed, first_at, tried_at,
    updated_at, awaits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed_id, kind, subject) DO UPDATE SET place = excluded.place, field = excluded.field,
    problem = excluded.problem, sealed = excluded.sealed, tried_at = excluded.tried_at,
    updated_at = excluded.updated_at, awaits = excluded.awaits, tries = tries + 1
WHERE excluded.updated_at >= updated_at
"""
# A row that waits for its deal is due once the deal is there; another one ever more rarely.
_DUE: Final = """
SELECT s.row_id, s.kind, s.subject, s.place, s.sealed FROM set_aside s
LEFT JOIN deals d ON d.deal_id = s.awaits
WHERE s.feed_id = ?1 AND s.sealed <> x'' AND IIF(s.awaits IS NOT NULL, d.deal_id IS NOT NULL,
    s.tried_at + MIN(?3, ?2 << MIN(s.tries - 1, 10)) <= ?4)
ORDER BY s.kind, s.tried_at, s.row_id LIMIT ?5
"""
_LIST: Final = """
SELECT kind, place, field, problem, tries, first_at, tried_at FROM set_aside
WHERE feed_id = ? ORDER BY row_id LIMIT ?
"""
_KNOWN: Final = """
SELECT subject, updated_at FROM set_aside WHERE feed_id = ? AND kind = ? AND subject IN ({})
"""
_GONE: Final = "DELETE FROM set_aside WHERE feed_id = ? AND kind = ? AND subject = ?"
_NEWER: Final = {
    "vouchers": "SELECT 1 FROM vouchers WHERE credential_key = ? AND platform = ?"
    " AND updated_at >= ? AND NOT filled",
    "deals": "SELECT 1 FROM deals WHERE deal_id = CAST(? AS TEXT) AND platform = ?"
    " AND updated_at >= ? AND NOT filled",
}
_ROWS_A_LOOK: Final = 500


class AsideRow(Struct, frozen=True, array_like=True):
    """A row as it is set aside.

    Attributes:
        line: which row of its part it is, from 1.
        subject: of a voucher the hash of its code, of a deal its id; else of the whole row.
        sealed: the row itself, see `about_row`; b"" where it cannot be tried again from here: it
            is too long, or its source alone can say it better.
        updated_at: milliseconds; an older row never takes the place of a newer one.
        awaits: the deal that it came before.
    """

    line: int
    place: str
    field: str
    problem: str
    subject: bytes
    sealed: bytes
    updated_at: int
    awaits: str | None = None


class DueRow(Struct, frozen=True):
    """A row that is due to be tried again."""

    row_id: int
    kind: str
    subject: bytes
    place: str
    sealed: bytes


class Reject(Struct, frozen=True):
    """What people may know of a row that is set aside."""

    kind: str
    place: str
    field: str
    problem: str
    tries: int
    since: datetime
    tried_at: datetime


def about_row(platform: str, kind: str, subject: bytes) -> str:
    """Return what a row is sealed with, so that it cannot be moved."""
    return f"{kind} of {platform} set aside {subject.hex()}"


def keep_aside(
    tx: Session, feed_id: int, kind: str, rows: Sequence[AsideRow], *, most: int, now: datetime
) -> int:
    """Set rows aside; return how many were not, because `most` of the feed are already."""
    room = most - count_aside(tx.db, feed_id)
    unkept = 0
    for row in rows:
        sql = "SELECT 1 FROM set_aside WHERE feed_id = ? AND kind = ? AND subject = ?"
        known = tx.db.execute(sql, (feed_id, kind, row.subject)).fetchone() is not None
        if not known and room <= 0:
            unkept += 1
            continue
        room -= not known
        told = (row.place, row.field, row.problem, row.sealed, to_ms(now), to_ms(now))
        values = (feed_id, kind, row.subject, *told, row.updated_at, row.awaits)
        tx.db.execute(_KEEP, values)
    return unkept


def superseded(tx: Session, platform: str, kind: str, row: AsideRow) -> bool:
    """Say whether the ledger holds as new a state of what a row is about."""
    values = (row.subject, platform, row.updated_at)
    return tx.db.execute(_NEWER[kind], values).fetchone() is not None


def drop_taken(
    tx: Session, feed_id: int, kind: str, taken: Iterable[tuple[tuple[bytes, ...], int]]
) -> None:
    """Let go of what was set aside and is in now, or a newer row of the same.

    Args:
        taken: of each row that is in its subjects and its time in milliseconds.
    """
    if not count_aside(tx.db, feed_id):
        return
    newest: dict[bytes, int] = {}
    for subjects, updated_at in taken:
        for subject in subjects:
            newest[subject] = max(updated_at, newest.get(subject, updated_at))
    subjects_in = list(newest)
    for start in range(0, len(subjects_in), _ROWS_A_LOOK):
        some = subjects_in[start : start + _ROWS_A_LOOK]
        sql = _KNOWN.format(",".join("?" * len(some)))
        for subject, updated_at in tx.db.execute(sql, (feed_id, kind, *some)).fetchall():
            if updated_at <= newest[subject]:
                tx.db.execute(_GONE, (feed_id, kind, subject))


def count_aside(db: sqlite3.Connection, feed_id: int) -> int:
    """Return how many rows of a feed are set aside."""
    sql = "SELECT COUNT(*) FROM set_aside WHERE feed_id = ?"
    count: int = db.execute(sql, (feed_id,)).fetchone()[0]
    return count


def list_due(db: sqlite3.Connection, feed_id: int, now: datetime, most: int) -> list[DueRow]:
    """Return rows that are due to be tried again, deals first, those that wait longest first."""
    values = (feed_id, FIRST_AFTER_MS, LONGEST_AFTER_MS, to_ms(now), most)
    return [DueRow(*row) for row in db.execute(_DUE, values)]


def list_rejects(db: sqlite3.Connection, feed_id: int, most: int) -> list[Reject]:
    """Return what is set aside of a feed, oldest first."""
    return [
        Reject(kind, place, field, problem, tries, from_ms(first_at), from_ms(tried_at))
        for kind, place, field, problem, tries, first_at, tried_at in db.execute(
            _LIST, (feed_id, most)
        )
    ]
