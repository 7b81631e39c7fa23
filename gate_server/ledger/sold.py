"""Read what was sold of a deal from the counters, as the look at sales wants it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from admission.anomaly_amounts import UNPRICED, QuotaQuestion, ask_quota
from admission.anomaly_bars import Bars
from admission.calendar import from_ms, to_ms
from admission.code_space import MOST_CODES, CodeShape
from admission.deals import Deal
from admission.findings import FindingKind
from admission.sales import (
    BuyerSales,
    DealSales,
    HourSales,
    PriceSales,
    QuotaPassed,
    WindowSales,
)
from gate_server.ledger.findings import find_finding
from gate_server.ledger.sales import HOUR_MS, LIVING, QUARTER_MS, UNKNOWN, Touched
from gate_server.ledger.session import Session

_HOURS_A_DAY: Final = 24
_TAILS_READ: Final = 60
_PRICES: Final = (
    "SELECT price_minor, admits, vouchers, first_at, last_at FROM sale_prices"
    " WHERE deal_no = ? AND vouchers > 0"
)
_TOLD: Final = "SELECT lowest_minor FROM told_prices WHERE deal_no = ?"
_HOURS: Final = (
    "SELECT hour, people, vouchers FROM sale_hours"
    " WHERE deal_no = ? AND people >= ? AND hour IN ({}) ORDER BY hour"
)
_BEFORE: Final = (
    "SELECT COUNT(*), COALESCE(MAX(people), 0) FROM sale_hours"
    " WHERE deal_no = ? AND hour BETWEEN 0 AND ? AND people > 0"
)
_OTHERS: Final = (
    "SELECT COALESCE(MAX(people), 0) FROM sale_hours WHERE hour BETWEEN ? AND ? AND deal_no <> ?"
)
_BUYERS: Final = (
    "SELECT buyer_no, week, people FROM sale_buyers"
    " WHERE deal_no = ? AND people >= ? AND buyer_no IN ({}) ORDER BY buyer_no, week"
)
_RANKED: Final = (
    f"SELECT sold_at FROM vouchers INDEXED BY vouchers_sold WHERE deal_no = ? AND {LIVING}"  # noqa: S608
    " AND sold_at IS NOT NULL AND sold_at >= ?"
    " AND (price_paid_minor IS NULL OR price_paid_minor > ? * admits)"
    " ORDER BY sold_at LIMIT 1 OFFSET ?"
)
_BY_HOUR: Final = "SELECT hour, vouchers FROM sale_hours WHERE deal_no = ? ORDER BY hour"
_UNTIMED: Final = (
    f"SELECT COUNT(*) FROM vouchers WHERE deal_no = ? AND sold_at IS NULL AND {LIVING}"  # noqa: S608
    " AND (price_paid_minor IS NULL OR price_paid_minor > ? * admits)"
)
_WINDOWS: Final = (
    "SELECT deal_no, from_quarter, until_quarter, people FROM sale_windows WHERE people > 0"
)
_TELL: Final = (
    "INSERT INTO told_prices (deal_no, lowest_minor) VALUES (?, ?) ON CONFLICT (deal_no)"
    " DO UPDATE SET lowest_minor = MIN(lowest_minor, excluded.lowest_minor)"
)
_SHAPE: Final = "SELECT codes, space FROM code_shapes WHERE deal_no = ?"
_KEEP_SHAPE: Final = (
    "INSERT INTO code_shapes (deal_no, codes, space) VALUES (?, ?, ?) ON CONFLICT (deal_no)"
    " DO UPDATE SET codes = excluded.codes, space = excluded.space"
)
_TAILS: Final = (
    "SELECT tail FROM vouchers INDEXED BY vouchers_sold WHERE deal_no = ?"
    " AND sold_at IS NOT NULL AND parent_id IS NULL ORDER BY sold_at DESC, voucher_id DESC LIMIT ?"
)


def read_sales(tx: Session, deal: Deal, touched: Touched | None, bars: Bars) -> DealSales:
    """Return what was sold of a deal.

    Args:
        touched: what of it changed in this transaction; None: nothing, and only prices are wanted.
    """
    prices = tuple(
        PriceSales(
            None if price == UNKNOWN else price, admits, vouchers, _instant(first), _instant(last)
        )
        for price, admits, vouchers, first, last in tx.db.execute(_PRICES, (deal.deal_no,))
    )
    told = tx.db.execute(_TOLD, (deal.deal_no,)).fetchone()
    sales = DealSales(deal, prices, None if told is None else told[0])
    if touched is None:
        return sales
    hours, buyers = _hours(tx, deal, touched, bars), _buyers(tx, deal, touched, bars)
    asked = ask_quota(sales, bars)
    passed = QuotaPassed() if asked is None else _passed(tx, deal, asked, touched)
    return replace(sales, hours=hours, buyers=buyers, passed=passed)


def _hours(tx: Session, deal: Deal, touched: Touched, bars: Bars) -> tuple[HourSales, ...]:
    """Return the touched hours in which much was sold, each beside the time before its day."""
    wanted = [hour for hour in touched.hours if hour != UNKNOWN]
    if not wanted:
        return ()
    sql = _HOURS.format(",".join("?" * len(wanted)))
    rows = tx.db.execute(sql, (deal.deal_no, max(1, bars.rate_people), *wanted)).fetchall()
    found = []
    for hour, people, vouchers in rows:
        first = hour - _HOURS_A_DAY + 1
        before = tx.db.execute(_BEFORE, (deal.deal_no, first - 1)).fetchone()
        (other,) = tx.db.execute(_OTHERS, (first, hour, deal.deal_no)).fetchone()
        at = from_ms(hour * HOUR_MS)
        found.append(HourSales(at, people, vouchers, before[0], before[1], other))
    return tuple(found)


def _buyers(tx: Session, deal: Deal, touched: Touched, bars: Bars) -> tuple[BuyerSales, ...]:
    wanted = sorted(touched.buyers)
    if not wanted or bars.hoard_people == 0:
        return ()
    # One statement whatever their number: its text is kept prepared.
    sql = _BUYERS.format("SELECT value FROM json_each(?)")
    rows = tx.db.execute(sql, (deal.deal_no, bars.hoard_people, str(wanted)))
    return tuple(BuyerSales(*row) for row in rows)


def _passed(tx: Session, deal: Deal, asked: QuotaQuestion, touched: Touched) -> QuotaPassed:
    """Return when the sale passed the quota; as it is on record, where nothing earlier changed."""
    before = find_finding(tx.db, FindingKind.OVER_QUOTA, deal.deal_no, "")
    if before is not None:
        found = before.finding
        above = UNPRICED if asked.above_minor is None else asked.above_minor
        same = found.measure.get("quota") == asked.rank
        same = same and found.measure.get("left_out_minor") == above
        honest_at = None if found.scope is None else found.scope.sold_from
        known = [at for at in (found.since, honest_at) if at is not None]
        same = same and (found.scope is not None) == asked.honest and bool(known)
        if same and touched.earliest > max(map(to_ms, known)):
            return QuotaPassed(found.since, honest_at)
    at = _ranked_by_hour(tx, deal, asked.rank)
    honest_at = None
    if asked.honest and asked.above_minor is not None:
        honest_at = _ranked(tx, deal, asked.rank, asked.above_minor)
    return QuotaPassed(at, honest_at)


def _ranked_by_hour(tx: Session, deal: Deal, rank: int) -> datetime | None:
    """Return when the sale of a rank was made; by the hours' counters, so that few are read."""
    for hour, vouchers in tx.db.execute(_BY_HOUR, (deal.deal_no,)):
        if hour != UNKNOWN and rank < vouchers:
            values = deal.deal_no, hour * HOUR_MS, UNPRICED, rank
            row = tx.db.execute(_RANKED, values).fetchone()
            return None if row is None else from_ms(row[0])
        rank = max(0, rank - vouchers)
    return None


