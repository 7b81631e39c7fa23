"""A crowd before the gates, by events: what really happened, and what a gate server could see.

    python benchmarks/sim_crowd.py [--kind rising] [--seed 1]

Seeded, and nothing but its plan matters. It knows no estimator: it was written before there was
one. The model: parties of one to five come at a rate that changes with time (Poisson), and join one
line, or the shortest of each gate's own. A gate calls the next party, takes a time that depends on
the gate and on how many they are, and lets them in. Some leave the line when their patience ends,
and nobody sees that. Gates open and close by the plan; whoever stands in lines of their own then
stands anew, in the order in which they came. Inside, each party stays for a while and leaves by
counted exits, of which a share is missed. A marshal at the tail stamps a share of those who come;
now and then staff count the line, with an error.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import simpy

KINDS: Final = ("steady", "rising", "peaked")
SIZES: Final = ((1, 0.28), (2, 0.40), (3, 0.16), (4, 0.12), (5, 0.04))
MEAN_SIZE: Final = sum(size * share for size, share in SIZES)
BASE_SHARE: Final = 0.4
"""Part of a party's time at a gate that does not depend on how many they are."""

_Steps: TypeAlias = Generator[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Lane:
    """One gate.

    Attributes:
        per_minute: people whom it lets in while somebody always waits, on average.
        open: whether it is at the start; `turns` are the minutes at which that changes.
    """

    name: str
    per_minute: float
    open: bool = True
    turns: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One crowd to be played; times are minutes.

    Attributes:
        kind: how arrivals go: one rate, from one to the other, or up and down again.
        first_rate, last_rate: people a minute; `last_rate` is the peak of a peaked one.
        queue: people who wait already when it begins.
        own_lines: each gate has its own line; False: one line for all.
        patience: mean minutes; 0: nobody leaves.
        spread: of the times at the gates, of lognormal distributions.
        stay: mean minutes inside.
        stamped: share of the parties that are stamped as they join.
        count_every: minutes between two counts of the line, each wrong by about `count_error`.
        exits_missed: share of those who leave whom nobody counts.
    """

    kind: str
    lanes: tuple[Lane, ...]
    minutes: int = 120
    first_rate: float = 20.0
    last_rate: float = 20.0
    queue: int = 0
    own_lines: bool = False
    patience: float = 240.0
    spread: float = 0.5
    stay: float = 150.0
    stamped: float = 1.0
    count_every: int = 15
    count_error: float = 0.08
    exits_missed: float = 0.03

    def rate(self, minute: float) -> float:
        """Return the people who come a minute."""
        if self.kind == "steady":
            return self.first_rate
        part = min(1.0, minute / self.minutes)
        if self.kind == "peaked":
            part = math.sin(math.pi * part)
        return self.first_rate + (self.last_rate - self.first_rate) * part


@dataclass(slots=True, eq=False)
class Line:
    """Who stands in a line, those who have left it too; `people` are those who still wait."""

    parties: deque[Party] = field(default_factory=deque)
    people: int = 0

    def join(self, party: Party) -> None:
        """Let a party stand at the end."""
        party.line = self
        self.parties.append(party)
        self.people += party.people


@dataclass(slots=True)
class Party:
    """People who come together, and what became of them; None: it has not happened."""

    people: int
    joined: float
    patience: float
    stamped: bool
    served: float | None = None
    left: float | None = None
    line: Line | None = None

    @property
    def waiting(self) -> bool:
        """Whether they still stand in the line."""
        return self.served is None and self.left is None


@dataclass(frozen=True, slots=True)
class Count:
    """A count of the line that staff made; `truth` is what they should have seen."""

    minute: float
    people: int
    truth: int


@dataclass(slots=True)
class Seen:
    """What a gate server sees, by whole minutes from the start.

    Attributes:
        admitted: people let in, by gate; `open` whether it was, at each minute's end.
        stamped: people stamped; `met` those of the admitted who had been, and `waited` the
            minutes that these waited, added up.
    """

    admitted: dict[str, list[int]]
    open: dict[str, list[bool]]
    stamped: list[int]
    met: list[int]
    waited: list[float]
    exits: list[int]
    counts: list[Count] = field(default_factory=list)


@dataclass(slots=True)
class Truth:
    """What only the model knows, at each minute's end."""

    queue: list[int] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    parties: list[Party] = field(default_factory=list)

    def wait(self, minute: int, within: float = 2.0) -> float | None:
        """Return how long those waited who joined about a minute and were let in; None: nobody."""
        waits = [
            party.served - party.joined
            for party in self.parties
            if party.served is not None and abs(party.joined - minute) <= within
        ]
        return statistics.fmean(waits) if waits else None


@dataclass(slots=True)
class Played:
    """One crowd as it went."""

    plan: Plan
    seen: Seen
    truth: Truth


def play(plan: Plan, seed: int) -> Played:
    """Let a crowd come, and go on until all who came within the plan's time have been served."""
    model = _Model(plan, seed)
    model.run()
    return Played(plan, model.seen, model.truth)


def with_turns(plan: Plan, minute: float, gates: tuple[str, ...]) -> Plan:
    """Return the same plan, but that gates open at a minute."""
    lanes = tuple(
        replace(each, turns=(*each.turns, minute)) if each.name in gates else each
        for each in plan.lanes
    )
    return replace(plan, lanes=lanes)


def draw_plan(kind: str, seed: int) -> Plan:
    """Draw a venue and a crowd before it of which more than 100 people wait most of the time."""
    chance = random.Random(f"plan:{kind}:{seed}")
    lanes = tuple(
        Lane(f"G{number}", chance.uniform(5.0, 10.0)) for number in range(1, chance.randint(4, 9))
    )
    spare = tuple(
        Lane(f"S{number}", chance.uniform(5.0, 10.0), open=False)
        for number in range(1, chance.randint(3, 6))
    )
    rate = sum(each.per_minute for each in lanes)
    load = {"steady": (1.0, 1.0), "rising": (0.95, 1.6), "peaked": (0.6, 1.7)}[kind]
    queue = {"steady": (250, 900), "rising": (120, 400), "peaked": (0, 100)}[kind]
    return Plan(
        kind=kind,
        lanes=(*lanes, *spare),
        first_rate=rate * load[0] * chance.uniform(0.95, 1.05),
        last_rate=rate * load[1] * chance.uniform(0.9, 1.1),
        queue=chance.randint(*queue),
        own_lines=chance.random() < 0.5,
        patience=chance.uniform(180.0, 480.0),
        stamped=chance.choice((0.0, 0.5, 0.9, 1.0)),
        count_every=chance.choice((10, 15, 20)),
    )


class _Model:
    """The lines, the gates and those inside."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        # Each kind of chance has its own source, so that opening a gate brings no other people.
        self._come = random.Random(f"come:{seed}")
        self._serve = {each.name: random.Random(f"{each.name}:{seed}") for each in plan.lanes}
        self._live, self._count = random.Random(f"live:{seed}"), random.Random(f"count:{seed}")
        self._env = simpy.Environment()
        self._lines: dict[str, Line] = {each.name: Line() for each in plan.lanes}
        if not plan.own_lines:
            self._lines = dict.fromkeys(self._lines, Line())
        self._open = {each.name: each.open for each in plan.lanes}
        self._stirred = self._env.event()
        self._waiting = self._inside = 0
        empty = [0] * plan.minutes
        self.seen = Seen(
            {each.name: list(empty) for each in plan.lanes},
            {each.name: [] for each in plan.lanes},
            list(empty),
            list(empty),
            [0.0] * plan.minutes,
            list(empty),
        )
        self.truth = Truth()

    def run(self) -> None:
        plan, env = self._plan, self._env
        while self._waiting < plan.queue:
            # Who stands there already came one after the other.
            self._join(-(plan.queue - self._waiting) / max(1.0, plan.first_rate))
        for lane in plan.lanes:
            env.process(self._gate(lane))
            env.process(self._turn(lane))
        env.process(self._arrive())
        env.process(self._watch())
        env.run(until=plan.minutes)
        # Nobody else comes, but who waits is served, for the truth of their wait.
        while self._waiting and env.now < plan.minutes + 600:
            env.run(until=env.now + 1)

    def _arrive(self) -> _Steps:
        most = max(self._plan.rate(minute) for minute in range(self._plan.minutes + 1))
        while True:
            yield self._env.timeout(self._come.expovariate(most / MEAN_SIZE))
            if self._env.now >= self._plan.minutes:
                return
            if self._come.random() * most <= self._plan.rate(self._env.now):
                self._join(self._env.now)

    def _join(self, at: float) -> None:
        plan, chance = self._plan, self._come
        size = chance.choices([size for size, _ in SIZES], [share for _, share in SIZES])[0]
        patience = chance.expovariate(1 / plan.patience) if plan.patience else math.inf
        party = Party(size, at, patience, chance.random() < plan.stamped)
        self.truth.parties.append(party)
        self._line().join(party)
        self._waiting += size
        if party.stamped and at >= 0:
            self._add(self.seen.stamped, size)
        if patience < math.inf:
            self._env.process(self._lose(party))
        self._stir()

    def _line(self) -> Line:
        opened = [self._lines[name] for name, opened in self._open.items() if opened]
        return min(opened or self._lines.values(), key=lambda line: line.people)

    def _go(self, party: Party) -> None:
        self._waiting -= party.people
        if party.line is not None:
            party.line.people -= party.people

    def _lose(self, party: Party) -> _Steps:
        yield self._env.timeout(max(0.0, party.joined + party.patience - self._env.now))
        if party.waiting:
            party.left = self._env.now
            self._go(party)

    def _stir(self) -> None:
        self._stirred.succeed()
        self._stirred = self._env.event()

    def _turn(self, lane: Lane) -> _Steps:
        for minute in lane.turns:
            yield self._env.timeout(max(0.0, minute - self._env.now))
            self._open[lane.name] = not self._open[lane.name]
            if self._plan.own_lines and any(self._open.values()):
                self._share_out()
            self._stir()

    def _share_out(self) -> None:
        """Let the parties of all lines stand anew, in the order in which they came."""
        lines = self._lines.values()
        parties = sorted(
            (party for line in lines for party in line.parties if party.waiting),
            key=lambda party: party.joined,
        )
        for line in lines:
            line.parties.clear()
            line.people = 0
        for party in parties:
            self._line().join(party)

    def _gate(self, lane: Lane) -> _Steps:
        line, chance, sigma = self._lines[lane.name], self._serve[lane.name], self._plan.spread
        while True:
            while not self._open[lane.name] or not line.people:
                yield self._stirred
            party = line.parties.popleft()
            if not party.waiting:
                continue
            party.served = self._env.now
            self._go(party)
            share = BASE_SHARE * MEAN_SIZE + (1 - BASE_SHARE) * party.people
            pace = chance.lognormvariate(-sigma * sigma / 2, sigma)
            yield self._env.timeout(share / lane.per_minute * pace)
            self._let_in(party, lane.name)

    def _let_in(self, party: Party, gate: str) -> None:
        self._inside += party.people
        self._add(self.seen.admitted[gate], party.people)
        if party.stamped and party.joined >= 0 and party.served is not None:
            self._add(self.seen.met, party.people)
            if self._env.now < self._plan.minutes:
                waited = (self._env.now - party.joined) * party.people
                self.seen.waited[int(self._env.now)] += waited
        self._env.process(self._stay(party.people))

    def _stay(self, people: int) -> _Steps:
        sigma = 0.4
        pace = self._live.lognormvariate(-sigma * sigma / 2, sigma)
        yield self._env.timeout(self._plan.stay * pace)
        self._inside -= people
        if self._live.random() >= self._plan.exits_missed:
            self._add(self.seen.exits, people)

    def _add(self, minutes: list[int], people: int) -> None:
        if self._env.now < self._plan.minutes:
            minutes[int(self._env.now)] += people

    def _watch(self) -> _Steps:
        plan = self._plan
        for minute in range(plan.minutes):
            # Just before the next minute, so that it belongs to this one.
            yield self._env.timeout(minute + 1 - 1e-6 - self._env.now)
            self.truth.queue.append(self._waiting)
            self.truth.inside.append(self._inside)
            for name, opened in self._open.items():
                self.seen.open[name].append(opened)
            if plan.count_every and minute % plan.count_every == 0:
                wrong = self._count.gauss(1.0, plan.count_error)
                people = max(0, round(self._waiting * wrong))
                self.seen.counts.append(Count(self._env.now, people, self._waiting))


def main(arguments: list[str]) -> None:
    """Play one crowd and print what it came to, every ten minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="rising")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    played = play(plan := draw_plan(given.kind, given.seed), given.seed)
    rates = [each.per_minute for each in plan.lanes if each.open]
    print(f"{len(rates)} gates, {sum(rates):.1f} people a minute")
    for minute in range(9, plan.minutes, 10):
        wait = played.truth.wait(minute)
        admitted = sum(gate[minute] for gate in played.seen.admitted.values())
        shown = "-" if wait is None else f"{wait:.1f}"
        print(
            f"{minute + 1:4} min: {played.truth.queue[minute]:5} wait, {shown} min, {admitted} in"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
