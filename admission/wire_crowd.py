"""What is said over the wire of the crowd: counts of queues, occupancy by hand, the view."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from admission.calendar import whole_ms
from admission.crowd import Capacity, CrowdView, Occupancy, QueueView
from admission.crowd_forecast import Forecast
from admission.crowd_queues import QueueEstimate, Range
from admission.crowd_words import CrowdWords
from admission.messages import Sentence
from admission.wire_base import Answer, Ident, Line, Request
from admission.wire_people import Operator

Crowd = Annotated[int, Meta(ge=0, le=1_000_000)]
Bounds = list[float]
"""Two figures that the true one lies between, nine times of ten."""


class QueueCountRequest(Request, frozen=True):
    """A queue as it was counted: of a gate, or of all gates of an area.

    Attributes:
        area: absent: the gate's; where there is one area only, that.
        counted_at: absent: now; within the last hour of this venue day.
    """

    people: Crowd
    area: Ident | None = None
    gate_id: Ident | None = None
    counted_at: datetime | None = None
    operator: Operator | None = None


class QueueCountAnswer(Answer, frozen=True):
    """A count of a queue as it was recorded."""

    area: str
    gate_id: str | None
    people: int
    counted_at: datetime


class OccupancyRequest(Request, frozen=True):
    """How many people are inside, counted by hand; it counts from now on."""

    people: Crowd
    reason: Line


class OccupancyAnswer(Answer, frozen=True):
    """An occupancy that was entered by hand; `before` it the counters said so many."""

    people: int
    before: int
    at: datetime
    made_by: str


class CrowdSaid(Answer, frozen=True):
    """A sentence in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, said: Sentence) -> CrowdSaid:
        """Return it as it is sent."""
        return cls(zh=said.zh, en=said.en)


class EnteredByHand(Answer, frozen=True):
    """The last occupancy of this venue day that was entered by hand."""

    people: int
    at: datetime
    made_by: str


class CrowdOccupancy(Answer, frozen=True):
    """People inside; `why` tells what the figure leaves out.

    Attributes:
        uncounted_since: the end of an evacuation after which nobody has entered how many are in.
    """

    inside: int
    people_today: int
    left_today: int
    entered_by_hand: EnteredByHand | None
    why: CrowdSaid | None
    uncounted_since: datetime | None


class CrowdGate(Answer, frozen=True):
    """One gate's pace, people a minute; `best` is what it kept up for ten minutes, ever lately.

    Attributes:
        open: its state is open, and somebody is there who lets people in.
    """

    gate_id: str
    name: str
    area: str
    open: bool
    last_5: float
    last_15: float
    best: float | None
    ceiling: float


class CrowdQueue(Answer, frozen=True):
    """One queue; what is not known is null, and `why` says why.

    Attributes:
        gate_id: null: of the whole area.
        waiting_between, wait_between: bounds of the figures, nine times of ten.
        wait_minutes: of who joins now.
        as_of: when it was last counted or stamped; `age_s` since.
        basis: `counts`, `stamps`, `counts_and_stamps`; `how` says it in words.
        inflow, rate: people a minute who join, and who are let in.
        density: level of service A (free) to F (crushed), where the queue's room is known.
    """

    area: str
    gate_id: str | None
    waiting: int | None
    waiting_between: Bounds | None
    wait_minutes: float | None
    wait_between: Bounds | None
    as_of: datetime | None
    age_s: float | None
    basis: str | None
    how: CrowdSaid | None
    why: CrowdSaid | None
    rate: float
    inflow: float | None
    density: str | None
    m2_a_person: float | None


class CrowdCapacity(Answer, frozen=True):
    """How full the venue is, at once and today.

    Attributes:
        source: `set` by hand, by `area` (LB/T 034-2014), or null: no limit.
        left: people who may still come in now; `left_today` of those whom a day takes.
    """

    limit: int | None
    source: str | None
    share: float | None
    level: str
    left: int | None
    a_day: int | None
    left_today: int | None


class CrowdSlot(Answer, frozen=True):
    """A quarter of an hour to come: arrivals, and people inside at its end."""

    begins_at: datetime
    people: int
    inside: int | None


class CrowdForecast(Answer, frozen=True):
    """What is expected of today, from so many past days."""

    people: int
    between: Bounds
    still_to_come: int
    days: int
    peak_inside: int | None
    peak_at: datetime | None
    slots: list[CrowdSlot]


class CrowdAdvice(Answer, frozen=True):
    """One thing to do.

    Attributes:
        gate_ids: gates to open, or to man; `wait_minutes` now, and `after_minutes` then.
        share: of the limit, reached or at `at`.
    """

    kind: str
    say: CrowdSaid
    area: str
    gate_ids: list[str]
    wait_minutes: float | None
    after_minutes: float | None
    share: float | None
    at: datetime | None


