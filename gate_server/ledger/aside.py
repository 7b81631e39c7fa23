"""Rows of a feed that cannot be taken yet: kept sealed, tried again, gone once they are in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from admission.calendar import from_ms, to_ms
from gate_server.ledger.feeds import Feed
from gate_server.ledger.session import Session

FIRST_AFTER_MS: Final = 60_000
LONGEST_AFTER_MS: Final = 60 * 60 * 1000

_IDENTITY: Final = "feed_id = ? AND kind = ? AND subject = ? AND variant = ?"
_KEEP: Final = """
INSERT INTO set_aside (feed_id, kind, subject, variant, place, field, problem, sealed, updated_at,
    awaits, first_at, tried_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed_id, kind, subject, variant) DO UPDATE SET (place, field, problem, sealed,
    updated_at, awaits, tried_at) = (excluded.place, excluded.field, excluded.problem,
    excluded.sealed, excluded.updated_at, excluded.awaits, excluded.tried_at), tries = tries + 1
WHERE (excluded.updated_at, excluded.field, excluded.problem) >= (updated_at, field, problem)
"""
_TRIED: Final = """
UPDATE OR REPLACE set_aside SET (subject, variant, field, problem, sealed, updated_at, awaits,
    tried_at) = (?, ?, ?, ?, ?, ?, ?, ?), tries = tries + 1 WHERE row_id = ?
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
SELECT row_id, subject, updated_at, awaits IS NOT NULL, feed_id = ?1 FROM set_aside
WHERE kind = ?2 AND (feed_id = ?1 OR ?3 AND feed_id IN (
    SELECT feed_id FROM feeds WHERE platform = ?4 AND secondary)) AND subject IN ({})
"""
_SEALED: Final = """
SELECT s.row_id, f.platform, s.kind, s.subject, s.sealed
FROM set_aside s JOIN feeds f USING (feed_id)
WHERE s.row_id > ? AND s.kind = 'vouchers' AND s.sealed <> x'' ORDER BY s.row_id LIMIT ?
"""
_ANY: Final = "SELECT 1 FROM set_aside LIMIT 1"
_SUBJECTS_A_LOOK: Final = 500
_GONE: Final = "DELETE FROM set_aside WHERE row_id = ?"
_THERE: Final = {
    "vouchers": "SELECT updated_at, filled FROM vouchers WHERE credential_key = ? AND platform = ?",
    "deals": "SELECT updated_at, filled FROM deals"
    " WHERE deal_id = CAST(? AS TEXT) AND platform = ?",
}


class AsideRow(Struct, frozen=True, array_like=True):
    """A row as it is set aside.

    Attributes:
        line: which row of its part it is, from 1.
        subject: of a voucher the hash of its code, of a deal its id; else of the whole row.
        variant: of a row that awaits its deal the hash of all of it; else b"".
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
    variant: bytes
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


class SealedRow(Struct, frozen=True):
    """A voucher's row that is set aside, with what is needed to open it."""

    row_id: int
    platform: str
    kind: str
    subject: bytes
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
    tx: Session, feed: Feed, kind: str, rows: Sequence[AsideRow], *, most: int, now: datetime
) -> int:
    """Set rows aside; return how many were not, because `most` of the feed are already.

    A row of which the ledger holds a newer state is not kept.
    """
    room = most - count_aside(tx.db, feed.feed_id)
    unkept = 0
    for row in rows:
        if _superseded(tx, feed, kind, row):
            continue
        identity = (feed.feed_id, kind, row.subject, row.variant)
        sql = f"SELECT 1 FROM set_aside WHERE {_IDENTITY}"  # noqa: S608 - a constant
        known = tx.db.execute(sql, identity).fetchone() is not None
        if not known and room <= 0:
            unkept += 1
            continue
        room -= not known
        told = (row.place, row.field, row.problem, row.sealed, row.updated_at, row.awaits)
        tx.db.execute(_KEEP, (*identity, *told, to_ms(now), to_ms(now)))
    return unkept


