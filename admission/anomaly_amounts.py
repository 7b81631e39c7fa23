"""Find too much: beyond the quota, at an unusual rate, or in one buyer's hands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from admission.anomaly_bars import Bars
from admission.anomaly_prices import low_prices, price_bound
from admission.deals import Category, HoldScope
from admission.findings import Finding, FindingKind
from admission.sales import BuyerSales, DealSales

HOUR: Final = timedelta(hours=1)
UNPRICED: Final = -1
"""Stands in the measure of a quota where no absurd price is left out of the count."""


class QuotaQuestion(NamedTuple):
    """Which sales' times the look at a quota needs, counted from 0 in the order of sale.

    Attributes:
        rank: the first sale beyond the quota.
        above_minor: leave out what cost at most so much a person, and then take the same rank;
            None: nothing is left out.
        honest: whether the sales that are not left out pass the quota by themselves.
    """

    rank: int
    above_minor: int | None
    honest: bool


def ask_quota(sales: DealSales, bars: Bars) -> QuotaQuestion | None:
    """Return what must be known of a deal that was sold beyond its quota; None: it was not."""
    quota = sales.deal.quota
    if quota is None or not _beyond(sales.vouchers, quota, bars):
        return None
    low = low_prices(sales, bars)
    if not low:
        return QuotaQuestion(quota, None, honest=True)
    left_out = sum(each.vouchers for each in low)
    return QuotaQuestion(
        quota, price_bound(low), honest=_beyond(sales.vouchers - left_out, quota, bars)
    )


def _beyond(vouchers: int, quota: int, bars: Bars) -> bool:
    return vouchers - quota >= bars.quota_vouchers and vouchers > bars.quota_times * quota


def find_over_quota(sales: DealSales, bars: Bars) -> Finding | None:
    """Find vouchers sold beyond the deal's quota; a hold covers these, and none sold before.

    Vouchers at an absurd price have a hold of their own. They do not use up the quota of those who
    paid an honest price, for they will not come.
    """
    quota, asked = sales.deal.quota, ask_quota(sales, bars)
    if quota is None or asked is None:
        return None
    beyond = sales.vouchers - quota
    people = round(sales.people * beyond / sales.vouchers)
    since, scope = sales.passed.at, None
    if asked.honest:
        start = since if asked.above_minor is None else sales.passed.honest_at
        scope = HoldScope(sold_from=start)
    return Finding(
        kind=FindingKind.OVER_QUOTA,
        since=since,
        until=sales.last_at,
        vouchers=beyond,
        people=people,
        paid_minor=round(sales.paid_minor * beyond / sales.vouchers),
        face_minor=people * sales.deal.face_price_minor,
        measure={
            "quota": quota,
            "sold": sales.vouchers,
            "left_out_minor": UNPRICED if asked.above_minor is None else asked.above_minor,
        },
        scope=scope,
    )


def find_rate_surge(sales: DealSales, bars: Bars) -> Finding | None:
    """Find an hour in which a deal was sold as it never was before, and no other deal is.

    A new deal with a quota may sell it as fast as it can: that is what a flash sale is.
    """
    odd = [
        hour
        for hour in sales.hours
        if hour.people >= bars.rate_people
        and hour.people >= bars.rate_others_times * hour.busiest_other
        and _unlike_before(hour.hours_before, hour.busiest_before, hour.people, sales, bars)
    ]
    if not odd:
        return None
    worst = max(odd, key=lambda hour: (hour.people, hour.begins_at))
    first, last = min(hour.begins_at for hour in odd), max(hour.begins_at for hour in odd)
    paid = round(sales.paid_minor * worst.people / max(1, sales.people))
    return Finding(
        kind=FindingKind.RATE_SURGE,
        since=first,
        until=last + HOUR,
        vouchers=worst.vouchers,
        people=worst.people,
        paid_minor=paid,
        face_minor=worst.people * sales.deal.face_price_minor,
        measure={
            "people_an_hour": worst.people,
            "busiest_before": worst.busiest_before,
            "busiest_other": worst.busiest_other,
        },
        scope=HoldScope(sold_from=first),
    )


def _unlike_before(hours: int, busiest: int, people: int, sales: DealSales, bars: Bars) -> bool:
    if hours >= bars.rate_own_hours:
        return people >= bars.rate_own_times * busiest
    return sales.deal.quota is None


def find_hoards(sales: DealSales, bars: Bars) -> Sequence[Finding]:
    """Find accounts that bought too many within a week; deals for groups are meant for that."""
    if sales.deal.category is Category.GROUP:
        return ()
    return [_hoard(buyer, sales) for buyer in sales.buyers if buyer.people >= bars.hoard_people > 0]


def _hoard(buyer: BuyerSales, sales: DealSales) -> Finding:
    share = buyer.people / max(1, sales.people)
    return Finding(
        kind=FindingKind.BUYER_HOARD,
        subject=str(buyer.buyer_no),
        vouchers=round(sales.vouchers * share),
        people=buyer.people,
        paid_minor=round(sales.paid_minor * share),
        face_minor=buyer.people * sales.deal.face_price_minor,
        measure={"share": round(share, 4)},
    )
