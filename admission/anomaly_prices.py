"""Find prices a person that nobody meant: against face value, what was declared, and the others."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from admission.anomaly_bars import Bars
from admission.deals import Category, Deal, HoldScope
from admission.findings import Finding, FindingKind
from admission.sales import DealSales, PriceSales

CHEAP_CATEGORIES: Final = frozenset(
    {Category.CHILD, Category.STUDENT, Category.SENIOR, Category.CONCESSION, Category.STAFF}
)
"""Categories that may be sold for next to nothing, if their platform declares that price."""
_NEARLY: Final = 0.8
_AMOUNT: Final = re.compile(r"(?<![\d.])(\d{1,6}(?:\.\d{1,2})?)(?![\d.])")


def told_price(deal: Deal, bars: Bars) -> int | None:
    """Return the price a person that a deal declares, if it can be meant.

    A declared price far below face value is meant for children and the like, or where the deal's
    title names it; else it may be the very mistake that is looked for.
    """
    price = deal.sale_price_minor
    if price is None or price >= bars.price_face_share * deal.face_price_minor:
        return price
    if deal.category in CHEAP_CATEGORIES or _named(price, deal.title):
        return price
    return None


def _named(price_minor: int, title: str) -> bool:
    """Say whether a title names a price: `1 yuan family day`."""
    return any(round(float(each) * 100) == price_minor for each in _AMOUNT.findall(title))


def low_prices(sales: DealSales, bars: Bars) -> list[PriceSales]:
    """Return the sales at an absurd price, if there are enough of them to be no test order."""
    least = _least_price(sales, bars)
    known = [each for each in sales.prices if each.vouchers > 0 and each.price_minor is not None]
    highest = max((each.unit_minor for each in known), default=0.0)
    # Most prices are nowhere near: what is not below the highest bar needs no closer look.
    bar = max(least, highest * max(bars.price_others_share, bars.price_admits_share))
    low = [
        each
        for each in known
        if each.unit_minor < bar
        and (
            each.unit_minor < least
            or _below_others(each, known, highest, sales, bars)
            or _for_fewer(each, known, highest, sales, bars)
        )
    ]
    return low if sum(each.vouchers for each in low) >= bars.price_vouchers else []


def _least_price(sales: DealSales, bars: Bars) -> float:
    """Return below which price a person a sale is absurd, by what its deal says."""
    told = _told(sales, bars)
    if told is None:
        return bars.price_face_share * sales.deal.face_price_minor
    return bars.price_declared_share * told


def _told(sales: DealSales, bars: Bars) -> int | None:
    told = told_price(sales.deal, bars), sales.lowest_told_minor
    return min((each for each in told if each is not None), default=None)


def _below_others(
    low: PriceSales, known: list[PriceSales], highest: float, sales: DealSales, bars: Bars
) -> bool:
    """Say whether a price that nobody declared is far below what was paid before it came up."""
    if low.unit_minor >= bars.price_others_share * highest or _told(sales, bars) is not None:
        return False
    usual = _usual(_before(known, low.first_at), bars)
    return usual is not None and low.unit_minor < bars.price_others_share * usual


def _for_fewer(
    low: PriceSales, known: list[PriceSales], highest: float, sales: DealSales, bars: Bars
) -> bool:
    """Say whether a voucher costs what one for fewer people cost before it came up."""
    if low.admits == 1 or low.unit_minor >= bars.price_admits_share * highest:
        return False
    told = _told(sales, bars)
    if told is not None and low.unit_minor >= _NEARLY * told:
        return False  # two for the price of one, and declared so
    fewer = [each for each in _before(known, low.first_at) if each.admits < low.admits]
    usual = _usual(fewer, bars)
    return usual is not None and low.unit_minor < bars.price_admits_share * usual


def _before(known: Iterable[PriceSales], at: datetime | None) -> list[PriceSales]:
    if at is None:
        return []
    return [each for each in known if each.first_at is not None and each.first_at < at]


def _usual(others: list[PriceSales], bars: Bars) -> float | None:
    """Return the price a person of the middle one of other vouchers; None where they are few."""
    count = sum(each.vouchers for each in others)
    if count < bars.price_others_vouchers:
        return None
    seen = 0
    for each in sorted(others, key=lambda other: other.unit_minor):
        seen += each.vouchers
        if 2 * seen >= count:
            return each.unit_minor
    return None


def find_low_price(sales: DealSales, bars: Bars) -> Finding | None:
    """Find vouchers that were sold for much less than was ever meant."""
    low = low_prices(sales, bars)
    if not low:
        return None
    deal, people = sales.deal, sum(each.people for each in low)
    paid = sum(each.paid_minor for each in low)
    since = min((each.first_at for each in low if each.first_at is not None), default=None)
    return Finding(
        kind=FindingKind.PRICE_LOW,
        since=since,
        until=max((each.last_at for each in low if each.last_at is not None), default=None),
        vouchers=sum(each.vouchers for each in low),
        people=people,
        paid_minor=paid,
        face_minor=people * deal.face_price_minor,
        measure={
            "lowest_minor": math.floor(min(each.unit_minor for each in low)),
            "highest_minor": price_bound(low),
            "expected_minor": _expected(sales, low, bars),
        },
        scope=HoldScope(sold_from=since, price_at_most_minor=price_bound(low)),
    )


def price_bound(low: list[PriceSales]) -> int:
    """Return the least whole price a person that bounds all of these."""
    return math.ceil(max(each.unit_minor for each in low))


def _expected(sales: DealSales, low: list[PriceSales], bars: Bars) -> int:
    """Return what a person should have paid: what was declared, what others paid, or face value."""
    told = _told(sales, bars)
    if told is not None:
        return told
    usual = _usual([each for each in sales.prices if each not in low and each.vouchers > 0], bars)
    return sales.deal.face_price_minor if usual in (None, float("inf")) else round(usual or 0)
