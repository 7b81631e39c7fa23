"""What platforms are to be told: made of what changed, handed out to be sent, and settled.

The scan path knows nothing of it. What changed since a platform's place is found by revision, so it
costs what the changes cost; what a voucher's platform is owed is folded anew from the record.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
    sent,
    settled,
    wait_s,
)
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.redemption_places import is_partial
from gate_server.ledger.scans import VoucherRow, find_voucher, records_of, terms_of
from gate_server.ledger.session import Row, Session

WINDOW: Final = 2000
"""Revisions that are looked at in one read."""
ANSWERED_WITHIN: Final = timedelta(seconds=120)
"""A deed that was handed out longer ago has lost its answer, whoever was to send it."""
_LEAST_S: Final = 0.005
_MOST_S: Final = 0.02

# An index over some rows is used only where the query repeats which.
_IS_OPEN: Final = "state NOT IN ('done', 'dropped')"
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
_STORED: Final = "deed_id, key, voucher_id, platform, number, deed, people, state, tries, doubtful"
_OF_VOUCHER: Final = f"SELECT {_STORED} FROM deeds WHERE voucher_id = ? AND {_IS_OPEN}"  # noqa: S608
_BY_DEED_KEY: Final = f"SELECT {_STORED} FROM deeds WHERE key = ? AND {_IS_OPEN}"  # noqa: S608
_OUT: Final = f"""
SELECT {_STORED} FROM deeds WHERE platform = ? AND state = 'sent' AND {_IS_OPEN} AND sent_at <= ?
"""  # noqa: S608
_DUE: Final = f"""
SELECT d.deed_id, d.deed FROM deeds d
WHERE d.platform = ? AND d.state = ? AND {_IS_OPEN} AND d.next_try_at <= ?
ORDER BY d.next_try_at, d.deed_id LIMIT ?
"""  # noqa: S608
_WORK: Final = f"""
SELECT EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'lost' AND {_IS_OPEN} AND next_try_at <= ?)
  OR EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'waiting' AND {_IS_OPEN} AND next_try_at <= ?)
  OR EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'sent' AND {_IS_OPEN} AND sent_at <= ?)
