"""A day's crowd before the gates, in story time: who comes, waits, is stamped, enters or leaves.

Seeded, and nothing but its arguments matters. It is played once with marshals and once without,
with the very same people. What it assumes stands in docs/drill.md.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import simpy

from drill.story import CUT_OFF_S, GATES, HOUR_S, MARSHALS, MARSHALS_FROM_S

# Holders of one voucher each, by the hour they come in, from 09:00 on.
ARRIVALS: Final = (900, 900, 800, 700, 900, 1300, 2000, 3000, 500)
HONEST_SHARE: Final = 0.1
INSISTS_SHARE: Final = 0.25
# Seconds at a gate: to find the code and have it verified and exchanged; ready, after a marshal.
GATE_S: Final = 27.0
READY_S: Final = 20.0
REFUSAL_S: Final = 45.0
STAMP_S: Final = 5.0
SPREAD: Final = 0.4
PATIENCE_S: Final = 3 * HOUR_S
TWO_IN: Final = 5  # one voucher of five is for two people

_Steps: TypeAlias = Generator[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who comes with one voucher.

    Attributes:
        honest: has an ordinary ticket, not one of the mis-sold deal.
        patience_s: leaves after so long without having been at a gate.
        pace: how much slower than others at the gate and at the marshal.
        insists: goes to the gate although a marshal said that it will refuse.
    """

    number: int
    honest: bool
    arrives_s: float
    patience_s: float
    pace: float
    insists: bool

    @property
    def people(self) -> int:
        """How many people the voucher is for."""
        return 2 if self.number % TWO_IN == 0 else 1


@dataclass(slots=True)
class Visit:
    """What became of a visitor; None: it did not happen.

    Attributes:
        gate: which gate called them, from 0, at `served_s`.
        left_s: when patience ended, or the marshal's word was taken.
    """

    visitor: Visitor
    stamped_s: float | None = None
    marshal: int | None = None
    served_s: float | None = None
    gate: int | None = None
    left_s: float | None = None

    @property
    def proven(self) -> bool:
        """Whether there is proof that they came in time."""
        seen = [at for at in (self.stamped_s, self.served_s) if at is not None]
        return any(at <= CUT_OFF_S for at in seen)

    @property
    def turned_away(self) -> bool:
        """Whether a gate refused them although they had come in time."""
        came_in_time = not self.visitor.honest and self.visitor.arrives_s <= CUT_OFF_S
        return came_in_time and self.served_s is not None and not self.proven


@dataclass(slots=True)
class Day:
    """One day as it went.

    Attributes:
        longest_queue: most people who waited at once; `longest_wait_s` of those who were served.
        turned_away: people refused at a gate who had come in time and could not prove it.
        impatient: people who left the queue.
        ends_s: when the last one was called.
    """

    visits: list[Visit] = field(default_factory=list)
    longest_queue: int = 0
    longest_wait_s: float = 0.0
    turned_away: int = 0
    impatient: int = 0
    ends_s: float = 0.0


def draw_crowd(seed: int) -> list[Visitor]:
    """Draw all who come on the day, in the order in which they come."""
    chance = random.Random(seed)  # noqa: S311 - a crowd, no secret
    times = sorted(
        (hour + chance.random()) * HOUR_S
        for hour, holders in enumerate(ARRIVALS)
        for _ in range(holders)
    )
    return [
        Visitor(
            number=number,
            honest=chance.random() < HONEST_SHARE,
            arrives_s=at,
            patience_s=chance.expovariate(1 / PATIENCE_S),
            pace=chance.lognormvariate(-SPREAD * SPREAD / 2, SPREAD),
            insists=chance.random() < INSISTS_SHARE,
        )
        for number, at in enumerate(times)
    ]


def play_day(crowd: list[Visitor], *, marshals: bool) -> Day:
    """Let a crowd come; the gates stay open until the last has been called or has left."""
    model = _Model(crowd, marshals=marshals)
    model.run()
    return model.day


class _Model:
    """The queue, its gates and its marshals."""

    def __init__(self, crowd: list[Visitor], *, marshals: bool) -> None:
        self.day = Day([Visit(visitor) for visitor in crowd])
        self._env = simpy.Environment()
        self._gates = self._store(GATES)
        self._marshals = self._store(MARSHALS) if marshals else None
        self._waiting = 0

    def run(self) -> None:
        """Run to the end of the day."""
        for visit in self.day.visits:
            self._env.process(self._come(visit))
        self._env.run()
        day = self.day
        day.turned_away = sum(each.visitor.people for each in day.visits if each.turned_away)

    def _store(self, count: int) -> simpy.Store:
        store = simpy.Store(self._env)
        store.items.extend(range(count))
        return store

    def _come(self, visit: Visit) -> _Steps:
        env, visitor = self._env, visit.visitor
        yield env.timeout(visitor.arrives_s)
        self._wait(visitor.people)
        if self._marshals is not None and env.now >= MARSHALS_FROM_S:
            yield from self._stamp(visit, self._marshals)
        if visit.left_s is None:
            yield from self._pass(visit)

    def _stamp(self, visit: Visit, marshals: simpy.Store) -> _Steps:
        visitor = visit.visitor
        visit.marshal = yield marshals.get()
        yield self._env.timeout(STAMP_S * visitor.pace)
        visit.stamped_s = self._env.now
        yield marshals.put(visit.marshal)
        if not visitor.honest and not visit.proven and not visitor.insists:
            # The marshal has told them what the gate would say.
            self._leave(visit)

    def _pass(self, visit: Visit) -> _Steps:
        env, visitor = self._env, visit.visitor
        called = self._gates.get()
        if not called.triggered:
            left_s = visitor.arrives_s + visitor.patience_s - env.now
            yield called | env.timeout(max(0.0, left_s))
        if not called.triggered:
            called.cancel()
            self.day.impatient += visitor.people
            self._leave(visit)
            return
        visit.gate, visit.served_s = called.value, env.now
        self._wait(-visitor.people)
        self.day.longest_wait_s = max(self.day.longest_wait_s, env.now - visitor.arrives_s)
        self.day.ends_s = env.now
        yield env.timeout(self._service_s(visit))
        yield self._gates.put(visit.gate)

    def _service_s(self, visit: Visit) -> float:
        usual = GATE_S if visit.stamped_s is None else READY_S
        refused = not visit.visitor.honest and not visit.proven
        return usual * visit.visitor.pace + (REFUSAL_S if refused else 0.0)

    def _leave(self, visit: Visit) -> None:
        visit.left_s = self._env.now
        self._wait(-visit.visitor.people)

    def _wait(self, people: int) -> None:
        self._waiting += people
        self.day.longest_queue = max(self.day.longest_queue, self._waiting)


def sample(day: Day, share: float) -> list[Visit]:
    """Return an even part of the visits, so that a small drill has a day of the same shape."""
    return [
        visit
        for number, visit in enumerate(day.visits)
        if math.floor((number + 1) * share) > math.floor(number * share)
    ]