def _ranked(tx: Session, deal: Deal, rank: int, above_minor: int) -> datetime | None:
    (untimed,) = tx.db.execute(_UNTIMED, (deal.deal_no, above_minor)).fetchone()
    values = deal.deal_no, 0, above_minor, max(0, rank - untimed)
    row = tx.db.execute(_RANKED, values).fetchone()
    return None if row is None else from_ms(row[0])


def read_windows(tx: Session, now: datetime) -> Iterator[WindowSales]:
    """Return for which spans people hold vouchers, of all deals, as far as these are not over."""
    deals = tx.catalogue.deals
    for deal_no, first, last, people in tx.db.execute(_WINDOWS):
        deal = deals[deal_no]
        valid_from = deal.valid_from if first == UNKNOWN else from_ms(first * QUARTER_MS)
        valid_until = deal.valid_until if last == UNKNOWN else from_ms((last + 1) * QUARTER_MS - 1)
        if valid_until >= now:
            yield WindowSales(deal, valid_from, valid_until, people)


def join_shape(tx: Session, deal: Deal, shape: CodeShape) -> CodeShape:
    """Return what all codes of a deal so far look like, these ones too, and keep it."""
    row = tx.db.execute(_SHAPE, (deal.deal_no,)).fetchone()
    known = shape if row is None else shape.join(CodeShape(*row))
    # Beyond so many codes nothing but a wider space is news.
    if row is None or row[0] < MOST_CODES or known.space > row[1]:
        tx.db.execute(_KEEP_SHAPE, (deal.deal_no, known.codes, known.space))
    return known


def newest_tails(tx: Session, deal: Deal) -> list[str]:
    """Return the last characters of the codes sold last, newest first."""
    rows = tx.db.execute(_TAILS, (deal.deal_no, _TAILS_READ))
    return [tail for (tail,) in rows]


def tell_price(tx: Session, deal: Deal, price_minor: int) -> None:
    """Keep a price that a platform declared for a deal and can have meant."""
    tx.db.execute(_TELL, (deal.deal_no, price_minor))


@lru_cache(maxsize=16_384)  # the same sums come up at each look
def _instant(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)