def note_tried(
    tx: Session, feed: Feed, kind: str, tried: tuple[int, AsideRow | None], *, now: datetime
) -> None:
    """Note what has come of a row that was tried again.

    Args:
        tried: its number among those set aside, and what it is now; None: it is in.
    """
    row_id, row = tried
    if row is None or _superseded(tx, feed, kind, row):
        tx.db.execute(_GONE, (row_id,))
        return
    told = (row.field, row.problem, row.sealed, row.updated_at, row.awaits, to_ms(now))
    tx.db.execute(_TRIED, (row.subject, row.variant, *told, row_id))


def drop_taken(
    tx: Session, feed: Feed, kind: str, taken: Iterable[tuple[tuple[bytes, ...], int]]
) -> None:
    """Let go of what was set aside and of which a newer state is in.

    Where the authority's is in, a second feed has no say any more.

    Args:
        taken: of each row that is in its subjects and its time in milliseconds.
    """
    if tx.db.execute(_ANY).fetchone() is None:
        return
    newest: dict[bytes, int] = {}
    for subjects, updated_at in taken:
        for subject in subjects:
            newest[subject] = max(updated_at, newest.get(subject, updated_at))
    subjects_in = list(newest)
    for start in range(0, len(subjects_in), _SUBJECTS_A_LOOK):
        some = subjects_in[start : start + _SUBJECTS_A_LOOK]
        sql = _KNOWN.format(", ".join(f"?{5 + number}" for number in range(len(some))))
        values = (feed.feed_id, kind, not feed.secondary, feed.platform, *some)
        for row_id, subject, updated_at, awaits, own in tx.db.execute(sql, values).fetchall():
            older = _is_older(updated_at, newest[subject], awaits=bool(awaits))
            if older or not own:
                tx.db.execute(_GONE, (row_id,))


def _superseded(tx: Session, feed: Feed, kind: str, row: AsideRow) -> bool:
    """Say whether the ledger holds a newer state of what a row is about."""
    there = tx.db.execute(_THERE[kind], (row.subject, feed.platform)).fetchone()
    if there is None:
        return False
    at, filled = there
    if filled != feed.secondary:
        return not filled
    return _is_older(row.updated_at, at, awaits=row.awaits is not None)


def _is_older(updated_at: int, at: int, *, awaits: bool) -> bool:
    """Say whether a row cannot count beside one that is in; of one instant, both may."""
    return updated_at < at if awaits else updated_at <= at


def drop_all(tx: Session, feed: Feed, *, by: str) -> int:
    """Let go of all rows of a feed that are set aside, for good; return how many there were."""
    count = count_aside(tx.db, feed.feed_id)
    fields = {"feed_id": feed.feed_id, "platform": feed.platform, "count": count, "by": by}
    tx.record_event("feed_rejects_dropped", fields)
    tx.db.execute("DELETE FROM set_aside WHERE feed_id = ?", (feed.feed_id,))
    return count


def count_aside(db: sqlite3.Connection, feed_id: int) -> int:
    """Return how many rows of a feed are set aside."""
    sql = "SELECT COUNT(*) FROM set_aside WHERE feed_id = ?"
    count: int = db.execute(sql, (feed_id,)).fetchone()[0]
    return count


def list_due(db: sqlite3.Connection, feed_id: int, now: datetime, most: int) -> list[DueRow]:
    """Return rows that are due to be tried again, deals first, those that wait longest first."""
    values = (feed_id, FIRST_AFTER_MS, LONGEST_AFTER_MS, to_ms(now), most)
    return [DueRow(*row) for row in db.execute(_DUE, values)]


def list_sealed(db: sqlite3.Connection, *, after: int, most: int) -> list[SealedRow]:
    """Return the next vouchers' rows of all feeds that are set aside, by number."""
    return [SealedRow(*row) for row in db.execute(_SEALED, (after, most))]


def reseal(tx: Session, *, row: SealedRow, sealed: bytes) -> None:
    """Put other words in the place of a row's own, unless it has changed meanwhile."""
    sql = "UPDATE set_aside SET sealed = ? WHERE row_id = ? AND sealed = ?"
    tx.db.execute(sql, (sealed, row.row_id, row.sealed))


def list_rejects(db: sqlite3.Connection, feed_id: int, most: int) -> list[Reject]:
    """Return what is set aside of a feed, oldest first."""
    return [
        Reject(kind, place, field, problem, tries, from_ms(first_at), from_ms(tried_at))
        for kind, place, field, problem, tries, first_at, tried_at in db.execute(
            _LIST, (feed_id, most)
        )
    ]
