"""Find hours in which one person overrode, annulled or struck far more than is usual here.

It accuses nobody: a broken turnstile makes annulments, a platform's fault makes overrides. It says
where to ask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias


class Act(StrEnum):
    """What is counted. Sent: add one, never rename one.

    `OVERRIDE_OWN` is an override of a scan that the same operator had presented; it is counted as
    an `OVERRIDE` too.
    """

    OVERRIDE = "override"
    OVERRIDE_OWN = "override_own"
    ANNUL = "annul"
    STRIKE = "strike"


FLOORS: Mapping[Act, int] = MappingProxyType(
    {Act.OVERRIDE: 8, Act.OVERRIDE_OWN: 3, Act.ANNUL: 6, Act.STRIKE: 8}
)
"""Fewer acts of a person in an hour are never an alarm, whatever is usual."""

TIMES_USUAL = 3.0
"""From how many times the venue's median hour on."""

LEAST_HOURS = 12
"""With fewer hours known than that the median says nothing, and the floors alone count, doubled."""


PersonKind: TypeAlias = Literal["operator", "account", "device"]


class Person(NamedTuple):
    """Who did something: `operator`, `account` or `device`, and its name."""

    kind: PersonKind
    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """One override, annulment or strike."""

    act: Act
    by: Person
    at: datetime
    people: int


@dataclass(frozen=True, slots=True)
class Hour:
    """What one person did of one kind within one clock hour."""

    act: Act
    by: Person
    hour_from: datetime
    acts: int
    people: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """An hour that stands out; `usual` is the median of the venue's hours with any such act."""

    hour: Hour
    usual: float


def by_hour(done: Iterable[Done]) -> list[Hour]:
    """Return what was done by kind, person and clock hour, the oldest first."""
    sums: dict[tuple[Act, Person, datetime], list[int]] = defaultdict(lambda: [0, 0])
    for each in done:
        hour_from = each.at.replace(minute=0, second=0, microsecond=0)
        total = sums[each.act, each.by, hour_from]
        total[0] += 1
        total[1] += each.people
    hours = [Hour(*key, *total) for key, total in sums.items()]
    return sorted(hours, key=lambda hour: (hour.hour_from, hour.act, hour.by))


def find_alarms(hours: Iterable[Hour], before: Iterable[Hour]) -> list[Alarm]:
    """Return the hours that stand out, the largest first.

    Args:
        hours: of the day that is looked at.
        before: hours of the days before it, to say what is usual here. An hour in which nothing
            was done is not among them, so that a quiet venue does not make everyone stand out.
    """
    known: dict[Act, list[int]] = defaultdict(list)
    for hour in before:
        known[hour.act].append(hour.acts)
    usual = {act: float(median(known[act])) if known[act] else 0.0 for act in Act}
    alarms = [
        Alarm(hour, usual[hour.act])
        for hour in hours
        if hour.acts >= _bar(hour.act, usual[hour.act], len(known[hour.act]))
    ]
    return sorted(alarms, key=lambda alarm: (-alarm.hour.acts, alarm.hour.hour_from, alarm.hour.by))


def _bar(act: Act, usual: float, hours_known: int) -> float:
    if hours_known < LEAST_HOURS:
        return FLOORS[act] * 2
    return max(FLOORS[act], usual * TIMES_USUAL)
