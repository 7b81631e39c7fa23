"""What platforms are to be told: made of what changed, and settled when it was told.

The scan path knows nothing of it. What changed since a platform's place is found by revision, so it
costs what the changes cost; what a voucher's platform is owed is folded anew from the record.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from admission.calendar import to_ms
from admission.history import Record
from admission.redemptions import (
    Deed,
    DeedState,
    Fate,
    Ladder,
    Need,
    OpenDeed,
    find_evidence,
    find_need,
    key_of,
    next_step,
    people_redeemed,
    reported_after,
    settled,
    wait_s,
)
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.redemption_places import is_partial
from gate_server.ledger.scans import VoucherRow, find_voucher, records_of, terms_of
from gate_server.ledger.session import Row, Session

WINDOW: Final = 2000
"""Revisions that are looked at in one read."""
_LEAST_S: Final = 0.005
_MOST_S: Final = 0.02

# An index over some rows is used only where the query repeats which.
IS_OPEN: Final = "state NOT IN ('done', 'dropped')"
_SCANNED: Final = """
SELECT credential_key, voucher_id FROM scans
WHERE scan_id > ?1 AND scan_id <= ?2 AND credential_key IS NOT NULL
  AND (people > 0 OR mode = 'exchange')
UNION
SELECT credential_key, voucher_id FROM scans
WHERE corrected > ?1 AND corrected <= ?2 AND credential_key IS NOT NULL
"""
_BY_KEY: Final = """
SELECT voucher_id FROM vouchers WHERE credential_key = ?1 AND platform = ?2
UNION
SELECT v.voucher_id FROM credentials c JOIN vouchers v USING (voucher_id)
WHERE c.key = ?1 AND c.kind <> 'order' AND v.platform = ?2
"""
_CHANGED: Final = """
SELECT voucher_id FROM vouchers v
WHERE revision > ?1 AND revision <= ?2 AND platform = ?3 AND parent_id IS NULL
  AND (exchanged IS NOT NULL
    OR EXISTS (SELECT 1 FROM scans s WHERE s.credential_key = v.credential_key)
    OR more_keys AND EXISTS (
      SELECT 1 FROM credentials c JOIN scans s ON s.credential_key = c.key
      WHERE c.voucher_id = v.voucher_id AND c.kind <> 'order'))
