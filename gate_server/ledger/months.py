"""Closed months in the ledger: what they were booked with, and what was told of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from admission.calendar import from_ms, to_ms
from admission.errors import LedgerConflict
from admission.wire_months import MonthAnswer
from gate_server.ledger.session import Session
from gate_server.ledger.tallies import HOUR_MS

Booked = tuple[int, int]
"""People, and what is owed for them, in minor units."""


def find_month(db: sqlite3.Connection, platform: str, month: str) -> MonthAnswer | None:
    """Return what was told of a month when it was closed."""
    sql = "SELECT content FROM month_statements WHERE platform = ? AND month = ?"
    row = db.execute(sql, (platform, month)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=MonthAnswer)


def booked(db: sqlite3.Connection, platform: str, before: str) -> dict[tuple[str, int], Booked]:
    """Return what the months closed before one stand at, by month and deal, corrections too."""
    rows = db.execute(
        "SELECT b.month, b.deal_no, SUM(b.people), SUM(b.owed_minor)"
        " FROM month_bookings b WHERE b.platform = ?1 AND b.month < ?2 AND b.booked_in < ?2"
        " GROUP BY b.month, b.deal_no",
        (platform, before),
    )
    return {(month, deal_no): (people, owed) for month, deal_no, people, owed in rows}


def closed_months(db: sqlite3.Connection, platform: str) -> list[str]:
    """Return the months of a platform that are closed, in order."""
    sql = "SELECT month FROM month_statements WHERE platform = ? ORDER BY month"
    return [month for (month,) in db.execute(sql, (platform,))]


def eventful_hours(db: sqlite3.Connection, since: datetime) -> list[tuple[str, datetime]]:
    """Return platform and hour of all hours in which people came in, or vouchers were refunded."""
    rows = db.execute(
        "SELECT d.platform, c.hour FROM deal_counters c JOIN deals d USING (deal_no)"
        " WHERE c.hour >= ?1 / ?2 AND c.persons > 0"
        " UNION SELECT platform, status_at / ?2 FROM vouchers"
        " WHERE status = 'refunded' AND status_at >= ?1",
        (to_ms(since), HOUR_MS),
    )
    return [(platform, from_ms(hour * HOUR_MS)) for platform, hour in rows]


def close_month(
    tx: Session, answer: MonthAnswer, deal_nos: Mapping[str, int], *, by: str
) -> MonthAnswer:
    """Book a month and the corrections of earlier ones, and keep what was told.

    Raises:
        LedgerConflict: `month-closed`; `months-in-order`: a later one is closed already.
    """
    closed = closed_months(tx.db, answer.platform)
    if answer.month in closed:
        raise LedgerConflict("month-closed", f"{answer.month} is closed already")
    if closed and answer.month < closed[-1]:
        raise LedgerConflict("months-in-order", f"{closed[-1]} is closed already; it comes later")
    now = tx.clock()
    made = msgspec.structs.replace(answer, closed_at=now, closed_by=by)
    content = msgspec.json.encode(made)
    digest = sha256(content).hexdigest()
    named = {"platform": answer.platform, "month": answer.month}
    tx.record_event("month_closed", {**named, "hash": digest, "by": by})
    tx.db.execute(
        "INSERT INTO month_statements VALUES (?, ?, ?, ?, ?, ?)",
        (answer.platform, answer.month, to_ms(now), by, content, digest),
    )
    own = [(answer.month, deal.deal_id, deal.charged, deal.owed_minor) for deal in answer.deals]
    later = [(c.month, c.deal_id, c.people, c.owed_minor) for c in answer.corrections]
    tx.db.executemany(
        "INSERT INTO month_bookings VALUES (?, ?, ?, ?, ?, ?)",
        [
            (answer.platform, month, answer.month, deal_nos[deal_id], people, owed)
            for month, deal_id, people, owed in (*own, *later)
        ],
    )
    return made
