"""What may not be erased yet, and why: legal holds, holds, and accounts that are still open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict, NotFound
from gate_server.ledger.actions import get_deal
from gate_server.ledger.session import Session

FOREVER: Final = (1 << 63) - 1


class Why(StrEnum):
    """Why a deal's personal data is kept. Sent: add one, never rename one."""

    LEGAL_HOLD = "legal_hold"
    ON_HOLD = "on_hold"
    OPEN_SETTLEMENT = "open_settlement"
    OPEN_REFUND = "open_refund"
    SIGNED = "signed"
    STILL_VALID = "still_valid"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A legal hold; `deal_id` None: on everything."""

    hold_id: int
    subject: str
    deal_id: str | None
    reason: str
    since: datetime
    made_by: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept now.

    Attributes:
        everything: a legal hold is on the whole venue.
        deals: why, by deal number.
        floor_ms: what was recorded at or after it is kept, for it may be about a deal on legal
            hold: from that deal's first day on.
    """

    everything: bool
    deals: Mapping[int, Why]
    floor_ms: int


_LEGAL: Final = """
SELECT h.deal_no, d.valid_from FROM legal_holds h LEFT JOIN deals d USING (deal_no)
WHERE h.ended_at IS NULL
"""
# Until the accounts of a void are closed, refunds and compensation need the buyers. A statement
# that was made since and awaits its signatures opens them again.
_OPEN: Final = """
SELECT v.deal_no FROM voids v
WHERE v.version = (SELECT MAX(version) FROM voids n WHERE n.deal_no = v.deal_no)
    AND NOT v.restored
    AND NOT EXISTS (SELECT 1 FROM settled_deals s
                    WHERE s.deal_no = v.deal_no AND s.revision > v.revision
                        AND s.revision > COALESCE((SELECT MAX(statement_id) FROM statements t
                            WHERE t.deal_no = v.deal_no AND t.closed_at IS NULL), 0))
"""


def read_kept(db: sqlite3.Connection) -> Kept:
    """Return what is kept now."""
    why: dict[int, Why] = dict.fromkeys((row[0] for row in db.execute(_OPEN)), Why.OPEN_SETTLEMENT)
    on_hold = db.execute("SELECT deal_no FROM holds WHERE ended_at IS NULL")
    why |= dict.fromkeys((row[0] for row in on_hold), Why.ON_HOLD)
    legal = db.execute(_LEGAL).fetchall()
    why |= {deal_no: Why.LEGAL_HOLD for deal_no, _ in legal if deal_no is not None}
    floor_ms = min((first for _, first in legal if first is not None), default=FOREVER)
    return Kept(any(deal_no is None for deal_no, _ in legal), why, floor_ms)


def add_legal_hold(
    tx: Session, subject: str, deal_id: str | None, *, reason: str, by: str, now: datetime
) -> int:
    """Keep personal data from the purge; return the hold's id.

    Args:
        subject: the incident, request or case that it is for.
        deal_id: None: everything is kept.
    """
    deal_no = None if deal_id is None else get_deal(tx, deal_id).deal_no
    fields = {"subject": subject, "deal_id": deal_id, "by": by, "reason": reason}
    revision = tx.record_event("legal_hold", fields)
    tx.db.execute(
        "INSERT INTO legal_holds (revision, subject, deal_no, reason, since, made_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (revision, subject, deal_no, reason, to_ms(now), by),
    )
    return revision


def end_legal_hold(tx: Session, hold_id: int, *, reason: str, by: str, now: datetime) -> None:
    """End a legal hold.

    Raises:
        NotFound: no such hold.
        LedgerConflict: `ended-already`.
    """
    sql = "SELECT ended_at FROM legal_holds WHERE revision = ?"
    row = tx.db.execute(sql, (hold_id,)).fetchone()
    if row is None:
        raise NotFound(f"no legal hold {hold_id}")
    if row[0] is not None:
        raise LedgerConflict("ended-already", f"legal hold {hold_id} was ended before")
    tx.record_event("end_legal_hold", {"hold_id": hold_id, "by": by, "reason": reason})
    sql = "UPDATE legal_holds SET ended_at = ?, ended_by = ? WHERE revision = ?"
    tx.db.execute(sql, (to_ms(now), by, hold_id))


def list_legal_holds(db: sqlite3.Connection) -> list[LegalHold]:
    """Return the legal holds in force, oldest first."""
    rows = db.execute(
        "SELECT h.revision, subject, deal_id, reason, since, made_by"
        " FROM legal_holds h LEFT JOIN deals USING (deal_no) WHERE ended_at IS NULL ORDER BY 1"
    ).fetchall()
    return [
        LegalHold(hold_id, subject, deal_id, reason, from_ms(since), made_by)
        for hold_id, subject, deal_id, reason, since, made_by in rows
    ]


def mark_settled(tx: Session, deal_id: str, *, by: str, now: datetime) -> None:
    """Put on record that a deal's accounts are closed, so that nobody needs its buyers any more."""
    deal_no = get_deal(tx, deal_id).deal_no
    revision = tx.record_event("settled", {"deal_id": deal_id, "by": by})
    tx.db.execute(
        "INSERT INTO settled_deals VALUES (?, ?, ?, ?) ON CONFLICT (deal_no) DO UPDATE SET"
        " revision = excluded.revision, settled_at = excluded.settled_at,"
        " made_by = excluded.made_by",
        (deal_no, revision, to_ms(now), by),
    )