"""
STORED: Final = "deed_id, key, voucher_id, platform, number, deed, people, state, tries, doubtful"
_OF_VOUCHER: Final = f"SELECT {STORED} FROM deeds WHERE voucher_id = ? AND {IS_OPEN}"  # noqa: S608
_BY_DEED_KEY: Final = f"SELECT {STORED} FROM deeds WHERE key = ? AND {IS_OPEN}"  # noqa: S608
_EARLIER: Final = "SELECT 1 FROM vouchers WHERE credential_key = ? AND voucher_id < ? LIMIT 1"
_UNNAMED: Final = (
    "SELECT device_id, nonce FROM scans WHERE credential_key = ? AND voucher_id IS NULL"
)
_NEXT: Final = "SELECT people, next_deed FROM redeemed WHERE voucher_id = ?"
_INSERT: Final = """
INSERT INTO deeds (key, voucher_id, platform, number, deed, people, device_id, nonce, gate_id, at,
    made_at, next_try_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_UPDATE: Final = """
UPDATE deeds SET state = ?1, tries = ?2, doubtful = ?3, next_try_at = ?4, problem = ?5,
    ended_at = IIF(?1 IN ('waiting', 'sent', 'lost'), NULL, ?6) WHERE deed_id = ?7
"""


@dataclass(frozen=True, slots=True)
class StoredDeed:
    """A deed that is not over, with its place in the ledger."""

    deed_id: int
    key: str
    voucher_id: int
    platform: str
    number: int
    deed: OpenDeed


@dataclass(frozen=True, slots=True)
class Owed:
    """What a voucher's platform is owed.

    Attributes:
        number: of the next deed.
        records: the scans that it rests on.
    """

    deed: StoredDeed | None
    need: Need | None
    number: int
    records: list[Record]


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one deed, as the platform or the lack of an answer tells."""

    key: str
    fate: Fate
    problem: str = ""


# --- what is owed --------------------------------------------------------------------------------


def plan(ledger: Ledger, platform: str) -> None:
    """Look at what changed since a platform's place, and make the deeds that follow."""
    while True:
        window = ledger.read(partial(find_changed, platform=platform))
        if window is None:
            return
        voucher_ids, upto = window
        start, done = 0, False
        while not done:
            work = partial(_plan_slice, ledger, platform, voucher_ids[start:], upto)
            taken, done = ledger.write(work, patient=True)
            start += taken


def find_changed(db: sqlite3.Connection, platform: str) -> tuple[list[int], int] | None:
    """Return vouchers that changed since a platform's place, and up to where; None: nothing did."""
    sql = "SELECT revision FROM redemption_places WHERE platform = ? AND offered"
    row = db.execute(sql, (platform,)).fetchone()
    newest: int = db.execute("SELECT revision FROM venue").fetchone()[0]
    if row is None or row[0] >= newest:
        return None
    after: int = row[0]
    found: list[int] = []
    while not found and after < newest:
        upto = min(newest, after + WINDOW)
        found = _between(db, platform, after, upto)
        after = upto
    return found, after


def _between(db: sqlite3.Connection, platform: str, after: int, upto: int) -> list[int]:
    found = {row[0] for row in db.execute(_CHANGED, (after, upto, platform))}
    for key, voucher_id in db.execute(_SCANNED, (after, upto)).fetchall():
        if voucher_id is not None:
            found.add(voucher_id)
        else:
            found.update(row[0] for row in db.execute(_BY_KEY, (key, platform)))
    return sorted(found)


def _plan_slice(
    ledger: Ledger, platform: str, voucher_ids: Sequence[int], upto: int, tx: Session
) -> tuple[int, bool]:
    """Follow as many vouchers as fit in a slice; return their number and whether these were all."""
    begun, taken = time.monotonic(), 0
    partial_ = is_partial(tx, platform)
    for voucher_id in voucher_ids:
        follow(tx, platform, voucher_id, partial=partial_)
        taken += 1
        worked_s = time.monotonic() - begun
        if worked_s > _MOST_S or (worked_s > _LEAST_S and ledger.crowded):
            break
    if taken < len(voucher_ids):
        return taken, False
    sql = "UPDATE redemption_places SET revision = ? WHERE platform = ?"
    tx.db.execute(sql, (upto, platform))
    return taken, True


def follow(tx: Session, platform: str, voucher_id: int, *, partial: bool) -> None:
    """Make, keep or drop a voucher's deed, as its record stands now."""
    row = find_voucher(tx, voucher_id)
    if row is None or row.deal.platform != platform or row.voucher.parent_id is not None:
        return  # of a ticket its voucher was told of at the exchange
    owed = find_owed(tx, row, partial=partial)
    step = next_step(None if owed.deed is None else owed.deed.deed, owed.need)
    now = to_ms(tx.clock())
    if step.drop and owed.deed is not None:
        dropped = "UPDATE deeds SET state = 'dropped', ended_at = ? WHERE deed_id = ?"
        tx.db.execute(dropped, (now, owed.deed.deed_id))
    if step.make is not None:
        _make(tx, row, step.make, owed, now)


def find_owed(tx: Session, row: VoucherRow, *, partial: bool) -> Owed:
    """Return what a voucher's platform is owed; what an open deed may have done is not in it."""
    voucher_id = row.voucher.voucher_id
    reported, number = tx.db.execute(_NEXT, (voucher_id,)).fetchone() or (0, 1)
    records = records_told(tx, row)
    target = people_redeemed(records, terms_of(row), tx.venue)
    stored = tx.db.execute(_OF_VOUCHER, (voucher_id,)).fetchone()
    need = find_need(target, reported, row.voucher.admits, partial=partial)
    return Owed(None if stored is None else read_deed(stored), need, number, records)


def records_told(tx: Session, row: VoucherRow) -> list[Record]:
    """Return the recorded scans that a voucher's platform is told of.

    Scans of a code that two platforms hold, which name neither voucher, are told to one alone: to
    the platform that was first to send it, for whose voucher the counters take them too.
    """
    records = [record for record, _ in records_of(tx, row)]
    earlier = tx.db.execute(_EARLIER, (row.credential_key, row.voucher.voucher_id)).fetchone()
    if earlier is None:
        return records
    unnamed = set(tx.db.execute(_UNNAMED, (row.credential_key,)).fetchall())
    return [each for each in records if (each.device_id, each.nonce) not in unnamed]


def _make(tx: Session, row: VoucherRow, need: Need, owed: Owed, now_ms: int) -> None:
    voucher_id, platform, number = row.voucher.voucher_id, row.deal.platform, owed.number
    seen = find_evidence(owed.records, need.deed)
    where: tuple[object, ...] = (None, None, "", now_ms)
    if seen is not None:
        where = (seen.device_id, seen.nonce, seen.gate_id, to_ms(seen.at))
    key = key_of(platform, row.credential_key, number, need)
    what = (key, voucher_id, platform, number, need.deed.value, need.people)
    tx.db.execute(_INSERT, (*what, *where, now_ms, now_ms))
    tx.db.execute(
        "INSERT INTO redeemed (voucher_id, next_deed) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET next_deed = excluded.next_deed",
        (voucher_id, number + 1),
    )


# --- settle ---------------------------------------------------------------------------------------


def settle(
    tx: Session,
    told: Iterable[Told],
    ladder: Ladder,
    *,
    now: datetime,
    retry_after_s: float = 0.0,
) -> None:
    """Keep what became of deeds; one that nobody waits for any more is left as it is."""
    for each in told:
        row = tx.db.execute(_BY_DEED_KEY, (each.key,)).fetchone()
        stored = None if row is None else read_deed(row)
        if stored is None or stored.deed.state not in {DeedState.SENT, DeedState.LOST}:
            continue
        after = settled(stored.deed, each.fate, ladder)
        wait = max(wait_s(stored.deed, each.fate, ladder), retry_after_s)
        next_try_at = now + timedelta(seconds=wait)
        write_deed(tx, stored, after, next_try_at=next_try_at, problem=each.problem, now=now)
        if after.state is DeedState.DONE:
            _report(tx, stored)
        if after.state in {DeedState.DONE, DeedState.REFUSED}:
            platform = stored.platform
            follow(tx, platform, stored.voucher_id, partial=is_partial(tx, platform))


def _report(tx: Session, stored: StoredDeed) -> None:
    sql = "SELECT people FROM redeemed WHERE voucher_id = ?"
    before = tx.db.execute(sql, (stored.voucher_id,)).fetchone()[0]
    people = reported_after(before, stored.deed.need)
    sql = "UPDATE redeemed SET people = ? WHERE voucher_id = ?"
    tx.db.execute(sql, (people, stored.voucher_id))


def write_deed(
    tx: Session,
    stored: StoredDeed,
    after: OpenDeed,
    *,
    next_try_at: datetime,
    problem: str,
    now: datetime,
) -> None:
    """Keep what an attempt made of a deed."""
    values = (after.state.value, after.tries, int(after.doubtful), to_ms(next_try_at))
    tx.db.execute(_UPDATE, (*values, problem[:300], to_ms(now), stored.deed_id))


def read_deed(row: Row) -> StoredDeed:
    """Make a deed of the columns of STORED."""
    deed_id, key, voucher_id, platform, number, deed, people, state, tries, doubtful = row
    need = Need(Deed(deed), people)
    opened = OpenDeed(need, DeedState(state), tries, bool(doubtful))
    return StoredDeed(deed_id, key, voucher_id, platform, number, opened)
