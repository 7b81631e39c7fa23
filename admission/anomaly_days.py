"""Find days for which more people hold vouchers than the venue takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from admission.anomaly_bars import Bars
from admission.calendar import Venue
from admission.deals import Deal
from admission.findings import Finding, FindingKind
from admission.sales import WindowSales

ONE: Final = timedelta(days=1)


def people_by_day(
    windows: Iterable[WindowSales], venue: Venue, bars: Bars, now: datetime
) -> dict[date, float]:
    """Return how many people are to be expected on each day from today on, by their vouchers.

    Who may come on any of several days is counted on each of them in part: in all, once. Windows
    that are longer than `day_longest` say too little about any day.
    """
    people: dict[date, float] = defaultdict(float)
    today = venue.day_of(now)
    for each in windows:
        days = _open_days(each.deal, each.valid_from, each.valid_until, venue, bars.day_longest)
        for day in days:
            if day >= today:
                people[day] += each.people / len(days)
    return people


@lru_cache(maxsize=16_384)  # the same windows come up at each look
def _open_days(
    deal: Deal, valid_from: datetime, valid_until: datetime, venue: Venue, longest: int
) -> tuple[date, ...]:
    first, last = venue.day_of(valid_from), venue.day_of(valid_until)
    count = (last - first).days + 1
    if count > longest:
        return ()
    return tuple(day for n in range(count) if deal.opens_on(day := first + n * ONE))


def find_full_days(
    windows: Iterable[WindowSales], venue: Venue, bars: Bars, now: datetime
) -> list[Finding]:
    """Find days beyond the venue's capacity; no one deal is at fault, so nothing is held."""
    if bars.day_capacity == 0:
        return []
    people = people_by_day(windows, venue, bars, now)
    return [
        Finding(
            kind=FindingKind.DAY_OVER_CAPACITY,
            subject=day.isoformat(),
            since=venue.day_bounds(day)[0],
            until=venue.day_bounds(day)[1],
            people=round(count),
            measure={"people": round(count), "capacity": bars.day_capacity},
        )
        for day, count in sorted(people.items())
        if count > bars.day_capacity
    ]
