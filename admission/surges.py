"""Find the deal whose scans, refusals or calls surge. Counts come in; nobody is accused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from admission.errors import InvalidInput
from admission.voids import Honour

SLOT: Final = timedelta(minutes=5)
"""Scans are counted by so long a time, from the hour on."""
WINDOW_SLOTS: Final = 3
"""The running slot and those just before it are what is looked at: 10 to 15 minutes."""
BEFORE_SLOTS: Final = 12
"""The hour before those is what it is compared with."""
USUAL_DAYS: Final = 8
"""What is usual is known from so many days: the same day of last week is one of them."""

_LEAST_SHARE: Final = 0.25
_LEAST_PART: Final = 0.25
_LEAST_OF_ALL: Final = 0.3
_TIMES: Final = 3.0
_FASTER: Final = 2.0
_LOWEST_SHARE: Final = 0.02
_DAY_HOURS: Final = 24
_DAYS_LEAST: Final = 4
# Of few scans nothing is known: they count as if a hundred ordinary ones were among them.
_ORDINARY_SCANS, _ORDINARY_STOPPED = 100, 5


class Measure(StrEnum):
    """What surges; stored, so never renamed. The first one that does names the surge."""

    REFUSED = "refused"
    CALLED = "called"
    SCANS = "scans"


@dataclass(frozen=True, slots=True)
class SurgeBars:
    """From how many within a quarter of an hour a deal can surge: fewer are no crowd.

    Attributes:
        scans: of one deal; `refused`, `called` are those of them that were refused or referred.
    """

    scans: int
    refused: int
    called: int

    def __post_init__(self) -> None:
        for name in ("scans", "refused", "called"):
            if not 10 <= getattr(self, name) <= 100_000:
                raise InvalidInput(f"surges.{name}", "give a number from 10 to 100000")


@dataclass(frozen=True, slots=True)
class DealScans:
    """Scans of one deal in some time."""

    scans: int = 0
    refused: int = 0
    called: int = 0

    def of(self, measure: Measure) -> int:
        """Return how many there are of a measure."""
        found: int = getattr(self, measure.value)
        return found


NO_SCANS: Final = DealScans()
ByDeal = Mapping[int, DealScans]


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual of the days before.

    Attributes:
        busiest: scans of all deals in the busiest hour; 0: nothing is known.
        shares: by deal, its part of all scans on the day on which that was largest.
    """

    busiest: int = 0
    shares: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What was scanned, by deal number.

    Attributes:
        since: the first instant of `latest`; `minutes` is how long that lasts by now.
        latest: in the window; `before`: in the hour before it.
    """

    since: datetime
    minutes: float
    latest: ByDeal
    before: ByDeal
    usual: Usual = field(default_factory=Usual)


@dataclass(frozen=True, slots=True)
class Surge:
    """One deal that surges.

    Attributes:
        count: of the measure, in the window.
        share: of the measure `scans`: its part of all scans; else the part of its own scans that
            were stopped so. `before`: the same in the time that it is compared with.
    """

    deal_no: int
    measure: Measure
    since: datetime
    count: int
    share: float
    before: float


@dataclass(frozen=True, slots=True)
class Steps:
    """What a look changes: deals that surge now, and those that do no more."""

    rose: list[Surge]
    fell: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgeCard:
    """What staff have to know of a deal that surges, as of the last look.

    Attributes:
        sold: vouchers; `people_sold`: those that they admit; `used`: people let in so far.
        still_to_come: people that may come yet today, at most.
        state: `busy`, or `voided` or `held`, by what is in force.
        honour: whom the terms of a void let in.
    """

    measure: Measure
    since: datetime
    count: int
    share: float
    before: float
    sold: int
    people_sold: int
    used: int
    still_to_come: int
    refused: int
    share_of_scans: float
    state: Literal["voided", "held", "busy"]
    say_zh: str
    say_en: str
    state_since: datetime
    honour: Honour | None = None
    cost_bearer: str | None = None


def next_steps(up: frozenset[int], look: Look, bars: SurgeBars) -> Steps:
    """Return which deals begin to surge, the largest first, and which have fallen back.

    A deal surges once, until it has fallen and rises again. It falls only well below where it
    rose, and its hour before does not matter any more: a surge that lasts becomes its own.

    Args:
        up: the deals that surge already.
    """
    rose = [each for each in find_surges(look, bars) if each.deal_no not in up]
    fell = [deal_no for deal_no in sorted(up) if not _stays_up(look, deal_no, bars)]
    return Steps(rose, fell)


def find_surges(look: Look, bars: SurgeBars) -> list[Surge]:
    """Return the deals that stand out by their own hour before and by the others now."""
    found = (_surge_of(look, deal_no, bars) for deal_no in look.latest)
    surges = [each for each in found if each is not None]
    return sorted(surges, key=lambda each: (-look.latest[each.deal_no].scans, each.deal_no))


def _surge_of(look: Look, deal_no: int, bars: SurgeBars) -> Surge | None:
    for measure in Measure:
        if measure is Measure.SCANS:
            surge = _many_scans(look, deal_no, bars)
        else:
            surge = _many_stopped(look, deal_no, measure, bars)
        if surge is not None:
            return surge
    return None


def _many_stopped(look: Look, deal_no: int, measure: Measure, bars: SurgeBars) -> Surge | None:
    """Say whether far more of a deal's scans are refused, or referred, than before and elsewhere.

    No time before is needed: on the morning after an odd sale there is none.
    """
    own, everybody = look.latest[deal_no], _sum(look.latest)
    count = own.of(measure)
    if count < getattr(bars, measure.value) or count < _LEAST_OF_ALL * everybody.of(measure):
        return None
    part = count / own.scans
    others = _part(everybody.of(measure) - count, everybody.scans - own.scans)
    earlier = look.before.get(deal_no, NO_SCANS)
    before = _part(earlier.of(measure), earlier.scans)
    if part < _LEAST_PART or part < _TIMES * max(others, before):
        return None
    return Surge(deal_no, measure, look.since, count, round(part, 4), round(before, 4))


def _many_scans(look: Look, deal_no: int, bars: SurgeBars) -> Surge | None:
    """Say whether a deal makes the venue busier than it was: its share, its pace, and all scans.

    The mix of deals changes with the hour and the day of the week, so a share alone says nothing.
    Where nothing is known of the days before, nothing is known to be unusual.
    """
    count, total = look.latest[deal_no].scans, _sum(look.latest).scans
    share, minutes = count / max(1, total), max(1.0, look.minutes)
    busiest = look.usual.busiest / _minutes(BEFORE_SLOTS)
    if count < bars.scans or share < _LEAST_SHARE or not 0 < busiest < total / minutes:
        return None
    usual = look.usual.shares.get(deal_no, 0.0)
    if share < _TIMES * max(usual, _LOWEST_SHARE):
        return None
    hour_before, scans_before = _sum(look.before).scans, look.before.get(deal_no, NO_SCANS).scans
    if hour_before >= bars.scans:
        if count / minutes < _FASTER * scans_before / _minutes(BEFORE_SLOTS):
            return None
        if share < _FASTER * scans_before / hour_before:
            return None
    return Surge(deal_no, Measure.SCANS, look.since, count, round(share, 4), round(usual, 4))


def _stays_up(look: Look, deal_no: int, bars: SurgeBars) -> bool:
    own = look.latest.get(deal_no, NO_SCANS)
    stopped = any(
        own.of(measure) >= getattr(bars, measure.value) / 2
        and own.of(measure) >= _LEAST_PART / 2 * own.scans
        for measure in (Measure.REFUSED, Measure.CALLED)
    )
    many = own.scans >= bars.scans / 2 and own.scans >= (_LEAST_SHARE / 2 * _sum(look.latest).scans)
    return stopped or many


def usual_of(hours: Mapping[int, Mapping[int, int]], until: int, bars: SurgeBars) -> Usual:
    """Return what is usual by the hours before one.

    Args:
        hours: scans by hour and deal, hours counted since 1970.
        until: that hour; days are counted back from it.
        bars: a day with few scans says nothing.
    """
    days: dict[int, Counter[int]] = defaultdict(Counter)
    busiest = 0
    for hour, scans in hours.items():
        if hour < until:
            days[(until - 1 - hour) // _DAY_HOURS].update(scans)
            busiest = max(busiest, sum(scans.values()))
    known = [day for day in days.values() if day.total() >= _DAYS_LEAST * bars.scans]
    if not known:
        return Usual()
    shares = {
        deal_no: max(day[deal_no] / day.total() for day in known)
        for deal_no in {deal_no for day in known for deal_no in day}
    }
    return Usual(busiest, shares)


def _part(stopped: int, scans: int) -> float:
    return (stopped + _ORDINARY_STOPPED) / (scans + _ORDINARY_SCANS)


def _sum(counts: ByDeal) -> DealScans:
    each = counts.values()
    return DealScans(
        sum(one.scans for one in each),
        sum(one.refused for one in each),
        sum(one.called for one in each),
    )


def _minutes(slots: int) -> float:
    return slots * SLOT / timedelta(minutes=1)
