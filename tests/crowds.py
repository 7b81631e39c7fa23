"""Days at a park as counters see them: seeded crowds by deal and minute, looked at each minute."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from admission.surges import (
    BEFORE_SLOTS,
    WINDOW_SLOTS,
    DealScans,
    Look,
    Surge,
    SurgeBars,
    Usual,
    next_steps,
)

BARS = SurgeBars(scans=150, refused=60, called=40)
MIDNIGHT = datetime(2015, 2, 12, tzinfo=UTC)
OPENS, CLOSES = 8 * 60 + 30, 19 * 60
Rate = Callable[[int], float]


@dataclass(frozen=True)
class Crowd:
    """Who comes with one deal: scans a minute, and what part of them is refused or referred."""

    rate: Rate
    refused: Rate = lambda _minute: 0.02
    called: Rate = lambda _minute: 0.01


def peak(minute: int, width: float, people: int) -> Rate:
    """Return the pace of a crowd that comes round a minute of the day."""

    def rate(now: int) -> float:
        if now < OPENS:
            return 0.0
        return people / (width * 2.5066) * math.exp(-(((now - minute) / width) ** 2) / 2)

    return rate


def steady(value: float, since: int = 0) -> Rate:
    """Return the same number from a minute on."""
    return lambda now: value if now >= since else 0.0


def an_ordinary_day(**others: Crowd) -> dict[int, Crowd]:
    """60,000 visitors; 2 are families in the morning, 5 come for the evening, many too early."""
    day = {
        1: Crowd(peak(600, 70, 25_000)),
        2: Crowd(peak(570, 35, 9_000), steady(0.015), steady(0.02)),
        3: Crowd(peak(640, 80, 5_000), steady(0.03), steady(0.03)),
        4: Crowd(peak(620, 120, 8_000)),
        5: Crowd(peak(975, 40, 6_000), lambda now: 0.5 if now < 960 else 0.02),
        6: Crowd(peak(590, 40, 7_000), steady(0.01), steady(0.03)),
    }
    return day | {int(name.removeprefix("deal_")): crowd for name, crowd in others.items()}


A_WEEK = Usual(busiest=10_500, shares={1: 0.42, 2: 0.35, 3: 0.2, 4: 0.14, 5: 0.2, 6: 0.15})


@dataclass
class Day:
    """A day as it goes on; `rose` has the minute of each surge."""

    crowds: dict[int, Crowd]
    seed: int
    usual: Usual = A_WEEK
    bars: SurgeBars = BARS
    rose: list[tuple[int, Surge]] = field(default_factory=list)
    fell: list[tuple[int, int]] = field(default_factory=list)

    def run(self, first: int = OPENS - 30, last: int = CLOSES) -> Day:
        chance, up = random.Random(self.seed), frozenset[int]()
        slots: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0] * 3))
        for minute in range(first, last):
            for deal_no, crowd in self.crowds.items():
                rate = crowd.rate(minute)
                scans = max(0, round(chance.gauss(rate, math.sqrt(max(rate, 0.01)))))
                slot = slots[minute // 5][deal_no]
                slot[0] += scans
                slot[1] += some(chance, scans, crowd.refused(minute))
                slot[2] += some(chance, scans, crowd.called(minute))
            steps = next_steps(up, self._look(slots, minute), self.bars)
            self.rose += [(minute, each) for each in steps.rose]
            self.fell += [(minute, deal_no) for deal_no in steps.fell]
            up = (up | {each.deal_no for each in steps.rose}) - set(steps.fell)
        return self

    def _look(self, slots: dict[int, dict[int, list[int]]], minute: int) -> Look:
        begin = minute // 5 - WINDOW_SLOTS + 1
        return Look(
            since=MIDNIGHT + timedelta(minutes=5 * begin),
            minutes=minute - 5 * begin + 1,
            latest=joined(slots, range(begin, begin + WINDOW_SLOTS)),
            before=joined(slots, range(begin - BEFORE_SLOTS, begin)),
            usual=self.usual,
        )


def some(chance: random.Random, scans: int, part: float) -> int:
    """Return how many of some scans it happens to."""
    return sum(chance.random() < part for _ in range(scans))


def joined(slots, wanted) -> dict[int, DealScans]:
    """Return the sums of some slots."""
    sums: dict[int, list[int]] = defaultdict(lambda: [0] * 3)
    for slot in wanted:
        for deal_no, counts in slots.get(slot, {}).items():
            for place, count in enumerate(counts):
                sums[deal_no][place] += count
    return {deal_no: DealScans(*counts) for deal_no, counts in sums.items()}
