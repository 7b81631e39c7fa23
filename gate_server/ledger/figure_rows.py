"""Read figures over days from the counters; never the scans. One read is one venue day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from admission.calendar import to_ms
from gate_server.ledger.flow import QUARTERS
from gate_server.ledger.lanes import QUARTER_MS
from gate_server.ledger.sales import UNKNOWN
from gate_server.ledger.tallies import COUNTED, HOUR_MS, MINUTE_MS

_SALES_STEP_HOURS: Final = 24 * 31


class GateSums(NamedTuple):
    """What one gate counted under one reason; `quarter`: since 1970, the first of its time."""

    quarter: int
    gate_id: str
    reason: str
    scans: int
    entered: int
    left_out: int
    people: int
    persons: int


class DealSums(NamedTuple):
    """What was scanned of one deal; `hour`: since 1970, the first of its time."""

    hour: int
    deal_no: int
    scans: int
    entered: int
    persons: int
    refused: int
    referred: int


class HourSold(NamedTuple):
    """What was sold of a deal in an hour since 1970: ever, and what stands of it."""

    hour: int
    vouchers: int
    standing: int
    people: int


def _steps(bounds: tuple[datetime, datetime], step_ms: int) -> tuple[int, int]:
    """Return the first and last step that begin within a venue day, so that each is in one day."""
    return -(-to_ms(bounds[0]) // step_ms), to_ms(bounds[1]) // step_ms


def list_gate_sums(
    db: sqlite3.Connection,
    bounds: tuple[datetime, datetime],
    *,
    whole: bool,
    gate_id: str | None = None,
) -> list[GateSums]:
    """Return what gates counted on a venue day.

    Args:
        whole: the day in one sum, else each quarter of an hour.
        gate_id: only this one's.
    """
    first, last = _steps(bounds, QUARTER_MS)
    columns, grouped = "quarter, gate_id, reason, scans, entered, left_out, people, persons", ""
    if whole:
        sums = ", ".join(f"SUM({name})" for name in columns.split(", ")[3:])
        columns, grouped = f"?1, gate_id, reason, {sums}", "GROUP BY gate_id, reason"
    sql = f"SELECT {columns} FROM ({QUARTERS}) WHERE gate_id = IFNULL(?3, gate_id) {grouped}"  # noqa: S608
    return [GateSums(*row) for row in db.execute(sql, (first, last, gate_id))]


def list_deal_sums(
    db: sqlite3.Connection,
    bounds: tuple[datetime, datetime],
    *,
    whole: bool,
    deal_no: int | None = None,
) -> tuple[list[DealSums], dict[tuple[int, int], dict[str, int]]]:
    """Return what was scanned of deals on a venue day, and by hour and deal why not let in.

    Args:
        whole: the day in one sum, else each hour.
        deal_no: only this one's.
    """
    asked = (*_steps(bounds, HOUR_MS), whole, deal_no)
    where = "WHERE hour BETWEEN ?1 AND ?2 AND deal_no = IFNULL(?4, deal_no)"
    rows = db.execute(
        "SELECT IIF(?3, ?1, hour) AS step, deal_no, SUM(scans), SUM(entered), SUM(persons),"  # noqa: S608
        f" SUM(refused), SUM(referred) FROM deal_counters {where} GROUP BY 1, 2",
        asked,
    )
    sums = [DealSums(*row) for row in rows]
    reasons: dict[tuple[int, int], dict[str, int]] = {}
    for step, number, reason, scans in db.execute(
        "SELECT IIF(?3, ?1, hour) AS step, deal_no, reason, SUM(scans) AS scans FROM deal_reasons"  # noqa: S608
        f" {where} GROUP BY 1, 2, 3 ORDER BY scans DESC, reason",
        asked,
    ):
        reasons.setdefault((step, number), {})[reason] = scans
    return sums, reasons


def list_scanned_hours(db: sqlite3.Connection, deal_no: int) -> list[int]:
    """Return the hours in which a deal was scanned, the newest first."""
    sql = "SELECT hour FROM deal_counters WHERE deal_no = ? ORDER BY hour DESC"
    return [hour for (hour,) in db.execute(sql, (deal_no,))]


def list_minutes(
    db: sqlite3.Connection, bounds: tuple[datetime, datetime], gate_id: str
) -> dict[int, int]:
    """Return the people who came in at one gate on a venue day, by the minute since 1970."""
    rows = db.execute(
        "SELECT minute, SUM(entered) FROM counters WHERE minute BETWEEN ? AND ? AND gate_id = ?"
        " GROUP BY 1 HAVING SUM(entered) > 0",
        (*_steps(bounds, MINUTE_MS), gate_id),
    )
    return dict(rows)


def count_lanes(db: sqlite3.Connection, bounds: tuple[datetime, datetime], gate_id: str) -> int:
    """Return how many devices let somebody in at a gate on a venue day."""
    row = db.execute(
        "SELECT COUNT(DISTINCT device_id) FROM lane_counters WHERE quarter BETWEEN ? AND ?"
        " AND gate_id = ? AND entered > 0 AND reason NOT LIKE ? || '%'",
        (*_steps(bounds, QUARTER_MS), gate_id, COUNTED),
    ).fetchone()
    return int(row[0])


_SOLD: Final = (
    "FROM vouchers INDEXED BY vouchers_sold"
    " WHERE deal_no = ?1 AND sold_at IS NOT NULL AND parent_id IS NULL"
)


def list_sold(
    db: sqlite3.Connection, deal_no: int, after: int
) -> tuple[list[HourSold], int | None]:
    """Return a month of sales by hour, and the hour to go on after; None: there are no more.

    Read from an index that holds the time of each sale, not from the vouchers.
    """
    begin = db.execute(
        f"SELECT MIN(sold_at) {_SOLD} AND sold_at >= ?2",
        (deal_no, (after + 1) * HOUR_MS),
    ).fetchone()[0]
    if begin is None:
        return [], None
    first = begin // HOUR_MS
    last = first + _SALES_STEP_HOURS - 1
    standing = {hour: counts for hour, *counts in _standing(db, deal_no, first, last)}
    rows = db.execute(
        f"SELECT sold_at / {HOUR_MS}, COUNT(*) {_SOLD} AND sold_at BETWEEN ?2 AND ?3"
        " GROUP BY 1 ORDER BY 1",
        (deal_no, first * HOUR_MS, (last + 1) * HOUR_MS - 1),
    )
    return [HourSold(hour, sold, *standing.get(hour, (0, 0))) for hour, sold in rows], last


def _standing(
    db: sqlite3.Connection, deal_no: int, first: int, last: int
) -> Iterator[tuple[int, int, int]]:
    return db.execute(
        "SELECT hour, vouchers, people FROM sale_hours WHERE deal_no = ? AND hour BETWEEN ? AND ?",
        (deal_no, first, last),
    )


def count_untimed(db: sqlite3.Connection, deal_no: int) -> int:
    """Return how many vouchers stand of which nobody said when they were sold."""
    row = db.execute(
        "SELECT vouchers FROM sale_hours WHERE (deal_no, hour) = (?, ?)", (deal_no, UNKNOWN)
    ).fetchone()
    return 0 if row is None else int(row[0])