class CrowdAnswer(Answer, frozen=True):
    """The crowd now: inside, paces, queues, capacity, forecast, and what to do about it.

    Attributes:
        vouchers_left: people with valid vouchers who may still come today, at most.
        missing: why a part is not known.
    """

    now: datetime
    occupancy: CrowdOccupancy
    rate_in: float
    rate_out: float
    gates: list[CrowdGate]
    queues: list[CrowdQueue]
    capacity: CrowdCapacity
    forecast: CrowdForecast | None
    vouchers_left: int | None
    advice: list[CrowdAdvice]
    missing: list[CrowdSaid]


def write_crowd(view: CrowdView, words: CrowdWords) -> CrowdAnswer:
    """Return a view of the crowd as it is sent."""
    return CrowdAnswer(
        now=view.now,
        occupancy=_occupancy(view.occupancy, words),
        rate_in=round(view.rate_in, 1),
        rate_out=round(view.rate_out, 1),
        gates=[
            CrowdGate(
                gate_id=gate.gate_id,
                name=gate.name,
                area=gate.area,
                open=gate.open,
                last_5=round(gate.last_5, 1),
                last_15=round(gate.last_15, 1),
                best=_round(gate.best),
                ceiling=gate.ceiling,
            )
            for gate in view.gates
        ],
        queues=[_queue(queue, view.now, words) for queue in view.queues],
        capacity=_capacity(view.capacity),
        forecast=None if view.forecast is None else _forecast(view.forecast),
        vouchers_left=view.vouchers_left,
        advice=write_advice(view, words),
        missing=[CrowdSaid.of(words.gap(gap)) for gap in view.gaps],
    )


def write_advice(view: CrowdView, words: CrowdWords) -> list[CrowdAdvice]:
    """Return what to do, as it is sent."""
    return [
        CrowdAdvice(
            kind=each.kind.value,
            say=CrowdSaid.of(words.advice(each, view.now)),
            area=each.area,
            gate_ids=list(each.gate_ids),
            wait_minutes=_round(each.wait_min),
            after_minutes=_round(each.after_min),
            share=None if each.share is None else round(each.share, 4),
            at=None if each.at is None else whole_ms(each.at),
        )
        for each in view.advice
    ]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def find_bounds(found: Range | None) -> Bounds | None:
    """Return what a figure lies between, as it is sent."""
    return None if found is None else [round(found.low, 1), round(found.high, 1)]


def _occupancy(found: Occupancy, words: CrowdWords) -> CrowdOccupancy:
    entry = found.entered_by_hand
    return CrowdOccupancy(
        inside=found.inside,
        people_today=found.people_today,
        left_today=found.left_today,
        entered_by_hand=None
        if entry is None
        else EnteredByHand(people=entry.people, at=entry.at, made_by=entry.by),
        why=None if found.gap is None else CrowdSaid.of(words.gap(found.gap)),
        uncounted_since=found.uncounted_since,
    )


def _queue(queue: QueueView, now: datetime, words: CrowdWords) -> CrowdQueue:
    found: QueueEstimate = queue.found
    as_of, basis, gap = found.as_of, found.basis, found.gap
    return CrowdQueue(
        area=queue.area,
        gate_id=queue.gate_id,
        waiting=None if found.waiting is None else round(found.waiting.value),
        waiting_between=find_bounds(found.waiting),
        wait_minutes=_round(None if found.wait is None else found.wait.value),
        wait_between=find_bounds(found.wait),
        as_of=as_of,
        age_s=None if as_of is None else round(max(0.0, (now - as_of).total_seconds()), 1),
        basis=None if basis is None else basis.value,
        how=None if basis is None else CrowdSaid.of(words.basis(basis)),
        why=None if gap is None else CrowdSaid.of(words.gap(gap)),
        rate=round(found.rate, 1),
        inflow=_round(found.inflow),
        density=queue.density,
        m2_a_person=None if queue.m2_a_person is None else round(queue.m2_a_person, 2),
    )


def _capacity(found: Capacity) -> CrowdCapacity:
    source = None if found.limit is None else "set" if found.set else "area"
    return CrowdCapacity(
        limit=found.limit,
        source=source,
        share=None if found.share is None else round(found.share, 4),
        level=found.level,
        left=found.left,
        a_day=found.a_day,
        left_today=found.left_today,
    )


def _forecast(found: Forecast) -> CrowdForecast:
    return CrowdForecast(
        people=round(found.people.value),
        between=[float(round(found.people.low)), float(round(found.people.high))],
        still_to_come=found.still_to_come,
        days=found.days,
        peak_inside=found.peak_inside,
        peak_at=found.peak_at,
        slots=[
            CrowdSlot(begins_at=each.begins_at, people=each.people, inside=each.inside)
            for each in found.slots
        ],
    )