"""  # noqa: S608
_HANDED: Final = """
SELECT d.key, d.deed, d.people, d.at, d.gate_id, v.voucher_ref, v.credential_key, v.sealed_code
FROM deeds d JOIN vouchers v USING (voucher_id) WHERE d.deed_id = ?
"""
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
class Handed:
    """A deed as it is handed out; the code is sealed, and only where the platform needs it."""

    key: str
    deed: Deed
    people: int
    at_ms: int
    gate_id: str
    voucher_ref: str | None
    credential_key: bytes = field(repr=False)
    sealed_code: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Out:
    """What is handed out at once; `more` says that others are due."""

    ask: list[Handed] = field(default_factory=list)
    send: list[Handed] = field(default_factory=list)
    more: bool = False


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
    deed, need, number = find_owed(tx, row, partial=partial)
    step = next_step(None if deed is None else deed.deed, need)
    now = to_ms(tx.clock())
    if step.drop and deed is not None:
        dropped = "UPDATE deeds SET state = 'dropped', ended_at = ? WHERE deed_id = ?"
        tx.db.execute(dropped, (now, deed.deed_id))
    if step.make is not None:
        _make(tx, row, step.make, number, now)


def find_owed(
    tx: Session, row: VoucherRow, *, partial: bool
) -> tuple[StoredDeed | None, Need | None, int]:
    """Return a voucher's open deed, what its platform should be told, and the next deed's number.

    What a deed that is open may have done already is not in it.
    """
    voucher_id = row.voucher.voucher_id
    reported, number = tx.db.execute(_NEXT, (voucher_id,)).fetchone() or (0, 1)
    target = people_redeemed(records_told(tx, row), terms_of(row), tx.venue)
    stored = tx.db.execute(_OF_VOUCHER, (voucher_id,)).fetchone()
    need = find_need(target, reported, row.voucher.admits, partial=partial)
    return None if stored is None else _read(stored), need, number


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


def _make(tx: Session, row: VoucherRow, need: Need, number: int, now_ms: int) -> None:
    voucher_id, platform = row.voucher.voucher_id, row.deal.platform
    seen = find_evidence(records_told(tx, row), need.deed)
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


# --- hand out, settle ----------------------------------------------------------------------------


def lose_sent(
    tx: Session, platform: str, ladder: Ladder, *, now: datetime, all_of_them: bool = False
) -> None:
    """Take deeds that were handed out and never settled for lost.

    Args:
        all_of_them: whoever sent them is gone; else those alone that are out for too long.
    """
    by = now if all_of_them else now - ANSWERED_WITHIN
    for row in tx.db.execute(_OUT, (platform, to_ms(by))).fetchall():
        stored = _read(row)
        after = settled(stored.deed, Fate.LOST, ladder)
        _write(tx, stored, after, next_try_at=now, problem="no answer was noted", now=now)


def has_work(db: sqlite3.Connection, platform: str, now: datetime) -> bool:
    """Say whether a deed of a platform is due, or has been out for too long."""
    by = to_ms(now)
    values = (
        platform,
        by,
        platform,
        by,
        platform,
        by - ANSWERED_WITHIN // timedelta(milliseconds=1),
    )
    row = db.execute(_WORK, values).fetchone()
    return bool(row[0])


def hand_out(tx: Session, platform: str, *, can_ask: bool, most: int, now: datetime) -> Out:
    """Return deeds to ask about, else deeds of one kind to send, which are noted as sent."""
    due = partial(_due, tx, platform, most=most, now=now)
    lost = due(DeedState.LOST)
    if lost and can_ask:
        return Out(ask=_handed(tx, [deed_id for deed_id, _ in lost]), more=len(lost) == most)
    chosen = lost or due(DeedState.WAITING)
    if not chosen:
        return Out()
    deed_ids = [deed_id for deed_id, deed in chosen if deed == chosen[0][1]]
    for deed_id in deed_ids:
        sql = f"SELECT {_STORED} FROM deeds WHERE deed_id = ?"  # noqa: S608 - names of ours
        after = sent(_read(tx.db.execute(sql, (deed_id,)).fetchone()).deed)
        tx.db.execute(
            "UPDATE deeds SET state = ?, tries = ?, sent_at = ? WHERE deed_id = ?",
            (after.state.value, after.tries, to_ms(now), deed_id),
        )
    return Out(send=_handed(tx, deed_ids), more=len(chosen) == most or len(deed_ids) < len(chosen))


def _due(
    tx: Session, platform: str, state: DeedState, *, most: int, now: datetime
) -> list[tuple[int, str]]:
    return tx.db.execute(_DUE, (platform, state.value, to_ms(now), most)).fetchall()


def _handed(tx: Session, deed_ids: Iterable[int]) -> list[Handed]:
    rows = (tx.db.execute(_HANDED, (deed_id,)).fetchone() for deed_id in deed_ids)
    return [Handed(row[0], Deed(row[1]), *row[2:]) for row in rows]


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
        stored = None if row is None else _read(row)
        if stored is None or stored.deed.state not in {DeedState.SENT, DeedState.LOST}:
            continue
        after = settled(stored.deed, each.fate, ladder)
        wait = max(wait_s(stored.deed, each.fate, ladder), retry_after_s)
        next_try_at = now + timedelta(seconds=wait)
        _write(tx, stored, after, next_try_at=next_try_at, problem=each.problem, now=now)
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


def _write(
    tx: Session,
    stored: StoredDeed,
    after: OpenDeed,
    *,
    next_try_at: datetime,
    problem: str,
    now: datetime,
) -> None:
    values = (after.state.value, after.tries, int(after.doubtful), to_ms(next_try_at))
    tx.db.execute(_UPDATE, (*values, problem[:300], to_ms(now), stored.deed_id))


def _read(row: Row) -> StoredDeed:
    deed_id, key, voucher_id, platform, number, deed, people, state, tries, doubtful = row
    need = Need(Deed(deed), people)
    opened = OpenDeed(need, DeedState(state), tries, bool(doubtful))
    return StoredDeed(deed_id, key, voucher_id, platform, number, opened)
