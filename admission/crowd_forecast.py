"""Forecast today's arrivals and how many will be inside, from past days and unused vouchers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from admission.crowd_queues import Range

SLOT: Final = timedelta(minutes=15)
SLOT_MINUTES: Final = 15
LEAST_DAY: Final = 30
"""A day with fewer people was closed, or a trial; nothing is known from it."""
_HALF_TRUSTED: Final = 0.15
_LEAST_SPREAD, _UNKNOWN_SPREAD = 0.05, 0.25
_LEAST_PART: Final = 0.01


@dataclass(frozen=True, slots=True)
class PastDay:
    """A venue day that is over, by slots from its beginning.

    Attributes:
        arrivals: persons new to the venue; `exits` people who left and were counted.
        dated_sold: people with vouchers for this day alone; `dated_came` those who did come.
    """

    day: date
    arrivals: tuple[int, ...]
    exits: tuple[int, ...] = ()
    dated_sold: int = 0
    dated_came: int = 0

    @property
    def people(self) -> int:
        """All who came."""
        return sum(self.arrivals)


@dataclass(frozen=True, slots=True)
class Today:
    """The running venue day.

    Attributes:
        elapsed_min: since its beginning; `slots` it has in all.
        people: persons who came so far; `inside` are in now.
        dated_sold, dated_came: as of a past day, so far.
        unused: people with valid vouchers that may still come today, at most.
        counts_exits: exits are counted here.
    """

    day: date
    begins_at: datetime
    elapsed_min: float
    slots: int
    people: int
    inside: int
    dated_sold: int = 0
    dated_came: int = 0
    unused: int = 0
    counts_exits: bool = True


@dataclass(frozen=True, slots=True)
class Coming:
    """What is expected of one slot that is still to come: arrivals, and people in at its end.

    Attributes:
        inside: None where no exits are counted.
    """

    begins_at: datetime
    people: int
    inside: int | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of today.

    Attributes:
        people: all who come today; `still_to_come` of them are not here yet.
        days: from so many past days.
        peak_inside: most people inside at once from now on, and when; None: exits not counted.
    """

    people: Range
    still_to_come: int
    days: int
    slots: tuple[Coming, ...]
    peak_inside: int | None
    peak_at: datetime | None


def forecast(today: Today, past: Sequence[PastDay]) -> Forecast | None:
    """Return what is expected of today; None where no past day is known.

    Two ways: what came so far, over the share of a day that has usually come by now; and
    what is sold for today, with those who come without such a voucher as on past days. The first
    is trusted the more, the more of a day has usually come.
    """
    days = _alike([each for each in past if each.people >= LEAST_DAY], today.day)
    if not days:
        return None
    shares = [_part(each.arrivals, today.elapsed_min) / each.people for each in days]
    so_far = statistics.fmean(shares)
    before, spread = _before(today, days)
    trust = so_far / (so_far + _HALF_TRUSTED)
    by_curve = today.people / so_far if so_far >= _LEAST_PART else before
    value = max(float(today.people), trust * by_curve + (1 - trust) * before)
    left = max(0.0, value - today.people)
    error = math.hypot(trust * value * _spread(shares, so_far), (1 - trust) * before * spread)
    found = Range.of(value, error)
    people = Range(value, max(float(today.people), found.low), found.high)
    slots = _coming(today, days, left, value)
    peak = max(slots, key=lambda each: each.inside or 0, default=None)
    known = today.counts_exits and peak is not None and (peak.inside or 0) > today.inside
    peak_at = peak.begins_at + SLOT if peak is not None and known else None
    inside = max([today.inside, *(each.inside or 0 for each in slots)])
    return Forecast(
        people, round(left), len(days), slots, inside if today.counts_exits else None, peak_at
    )


def _alike(days: list[PastDay], today: date) -> list[PastDay]:
    """Return the days of the same kind, weekday or weekend, where there are three of them."""
    kind = [each for each in days if (each.day.weekday() >= 5) == (today.weekday() >= 5)]
    return kind if len(kind) >= 3 else days


def _part(slots: Sequence[int], elapsed_min: float) -> float:
    """Return how many came in the first minutes of a day."""
    whole = int(elapsed_min // SLOT_MINUTES)
    rest = elapsed_min / SLOT_MINUTES - whole
    part = sum(slots[:whole]) + (rest * slots[whole] if whole < len(slots) else 0.0)
    return float(part)


def _at(slots: Sequence[int], slot: int) -> int:
    return slots[slot] if slot < len(slots) else 0


def _spread(shares: Sequence[float], mean: float) -> float:
    """Return by how much the share of a day that has come differs between days."""
    if len(shares) < 2 or mean <= 0:
        return _UNKNOWN_SPREAD
    return max(_LEAST_SPREAD, statistics.stdev(shares) / mean)


def _before(today: Today, days: Sequence[PastDay]) -> tuple[float, float]:
    """Return whom one would expect without looking at who came so far, and its relative error."""
    sold, came = sum(each.dated_sold for each in days), sum(each.dated_came for each in days)
    shown = min(1.0, came / sold) if sold else 1.0
    others = [each.people - each.dated_came for each in days]
    expected = today.dated_sold * shown + statistics.fmean(others)
    if today.unused:  # nobody comes on a voucher that is not there, nor without one more than ever
        expected = min(expected, float(today.people + today.unused + max(others)))
    if len(days) < 2:
        return expected, _UNKNOWN_SPREAD
    off = [each.people - each.dated_sold * shown - statistics.fmean(others) for each in days]
    mean = statistics.fmean(each.people for each in days)
    return expected, max(_LEAST_SPREAD, statistics.pstdev(off) / mean)


def _coming(
    today: Today, days: Sequence[PastDay], left: float, people: float
) -> tuple[Coming, ...]:
    """Spread those still to come over the rest of the day, and let people leave as they do."""
    total = sum(each.people for each in days)
    elapsed, first = today.elapsed_min, int(today.elapsed_min // SLOT_MINUTES)
    weights = []
    for slot in range(first, today.slots):
        left_of_it = min(1.0, slot + 1 - elapsed / SLOT_MINUTES)
        came = left_of_it * sum(_at(day.arrivals, slot) for day in days)
        went = left_of_it * sum(_at(day.exits, slot) for day in days)
        weights.append((slot, came, went))
    rest = sum(came for _, came, _ in weights)
    inside, found = float(today.inside), []
    for slot, came, went in weights:
        arrive = left * came / rest if rest else 0.0
        inside = max(0.0, inside + arrive - people * went / total)
        begins_at = today.begins_at + slot * SLOT
        found.append(
            Coming(begins_at, round(arrive), round(inside) if today.counts_exits else None)
        )
    return tuple(found)
