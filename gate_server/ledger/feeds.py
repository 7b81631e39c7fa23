"""The feeds of a ledger: which there are, where each stands, and its secrets, which are sealed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound

if TYPE_CHECKING:  # the catalogue, which a session has, reads feeds from here
    from gate_server.ledger.session import Session

FEED_COLUMNS: Final = (
    "feed_id, platform, kind, enabled, secondary, config, cursor, accepted_at, tried_at, failed_at,"
    " error, failures, rows_taken, added_at, removed_at"
)


class FeedKind(StrEnum):
    """What a feed speaks; stored, so never renamed."""

    NATIVE = "native"
    PULL = "pull"
    FOLDER = "folder"
    OCTO = "octo"


class SecretKind(StrEnum):
    """What a feed's secret is for; stored, so never renamed."""

    WEBHOOK = "webhook"
    TOKEN = "token"  # noqa: S105 - a kind, no secret


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed as it stands.

    Attributes:
        enabled: it counts; a feed that was removed does not, and its vouchers stay.
        secondary: it fills gaps of the platform's authority and overwrites nothing of it.
        config: what its source needs to know, without secrets.
        accepted_at: end of the last whole round of changes, or the last accepted push.
        error: why its last try failed; "" after a success. `failures` are in a row.
    """

    feed_id: int
    platform: str
    kind: FeedKind
    enabled: bool
    secondary: bool
    config: Mapping[str, Any]
    cursor: str | None
    accepted_at: datetime | None
    tried_at: datetime | None
    failed_at: datetime | None
    error: str
    failures: int
    rows_taken: int
    added_at: datetime | None
    removed_at: datetime | None

    @property
    def name(self) -> str:
        """How logs and the audit call it."""
        return f"{self.kind} feed {self.feed_id} of {self.platform}"

    def age_s(self, now: datetime) -> float | None:
        """Return for how long it has not been up to date; None: it never was."""
        return None if self.accepted_at is None else (now - self.accepted_at).total_seconds()

    def state(self, now: datetime, stale_after_s: float, failing_after: int) -> str:
        """Return how it fares in one word: `waiting`, `failing`, `stale` or `well`."""
        age_s = self.age_s(now)
        if self.failures >= failing_after:
            return "failing"
        if age_s is None:
            return "waiting"
        return "stale" if age_s > stale_after_s else "well"


@dataclass(frozen=True, slots=True)
class FeedSecret:
    """A sealed secret of a feed; see `about_secret`."""

    feed_id: int
    number: int
    kind: SecretKind
    sealed: bytes = field(repr=False)
    retires_at: datetime | None = None


def list_feeds(db: sqlite3.Connection, *, removed: bool = False) -> list[Feed]:
    """Return the feeds, oldest first.

    Args:
        removed: those that were removed, too.
    """
    sql = f"SELECT {FEED_COLUMNS} FROM feeds"  # noqa: S608 - names of ours
    where = "" if removed else " WHERE removed_at IS NULL"
    return [_read(row) for row in db.execute(f"{sql}{where} ORDER BY feed_id")]


def get_feed(db: sqlite3.Connection, feed_id: int) -> Feed:
    """Return one feed.

    Raises:
        NotFound: there is none by that number, or it was removed.
    """
    sql = f"SELECT {FEED_COLUMNS} FROM feeds"  # noqa: S608 - names of ours
    row = db.execute(f"{sql} WHERE feed_id = ? AND removed_at IS NULL", (feed_id,)).fetchone()
    if row is None:
        raise NotFound(f"no feed {feed_id}")
    return _read(row)


def add_feed(
    tx: Session,
    platform: str,
    kind: FeedKind,
    config: Mapping[str, Any],
    *,
    secondary: bool,
    by: str,
    now: datetime,
) -> int:
    """Add a feed and return its number; a platform has one authority.

    Raises:
        LedgerConflict: `feed-exists`: the platform has its authority already.
    """
    same = [feed for feed in list_feeds(tx.db) if feed.platform == platform]
    if not secondary and any(not feed.secondary for feed in same):
        problem = f"{platform} has a feed already; remove it first, or add this one --secondary"
        raise LedgerConflict("feed-exists", problem)
    fields = {"platform": platform, "kind": kind.value, "config": dict(config)}
    tx.record_event("feed_added", {**fields, "secondary": secondary, "by": by})
    sql = (
        "INSERT INTO feeds (platform, kind, secondary, config, added_at, added_by)"
        " VALUES (?, ?, ?, ?, ?, ?)"
    )
    told = msgspec.json.encode(dict(config)).decode()
    row = tx.db.execute(sql, (platform, kind.value, int(secondary), told, to_ms(now), by))
    tx.touched.add("feeds")
    assert row.lastrowid is not None  # noqa: S101 - an insert has one
    return row.lastrowid


def change_config(tx: Session, feed: Feed, config: Mapping[str, Any], *, by: str) -> None:
    """Change what a feed's source needs to know."""
    fields = {"feed_id": feed.feed_id, "platform": feed.platform, "config": dict(config)}
    tx.record_event("feed_changed", {**fields, "by": by})
    told = msgspec.json.encode(dict(config)).decode()
    tx.db.execute("UPDATE feeds SET config = ? WHERE feed_id = ?", (told, feed.feed_id))
    tx.touched.add("feeds")


