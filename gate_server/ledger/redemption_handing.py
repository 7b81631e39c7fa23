"""Hand deeds out to whoever sends them, and take back those whose sender is gone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from admission.calendar import to_ms
from admission.redemptions import Deed, DeedState, Fate, Ladder, sent, settled
from gate_server.ledger.redemptions import IS_OPEN, STORED, read_deed, write_deed
from gate_server.ledger.session import Session

ANSWERED_WITHIN: Final = timedelta(seconds=120)
"""A deed that was handed out longer ago has lost its answer, whoever was to send it."""
_OUT: Final = f"""
SELECT {STORED} FROM deeds WHERE platform = ? AND state = 'sent' AND {IS_OPEN} AND sent_at <= ?
"""  # noqa: S608
_DUE: Final = f"""
SELECT d.deed_id, d.deed FROM deeds d
WHERE d.platform = ? AND d.state = ? AND {IS_OPEN} AND d.next_try_at <= ?
ORDER BY d.next_try_at, d.deed_id LIMIT ?
"""  # noqa: S608
_WORK: Final = f"""
SELECT EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'lost' AND {IS_OPEN} AND next_try_at <= ?)
  OR EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'waiting' AND {IS_OPEN} AND next_try_at <= ?)
  OR EXISTS (SELECT 1 FROM deeds
    WHERE platform = ? AND state = 'sent' AND {IS_OPEN} AND sent_at <= ?)
"""  # noqa: S608
_HANDED: Final = """
SELECT d.key, d.deed, d.people, d.at, d.gate_id, v.voucher_ref, v.credential_key, v.sealed_code
FROM deeds d JOIN vouchers v USING (voucher_id) WHERE d.deed_id = ?
"""


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


def lose_sent(
    tx: Session, platform: str, ladder: Ladder, *, now: datetime, all_of_them: bool = False
) -> None:
    """Take deeds that were handed out and never settled for lost.

    Args:
        all_of_them: whoever sent them is gone; else those alone that are out for too long.
    """
    by = now if all_of_them else now - ANSWERED_WITHIN
    for row in tx.db.execute(_OUT, (platform, to_ms(by))).fetchall():
        stored = read_deed(row)
        after = settled(stored.deed, Fate.LOST, ladder)
        write_deed(tx, stored, after, next_try_at=now, problem="no answer was noted", now=now)


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
        sql = f"SELECT {STORED} FROM deeds WHERE deed_id = ?"  # noqa: S608 - names of ours
        after = sent(read_deed(tx.db.execute(sql, (deed_id,)).fetchone()).deed)
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
