"""Tell how a venue's crowd stands: inside, rates, queues, forecast, capacity, and what to do.

Pure: what was counted comes in, one frozen view goes out. Where nothing is known it says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from admission.crowd_advice import (
    Advice,
    AdviceKind,
    advise_closing,
    advise_count,
    advise_gates,
    advise_limit,
)
from admission.crowd_forecast import Forecast, PastDay, Today, forecast
from admission.crowd_queues import (
    GateFlow,
    QueueCount,
    QueueEstimate,
    QueueSeen,
    Stamps,
    estimate_queue,
)
from admission.crowd_terms import CrowdTerms

NET_MINUTES: Final = 15
"""The pace of a crowd is the mean of so many minutes."""


class Gap(StrEnum):
    """Why a figure of the venue is not known, or is not what its name says."""

    NO_EXITS = "no_exits"
    NO_EXITS_SINCE = "no_exits_since"
    NO_LIMIT = "no_limit"
    NO_PAST_DAYS = "no_past_days"


@dataclass(frozen=True, slots=True)
class OccupancyEntry:
    """How many people were inside, as somebody entered by hand."""

    people: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class CrowdSeen:
    """All that is known of a crowd.

    Attributes:
        until: end of the last whole minute, which the gates' `admitted` and `exits` reach to.
        exits: people who left, by whole minutes, of all gates.
        counts: counts of queues, the oldest first; `stamps` by area.
        limit: most people at once; `limit_set` by hand, not from the area.
        opens_at, closes_at: of this venue day.
        vouchers_left: people with valid vouchers who may still come today; None: not read yet.
        evacuated_until: when the last evacuation of this venue day ended.
    """

    now: datetime
    until: datetime
    gates: tuple[GateFlow, ...]
    exits: tuple[int, ...]
    today: Today
    opens_at: datetime
    closes_at: datetime
    counts: tuple[QueueCount, ...] = ()
    stamps: Mapping[str, Stamps] = field(default_factory=dict)
    past: tuple[PastDay, ...] = ()
    limit: int | None = None
    limit_set: bool = False
    left_today: int = 0
    entered_by_hand: OccupancyEntry | None = None
    vouchers_left: int | None = None
    emergency: bool = False
    evacuated_until: datetime | None = None

    @property
    def uncounted_since(self) -> datetime | None:
        """Since when nobody knows how many are inside: nobody counted after an evacuation."""
        entry, ended_at = self.entered_by_hand, self.evacuated_until
        if ended_at is None or self.emergency or (entry is not None and entry.at >= ended_at):
            return None
        return ended_at


@dataclass(frozen=True, slots=True)
class Occupancy:
    """People inside; `gap` says what the figure leaves out.

    Attributes:
        uncounted_since: the end of an evacuation after which nobody has entered how many are in.
    """

    inside: int
    people_today: int
    left_today: int
    entered_by_hand: OccupancyEntry | None
    gap: Gap | None
    uncounted_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateRate:
    """One gate's pace, people a minute: of the last 5 and 15 minutes, its best, its ceiling.

    Attributes:
        open: it lets people in; one whose state is open, and that nobody attends, does not.
    """

    gate_id: str
    name: str
    area: str
    open: bool
    last_5: float
    last_15: float
    best: float | None
    ceiling: float


@dataclass(frozen=True, slots=True)
class QueueView:
    """One queue: of an area, or of one gate that was counted by itself.

    Attributes:
        density: level A to F where the queue's room is known; `m2_a_person` in it.
    """

    area: str
    gate_id: str | None
    found: QueueEstimate
    density: str | None
    m2_a_person: float | None


@dataclass(frozen=True, slots=True)
class Capacity:
    """How full it is; None: not known.

    Attributes:
        set: the limit was set by hand; else it follows from the area.
        a_day: people whom one day takes, and how many of them may still come.
    """

    limit: int | None
    set: bool
    share: float | None
    level: str
    left: int | None
    a_day: int | None
    left_today: int | None


@dataclass(frozen=True, slots=True)
class CrowdView:
    """A crowd as it stands at one moment.

    Attributes:
        rate_in, rate_out: people a minute in the last quarter of an hour.
        gaps: why a part is missing.
    """

    now: datetime
    occupancy: Occupancy
    rate_in: float
    rate_out: float
    gates: tuple[GateRate, ...]
    queues: tuple[QueueView, ...]
    capacity: Capacity
    forecast: Forecast | None
    vouchers_left: int | None
    advice: tuple[Advice, ...]
    gaps: tuple[Gap, ...]

    @property
    def areas(self) -> list[QueueView]:
        """The queues of whole areas."""
        return [each for each in self.queues if each.gate_id is None]


def assess(seen: CrowdSeen, terms: CrowdTerms) -> CrowdView:
    """Return how a crowd stands, and what to do."""
    queues = _queues(seen, terms)
    capacity = _capacity(seen, terms)
    found = forecast(seen.today, seen.past)
    rate_in = _pace([sum(minute) for minute in zip(*(g.admitted for g in seen.gates), strict=True)])
    rate_out = _pace(seen.exits)
    no_exits = _no_exits(seen)
    no_limit = Gap.NO_LIMIT if seen.limit is None else None
    no_past = Gap.NO_PAST_DAYS if found is None else None
    inside = seen.today.inside
    advice = [] if seen.emergency else _advice(seen, terms, queues, rate_in - rate_out)
    if found is not None and capacity.a_day is not None and found.people.value > capacity.a_day:
        advice.append(Advice(AdviceKind.DAY_AHEAD, people=round(found.people.value)))
    return CrowdView(
        seen.now,
        Occupancy(
            inside,
            seen.today.people,
            seen.left_today,
            seen.entered_by_hand,
            no_exits,
            seen.uncounted_since,
        ),
        rate_in,
        rate_out,
        tuple(_gate_rate(gate) for gate in seen.gates),
        tuple(queues),
        capacity,
        found,
        seen.vouchers_left,
        tuple(advice),
        tuple(gap for gap in (no_exits, no_limit, no_past) if gap is not None),
    )


def _no_exits(seen: CrowdSeen) -> Gap | None:
    if seen.today.counts_exits:
        return None
    return Gap.NO_EXITS if seen.entered_by_hand is None else Gap.NO_EXITS_SINCE


def _pace(minutes: Sequence[int]) -> float:
    lately = minutes[-NET_MINUTES:]
    return sum(lately) / len(lately) if lately else 0.0


def _gate_rate(gate: GateFlow) -> GateRate:
    return GateRate(
        gate.gate_id,
        gate.name,
        gate.area,
        gate.open,
        sum(gate.admitted[-5:]) / 5,
        gate.rate(),
        gate.best or None,
        gate.ceiling,
    )


def _queues(seen: CrowdSeen, terms: CrowdTerms) -> list[QueueView]:
    """Return the queue of each area, and of each gate that was counted by itself."""
    found = []
    for area in dict.fromkeys(gate.area for gate in seen.gates):
        gates = tuple(gate for gate in seen.gates if gate.area == area)
        counts = [each for each in seen.counts if each.area == area]
        whole = tuple(each for each in counts if each.gate_id is None)
        stamps = seen.stamps.get(area, Stamps())
        own = []
        for gate in gates:
            mine = tuple(each for each in counts if each.gate_id == gate.gate_id)
            if mine:
                estimate = estimate_queue(QueueSeen(seen.until, (gate,), mine))
                own.append(_queue(area, gate.gate_id, estimate, terms))
        all_of_it = estimate_queue(QueueSeen(seen.until, gates, whole, stamps))
        if all_of_it.waiting is None and own:
            all_of_it = _joined(all_of_it, own, gates)
        found += [_queue(area, None, all_of_it, terms), *own]
    return found


def _joined(
    unknown: QueueEstimate, own: Sequence[QueueView], gates: Sequence[GateFlow]
) -> QueueEstimate:
    """Add up the queues of all gates that let people in, each counted; else it stays unknown."""
    known = {each.gate_id: each.found for each in own if each.found.waiting is not None}
    # People who were counted before a gate that nobody attends wait all the same.
    parts = [known[gate.gate_id] for gate in gates if gate.opened and gate.gate_id in known]
    if not parts or any(gate.open and gate.gate_id not in known for gate in gates):
        return unknown
    return QueueEstimate.join(parts)


def _queue(area: str, gate_id: str | None, found: QueueEstimate, terms: CrowdTerms) -> QueueView:
    room = terms.queue_area_m2.get(gate_id or area)
    if room is None or found.waiting is None or found.waiting.value < 1:
        return QueueView(area, gate_id, found, None, None)
    m2 = room / found.waiting.value
    return QueueView(area, gate_id, found, terms.density(m2), m2)


def _capacity(seen: CrowdSeen, terms: CrowdTerms) -> Capacity:
    limit, inside = seen.limit, seen.today.inside
    if limit is None:
        return Capacity(None, False, None, "unlimited", None, None, None)
    share = inside / limit
    a_day = terms.a_day(limit, seen.closes_at - seen.opens_at)
    left_today = None if a_day is None else max(0, a_day - seen.today.people)
    left = max(0, limit - inside)
    return Capacity(limit, seen.limit_set, share, terms.level(share), left, a_day, left_today)


def _advice(
    seen: CrowdSeen, terms: CrowdTerms, queues: Sequence[QueueView], net_rate: float
) -> list[Advice]:
    """Return what to do, the most pressing first."""
    limit = advise_limit(seen.today.inside, seen.limit, net_rate, terms, seen.now)
    found: list[Advice | None] = [*limit]
    for queue in queues:
        gates = [gate for gate in seen.gates if gate.area == queue.area]
        if queue.density in {"E", "F"}:
            place = queue.gate_id or queue.area
            found.append(Advice(AdviceKind.DENSE, area=place, share=queue.m2_a_person))
        if queue.gate_id is not None:
            continue
        found += [
            advise_gates(queue.area, queue.found, gates, terms),
            advise_closing(queue.area, queue.found, seen.now, seen.closes_at),
            advise_count(queue.area, queue.found, gates, seen.now),
        ]
    return [each for each in found if each is not None]
