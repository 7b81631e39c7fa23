"""Find the deals that explain why it is busy. Counts and thresholds come in; nobody is accused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from admission.calendar import Venue
from admission.deals import Deal
from admission.voids import Void

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bar:
    """From when a deal stands out.

    Attributes:
        scans: least scans, of it lately and of all before.
        share: least part of the latest scans that is its own.
        times: how many times its usual part that must be.
        hours: of so many hours with scans its usual part is made.
    """

    scans: int
    share: float
    times: float
    hours: int


def latest_from(now: datetime, young: timedelta) -> datetime:
    """Return since when scans are the latest: this hour, and the one before while it is young."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return hour - HOUR if now - hour < young else hour


def latest_and_usual(
    hours: Mapping[int, Mapping[int, int]], latest: int, most: int
) -> tuple[Counter[int], Counter[int]]:
    """Return the scans by deal lately, and in the hours with scans before.

    Args:
        hours: scans by hour and deal, hours counted since 1970.
        latest: the first hour of the latest scans.
        most: how many earlier hours.
    """
    now: Counter[int] = Counter()
    usual: Counter[int] = Counter()
    before = sorted(hour for hour in hours if hour < latest and any(hours[hour].values()))
    for hour in before[-most:]:
        usual.update(hours[hour])
    for hour, scans in hours.items():
        if hour >= latest:
            now.update(scans)
    return now, usual


def find_busy(now: Mapping[int, int], usual: Mapping[int, int], bar: Bar) -> list[int]:
    """Return the deals whose part of the latest scans stands out, the largest first.

    Where little was scanned before, nothing is known to be unusual.
    """
    total, before = sum(now.values()), sum(usual.values())
    if total < bar.scans or before < bar.scans:
        return []
    found = [
        deal_no
        for deal_no, scans in now.items()
        if scans >= bar.scans
        and scans >= bar.share * total
        and scans * before >= bar.times * usual.get(deal_no, 0) * total
    ]
    return sorted(found, key=lambda deal_no: (-now[deal_no], deal_no))


def matters_today(void: Void, deal: Deal, now: datetime) -> bool:
    """Say whether people may still come on a voided deal: by its window, or by its terms."""
    until = deal.valid_until + deal.late
    return now <= until or (void.honour is not None and now <= void.honour.admit_until)


def still_to_come(deal: Deal, now: datetime, venue: Venue, *, sold: int, used: int) -> int:
    """Return how many people may come yet on this venue day, at most.

    Args:
        sold: people that its vouchers admit; `used` of them are in already.
    """
    day = venue.day_of(now)
    first, last = venue.day_bounds(day)
    if not deal.opens_on(day) or deal.valid_from - deal.early > last:
        return 0
    closes = min(last, deal.valid_until + deal.late)
    if deal.hours is not None:
        closes = min(closes, venue.hours_of(day, deal.hours)[1] + deal.late)
    return max(0, sold - used) if first <= now <= closes else 0
