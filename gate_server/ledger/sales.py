"""Counters of what was sold, by deal: at which price, in which hour, by whom, for which days.

Written in the transaction of the vouchers that they count, so that no look at sales reads vouchers.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from admission.vouchers import Status

HOUR_MS: Final = 3_600_000
QUARTER_MS: Final = 900_000
WEEK_MS: Final = 7 * 24 * HOUR_MS
UNKNOWN: Final = -1
_GONE: Final = frozenset({Status.CANCELLED.value, Status.REFUNDED.value})
LIVING: Final = "parent_id IS NULL AND status NOT IN ('cancelled', 'refunded')"
"""SQL for a voucher that counts as sold."""

_PRICES: Final = """
INSERT INTO sale_prices (deal_no, price_minor, admits, vouchers, first_at, last_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (deal_no, price_minor, admits) DO UPDATE SET vouchers = vouchers + excluded.vouchers,
    first_at = COALESCE(MIN(first_at, excluded.first_at), first_at, excluded.first_at),
    last_at = COALESCE(MAX(last_at, excluded.last_at), last_at, excluded.last_at)
"""
_HOURS: Final = """
INSERT INTO sale_hours (deal_no, hour, vouchers, people) VALUES (?, ?, ?, ?)
ON CONFLICT (deal_no, hour) DO UPDATE
SET vouchers = vouchers + excluded.vouchers, people = people + excluded.people
"""
_BUYERS: Final = """
INSERT INTO sale_buyers (deal_no, buyer_no, week, people) VALUES (?, ?, ?, ?)
ON CONFLICT (deal_no, buyer_no, week) DO UPDATE SET people = people + excluded.people
"""
_WINDOWS: Final = """
INSERT INTO sale_windows (deal_no, from_quarter, until_quarter, people) VALUES (?, ?, ?, ?)
ON CONFLICT (deal_no, from_quarter, until_quarter) DO UPDATE SET people = people + excluded.people
"""
RECOUNTS: Final = {
    "sale_prices": (
        f"SELECT deal_no, COALESCE(price_paid_minor, -1), admits, COUNT(*), MIN(sold_at),"  # noqa: S608
        f" MAX(sold_at) FROM vouchers WHERE {LIVING} GROUP BY 1, 2, 3"
    ),
    "sale_hours": (
        f"SELECT deal_no, COALESCE(sold_at / {HOUR_MS}, -1), COUNT(*), SUM(admits)"  # noqa: S608
        f" FROM vouchers WHERE {LIVING} GROUP BY 1, 2"
    ),
    "sale_buyers": (
        f"SELECT deal_no, buyer_no, COALESCE(sold_at / {WEEK_MS}, -1), SUM(admits)"  # noqa: S608
        f" FROM vouchers WHERE {LIVING} AND buyer_no IS NOT NULL GROUP BY 1, 2, 3"
    ),
    "sale_windows": (
        f"SELECT deal_no, COALESCE(valid_from / {QUARTER_MS}, -1),"  # noqa: S608
        f" COALESCE(valid_until / {QUARTER_MS}, -1), SUM(admits)"
        f" FROM vouchers WHERE {LIVING} GROUP BY 1, 2, 3"
    ),
}
"""What each table of counters must hold, from the vouchers."""


class Sold(Protocol):
    """The columns of a voucher that the counters are made of; instants are milliseconds."""

    @property
    def deal_no(self) -> int:
        """Its deal."""

    @property
    def admits(self) -> int:
        """People."""

    @property
    def price_paid_minor(self) -> int | None:
        """Paid for it."""

    @property
    def valid_from(self) -> int | None:
        """First instant, where it has one of its own."""

    @property
    def valid_until(self) -> int | None:
        """Last instant, where it has one of its own."""

    @property
    def status(self) -> str:
        """What became of it."""

    @property
    def sold_at(self) -> int | None:
        """When it was sold."""

    @property
    def buyer_no(self) -> int | None:
        """Who bought it."""


@dataclass(slots=True)
class Touched:
    """What of a deal changed in one transaction.

    Attributes:
        earliest: the earliest time of sale of a voucher that came, went or changed; 0: one without.
        hours, buyers: in which of them vouchers came.
    """

    earliest: int = 1 << 62
    hours: set[int] = field(default_factory=set)
    buyers: set[int] = field(default_factory=set)


class SalesDelta:
    """What one transaction adds to the counters; nothing where a voucher stays as it was."""

    def __init__(self) -> None:
        self.touched: dict[int, Touched] = {}
        self._prices: dict[tuple[int, int, int], list[int | None]] = {}
        self._hours: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
        self._buyers: dict[tuple[int, int, int], int] = defaultdict(int)
        self._windows: dict[tuple[int, int, int], int] = defaultdict(int)

    def add(self, sold: Sold) -> None:
        """Count a voucher as it stands from now on."""
        self._count(sold, 1)

    def take(self, sold: Sold) -> None:
        """Count a voucher no more as it stood before."""
        self._count(sold, -1)

    def _count(self, sold: Sold, sign: int) -> None:
        if sold.status in _GONE:
            return
        deal_no, at, buyer_no = sold.deal_no, sold.sold_at, sold.buyer_no
        people, price = sign * sold.admits, sold.price_paid_minor
        touched = self.touched.get(deal_no)
        if touched is None:
            touched = self.touched[deal_no] = Touched()
        if at is None:
            touched.earliest, hour, week = 0, UNKNOWN, UNKNOWN
        else:
            hour, week = at // HOUR_MS, at // WEEK_MS
            if at < touched.earliest:
                touched.earliest = at
        price = UNKNOWN if price is None else price
        self._count_price((deal_no, price, sold.admits), at, sign)
        sums = self._hours[deal_no, hour]
        sums[0] += sign
        sums[1] += people
        self._windows[deal_no, _quarter(sold.valid_from), _quarter(sold.valid_until)] += people
        if buyer_no is not None:
            self._buyers[deal_no, buyer_no, week] += people
        if sign > 0:
            touched.hours.add(hour)
            if buyer_no is not None:
                touched.buyers.add(buyer_no)

    def _count_price(self, key: tuple[int, int, int], at: int | None, sign: int) -> None:
        sums = self._prices.get(key)
        if sums is None:
            sums = self._prices[key] = [0, None, None]
        count, first, last = sums
        sums[0] = (count or 0) + sign
        if at is not None and sign > 0:
            sums[1] = at if first is None else min(first, at)
            sums[2] = at if last is None else max(last, at)

    def write(self, db: sqlite3.Connection) -> None:
        """Add all of it to the ledger's counters."""
        db.executemany(_PRICES, [(*key, *sums) for key, sums in self._prices.items()])
        db.executemany(_HOURS, [(*key, *sums) for key, sums in self._hours.items() if any(sums)])
        db.executemany(_BUYERS, [(*key, people) for key, people in self._buyers.items() if people])
        windows = [(*key, people) for key, people in self._windows.items() if people]
        db.executemany(_WINDOWS, windows)


def _quarter(at: int | None) -> int:
    return UNKNOWN if at is None else at // QUARTER_MS


class _Row(NamedTuple):
    """The columns of a voucher that count."""

    deal_no: int
    admits: int
    price_paid_minor: int | None
    valid_from: int | None
    valid_until: int | None
    status: str
    sold_at: int | None
    buyer_no: int | None


_ROW: Final = (
    f"SELECT {', '.join(_Row._fields)} FROM vouchers WHERE voucher_id = ? AND parent_id IS NULL"  # noqa: S608
)


@contextmanager
def recounted(db: sqlite3.Connection, voucher_id: int) -> Iterator[None]:
    """Let the counters follow what is changed of one voucher within the block."""
    delta = SalesDelta()
    for row in db.execute(_ROW, (voucher_id,)).fetchall():
        delta.take(_Row(*row))
    yield
    for row in db.execute(_ROW, (voucher_id,)).fetchall():
        delta.add(_Row(*row))
    delta.write(db)


_SUMS: Final = {
    "sale_prices": "deal_no, price_minor, admits, vouchers",
    "sale_hours": "deal_no, hour, vouchers, people",
    "sale_buyers": "deal_no, buyer_no, week, people",
    "sale_windows": "deal_no, from_quarter, until_quarter, people",
}


def differences(db: sqlite3.Connection) -> list[str]:
    """Return where the counters are not what the vouchers add up to."""
    problems = []
    for table, columns in _SUMS.items():
        count = columns.count(",") + 1
        amount = columns.rsplit(", ", 1)[1]
        sql = f"SELECT {columns} FROM {table} WHERE {amount} <> 0"  # noqa: S608 - names of ours
        stored = set(db.execute(sql))
        ought = {tuple(row[:count]) for row in db.execute(RECOUNTS[table])}
        for row in sorted(stored ^ ought):
            where = "is counted, and not so" if row in stored else "is so, and not counted"
            problems.append(f"{table} of deal {row[0]}: {row[1:]} {where}")
    return problems
