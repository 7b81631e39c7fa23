"""Which platforms redemptions go back to, how each stands, and what waits for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admission.calendar import from_ms, to_ms
from gate_server.ledger.feeds import Feed, FeedKind
from gate_server.ledger.session import Session

_REPORTS: Final = frozenset({FeedKind.PULL, FeedKind.OCTO})
_IS_OPEN: Final = "state NOT IN ('done', 'dropped')"
_COUNTS: Final = f"""
SELECT COUNT(*), SUM(state IN ('refused', 'exhausted')),
    MIN(IIF(state IN ('refused', 'exhausted'), NULL, deed_id))
FROM deeds WHERE platform = ? AND {_IS_OPEN}
"""  # noqa: S608 - names of ours
_MADE: Final = "SELECT made_at FROM deeds WHERE deed_id = ?"
# The first admission that nobody has looked at yet: the process that reports may be gone.
_UNSEEN: Final = """
SELECT s.received_at FROM scans s JOIN vouchers v USING (voucher_id)
WHERE s.scan_id > ? AND v.platform = ? AND s.people > 0 ORDER BY s.scan_id LIMIT 1
"""
_SCAN_FROM: Final = (
    "SELECT scan_id, received_at FROM scans WHERE scan_id >= ? ORDER BY scan_id LIMIT 1"
)
# Scans of one moment are numbered in the order of their commit.
_MARGIN: Final = timedelta(seconds=5)
_PLACE: Final = """
SELECT revision, offered, partial, lists, tried_at, done_at, problem FROM redemption_places
WHERE platform = ?
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a platform stands.

    Attributes:
        offered: whether it takes redemptions; None: nobody has asked it yet.
        waiting: deeds on their way; poison: those that a human must look at.
        waits_since: since when the oldest waits, or an admission that nobody has looked at.
        problem: why the last call failed; "" after a success.
    """

    platform: str
    offered: bool | None
    partial: bool
    lists: bool
    waiting: int
    poison: int
    waits_since: datetime | None
    tried_at: datetime | None
    done_at: datetime | None
    problem: str

    def oldest_s(self, now: datetime) -> float:
        """Return for how long the oldest has waited; 0 where nothing waits."""
        if self.waits_since is None:
            return 0.0
        return max(0.0, (now - self.waits_since).total_seconds())


def reporting_feeds(feeds: Mapping[int, Feed]) -> dict[str, Feed]:
    """Return the feed of each platform that redemptions go back by: its authority before others."""
    found: dict[str, Feed] = {}
    for feed in sorted(feeds.values(), key=lambda each: (each.secondary, each.feed_id)):
        if feed.kind in _REPORTS or feed.config.get("redeem_url"):
            found.setdefault(feed.platform, feed)
    return found


def begin_place(tx: Session, platform: str, since: datetime | None) -> None:
    """Owe a platform what happens from an instant on; where it was owed before, from then on.

    Args:
        since: when its feed was added; None: now.
    """
    sql = "SELECT 1 FROM redemption_places WHERE platform = ?"
    if tx.db.execute(sql, (platform,)).fetchone() is not None:
        return
    revision = tx.revision if since is None else first_scan_from(tx.db, since - _MARGIN) - 1
    sql = "INSERT INTO redemption_places (platform, revision) VALUES (?, ?)"
    tx.db.execute(sql, (platform, revision))


def note_offer(tx: Session, platform: str, *, offered: bool, partial: bool, lists: bool) -> None:
    """Keep what a platform can do; one that takes no redemptions is owed them until it does."""
    tx.db.execute(
        "UPDATE redemption_places SET offered = ?, partial = ?, lists = ?, problem = ''"
        " WHERE platform = ?",
        (int(offered), int(partial), int(lists), platform),
    )


def first_scan_from(db: sqlite3.Connection, at: datetime) -> int:
    """Return the number of the first scan that was received at an instant or later.

    By halves: scans are numbered as they come, and there is no index by time. Without one, a
    number beyond the last.
    """
    low, high = 1, db.execute("SELECT revision + 1 FROM venue").fetchone()[0]
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_SCAN_FROM, (middle,)).fetchone()
        if row is None or row[1] >= to_ms(at):
            high = middle
        else:
            low = row[0] + 1
    found = db.execute(_SCAN_FROM, (low,)).fetchone()
    return int(low if found is None else found[0])


def note_try(tx: Session, platform: str, problem: str, *, now: datetime) -> None:
    """Keep how the last call to a platform ended; "" where it went well."""
    done_at = None if problem else to_ms(now)
    tx.db.execute(
        "UPDATE redemption_places SET tried_at = ?, done_at = COALESCE(?, done_at), problem = ?"
        " WHERE platform = ?",
        (to_ms(now), done_at, problem[:300], platform),
    )


def is_partial(tx: Session, platform: str) -> bool:
    """Say whether a platform redeems some people of a voucher, and not all of them or none."""
    sql = "SELECT partial FROM redemption_places WHERE platform = ?"
    row = tx.db.execute(sql, (platform,)).fetchone()
    return row is None or bool(row[0])


def standing(db: sqlite3.Connection, platform: str) -> Standing:
    """Return how a platform stands, in the time that its open deeds take to count."""
    place = db.execute(_PLACE, (platform,)).fetchone()
    if place is None:
        return Standing(platform, None, True, False, 0, 0, None, None, None, "")
    revision, offered, partial, lists, tried_at, done_at, problem = place
    count, poison, oldest = db.execute(_COUNTS, (platform,)).fetchone()
    since = [] if oldest is None else [db.execute(_MADE, (oldest,)).fetchone()[0]]
    unseen = None
    if offered != 0:  # one that takes none is owed them until it does, or is told by hand
        unseen = db.execute(_UNSEEN, (revision, platform)).fetchone()
    since += [] if unseen is None else [unseen[0]]
    return Standing(
        platform,
        None if offered is None else bool(offered),
        bool(partial),
        bool(lists),
        count - (poison or 0),
        poison or 0,
        from_ms(min(since)) if since else None,
        _instant(tried_at),
        _instant(done_at),
        problem,
    )


def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