def remove_feed(tx: Session, feed: Feed, *, by: str, now: datetime) -> None:
    """End a feed: its secrets and set-aside rows go, its vouchers and the record of it stay."""
    fields = {"feed_id": feed.feed_id, "platform": feed.platform, "by": by}
    tx.record_event("feed_removed", fields)
    sql = "UPDATE feeds SET enabled = 0, removed_at = ? WHERE feed_id = ?"
    tx.db.execute(sql, (to_ms(now), feed.feed_id))
    tx.db.execute("DELETE FROM feed_secrets WHERE feed_id = ?", (feed.feed_id,))
    tx.db.execute("DELETE FROM set_aside WHERE feed_id = ?", (feed.feed_id,))
    tx.touched.add("feeds")


def find_feed(db: sqlite3.Connection, platform: str, feed_id: int | None = None) -> Feed:
    """Return a platform's feed; `feed_id` says which where it has several.

    Raises:
        NotFound: it has none, or not that one.
        LedgerConflict: `several-feeds`: it has several, and none was named.
    """
    feeds = [feed for feed in list_feeds(db) if feed.platform == platform]
    found = [feed for feed in feeds if feed_id in {None, feed.feed_id}]
    if not found:
        which = f"no feed of {platform}" if feed_id is None else f"no feed {feed_id} of {platform}"
        raise NotFound(f"{which}; `gate-server feed list` shows those there are")
    if len(found) > 1:
        named = ", ".join(f"{feed.feed_id} ({feed.kind})" for feed in found)
        raise LedgerConflict("several-feeds", f"{platform} has feeds {named}; name one by --feed")
    return found[0]


def note_taken(tx: Session, feed_id: int, rows: int, *, cursor: str | None) -> None:
    """Note rows that changed something, and the place to go on from; None: as before."""
    sql = (
        "UPDATE feeds SET rows_taken = rows_taken + ?, cursor = COALESCE(?, cursor)"
        " WHERE feed_id = ?"
    )
    tx.db.execute(sql, (rows, cursor, feed_id))
    tx.touched.add("feeds")


def note_accepted(tx: Session, feed_id: int, *, now: datetime) -> None:
    """Note that a feed is up to date as of now; its errors are over."""
    tx.db.execute(
        "UPDATE feeds SET accepted_at = ?, tried_at = ?, error = NULL, failures = 0"
        " WHERE feed_id = ?",
        (to_ms(now), to_ms(now), feed_id),
    )
    tx.touched.add("feeds")


def note_failed(tx: Session, feed_id: int, problem: str, *, now: datetime) -> None:
    """Note that a try failed; the feed keeps its place and its age runs on."""
    tx.db.execute(
        "UPDATE feeds SET tried_at = ?, failed_at = ?, error = ?, failures = failures + 1"
        " WHERE feed_id = ?",
        (to_ms(now), to_ms(now), problem[:500], feed_id),
    )
    tx.touched.add("feeds")


def list_secrets(db: sqlite3.Connection, feed_id: int, now: datetime) -> list[FeedSecret]:
    """Return a feed's secrets that count now, newest first."""
    rows = db.execute(
        "SELECT number, kind, sealed, retires_at FROM feed_secrets"
        " WHERE feed_id = ? AND (retires_at IS NULL OR retires_at > ?) ORDER BY number DESC",
        (feed_id, to_ms(now)),
    )
    return [
        FeedSecret(feed_id, number, SecretKind(kind), sealed, _instant(retires_at))
        for number, kind, sealed, retires_at in rows
    ]


def add_secret(
    tx: Session, feed_id: int, number: int, kind: SecretKind, sealed: bytes, *, now: datetime
) -> None:
    """Keep a sealed secret; its number must be `next_secret`."""
    sql = "INSERT INTO feed_secrets (feed_id, number, kind, sealed, made_at) VALUES (?, ?, ?, ?, ?)"
    tx.db.execute(sql, (feed_id, number, kind.value, sealed, to_ms(now)))


def retire_secrets(tx: Session, feed_id: int, newest: int, *, at: datetime) -> None:
    """Let all secrets of a feed but the newest count until `at` at the latest."""
    tx.db.execute(
        "UPDATE feed_secrets SET retires_at = MIN(COALESCE(retires_at, ?), ?)"
        " WHERE feed_id = ? AND number < ?",
        (to_ms(at), to_ms(at), feed_id, newest),
    )


def next_secret(db: sqlite3.Connection, feed_id: int) -> int:
    """Return the number that a feed's next secret has."""
    sql = "SELECT COALESCE(MAX(number), 0) + 1 FROM feed_secrets WHERE feed_id = ?"
    number: int = db.execute(sql, (feed_id,)).fetchone()[0]
    return number


def about_secret(feed_id: int, number: int) -> str:
    """Return what a feed's secret is sealed with, so that it cannot be moved."""
    return f"feed {feed_id} secret {number}"


def _read(row: tuple[Any, ...]) -> Feed:
    return Feed(
        feed_id=row[0],
        platform=row[1],
        kind=FeedKind(row[2]),
        enabled=bool(row[3]),
        secondary=bool(row[4]),
        config=msgspec.json.decode(row[5]),
        cursor=row[6],
        accepted_at=_instant(row[7]),
        tried_at=_instant(row[8]),
        failed_at=_instant(row[9]),
        error=row[10] or "",
        failures=row[11],
        rows_taken=row[12],
        added_at=_instant(row[13]),
        removed_at=_instant(row[14]),
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
