"""Estimate who waits before gates, and how long: from counts of the queue, stamps and admissions.

Where nobody counted and nobody was stamped, nothing is known of a queue, and this says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from admission.scans import MODES, Device, Mode

MINUTE: Final = timedelta(minutes=1)
RATE_MINUTES: Final = 15
"""A gate's rate is the mean of so many minutes; of fewer where it opened since."""
STAMPS_MINUTES: Final = 15
"""The share of the admitted who had been stamped is taken over so many."""
WAITED_MINUTES: Final = 5
"""Their wait is taken over so many, for it changes."""
BEST_MINUTES: Final = 10
HEARD_WITHIN: Final = timedelta(minutes=3)
"""A device that is silent for longer is taken to let nobody in."""
MANNED_MINUTES: Final = 5
"""A gate that let people in within so many has somebody there, whatever is heard of devices."""
COUNTS_KEPT_MINUTES: Final = 60.0
"""An older count says nothing any more."""
_MOST_COUNTS: Final = 5
_LEAST_SHARE: Final = 0.2
_LEAST_MET: Final = 30
# By how much staff miscount a queue, and parties make a rate vary (benchmarks/README.md).
_COUNT_ERROR, _LEAST_ERROR = 0.1, 5.0
_RATE_ERROR, _PARTY_SPREAD = 0.06, 1.8
_INFLOW_ERROR: Final = 0.5
# By how much arrivals may have turned since a count, in rates a minute; less where stamps show it.
_BEND, _BEND_STAMPED = 0.004, 0.001
_SURE: Final = 1.645


class QueueBasis(StrEnum):
    """What an estimate rests on."""

    COUNTS = "counts"
    STAMPS = "stamps"
    COUNTS_AND_STAMPS = "counts_and_stamps"


class QueueGap(StrEnum):
    """Why there is no figure."""

    NOT_COUNTED = "not_counted"
    COUNT_TOO_OLD = "count_too_old"
    NOBODY_LET_IN = "nobody_let_in"


def best_rate(minutes: Sequence[int]) -> float:
    """Return the most people a minute that a gate kept up for `BEST_MINUTES`; 0: not known."""
    if len(minutes) < BEST_MINUTES:
        return 0.0
    people = most = sum(minutes[:BEST_MINUTES])
    for gone, new in zip(minutes, minutes[BEST_MINUTES:], strict=False):
        people += new - gone
        most = max(most, people)
    return most / BEST_MINUTES


def lets_in(device: Device, heard_at: datetime | None, now: datetime) -> bool:
    """Say whether a device can be letting people in now.

    Args:
        heard_at: its last word of any kind; None: none yet.
    """
    out = device.revoked or device.suspended or Mode.ADMIT not in MODES[device.profile]
    return not out and heard_at is not None and now - heard_at <= HEARD_WITHIN


@dataclass(frozen=True, slots=True)
class GateFlow:
    """What one gate did lately.

    Attributes:
        opened: its state is open; a paused gate, or one for exits only, is not.
        admitted: people let in, by whole minutes, the oldest first.
        best: most people a minute that it kept up on record; 0: not known.
        ceiling: most a minute that are allowed for it.
        manned: a device that lets people in was heard there lately (`lets_in`).
    """

    gate_id: str
    name: str
    area: str
    opened: bool
    admitted: tuple[int, ...]
    best: float = 0.0
    ceiling: float = 11.0
    manned: bool = True

    @property
    def open(self) -> bool:
        """Whether it lets people in: its state says so, and somebody is there to do it."""
        return self.opened and (self.manned or any(self.admitted[-MANNED_MINUTES:]))

    def rate(self, minutes: int = RATE_MINUTES) -> float:
        """Return the people a minute lately; a gate that has just opened is not held idle."""
        lately = self.admitted[-minutes:]
        first = next((at for at, people in enumerate(lately) if people), len(lately))
        began = lately[first:]
        return sum(began) / len(began) if began else 0.0


@dataclass(frozen=True, slots=True)
class Stamps:
    """Stamps of an area by whole minutes, the oldest first, as long as its gates' `admitted`.

    Attributes:
        stamped: people stamped at the queue's tail.
        met: people let in who had been stamped; `waited_min` their minutes since, added up.
    """

    stamped: tuple[int, ...] = ()
    met: tuple[int, ...] = ()
    waited_min: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueCount:
    """A queue as staff counted it; `gate_id` None: of all gates of the area."""

    area: str
    gate_id: str | None
    people: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Range:
    """A figure with the bounds that it lies within nine times of ten."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: float, error: float) -> Range:
        """Return a figure that is never negative; `error` is its standard deviation."""
        return cls(value, max(0.0, value - _SURE * error), value + _SURE * error)


@dataclass(frozen=True, slots=True)
class QueueEstimate:
    """A queue now; None: not known, and `gap` says why.

    Attributes:
        waiting: people; `wait` minutes of who joins now.
        as_of: when it was last counted, or stamped.
        rate: people a minute who are let in from it.
        inflow: people a minute who join, less those who give up.
    """

    waiting: Range | None = None
    wait: Range | None = None
    as_of: datetime | None = None
    basis: QueueBasis | None = None
    gap: QueueGap | None = None
    rate: float = 0.0
    inflow: float | None = None

    @classmethod
    def join(cls, parts: Sequence[QueueEstimate]) -> QueueEstimate:
        """Return what the known queues of several gates come to; the wait is a visitor's mean."""
        if len(parts) == 1:
            return parts[0]
        people = [each.waiting for each in parts if each.waiting is not None]
        total = sum(each.value for each in people)
        error = math.sqrt(sum(((each.high - each.value) / _SURE) ** 2 for each in people))
        waits = [each.wait for each in parts if each.wait is not None]
        wait = None
        if len(waits) == len(parts):
            parted = zip(people, waits, strict=True)
            mean = sum(p.value * w.value for p, w in parted) / total if total else 0.0
            wait = Range(mean, min(w.low for w in waits), max(w.high for w in waits))
        return cls(
            Range.of(total, error),
            wait,
            min(each.as_of for each in parts if each.as_of is not None),
            parts[0].basis,
            None if wait is not None else QueueGap.NOBODY_LET_IN,
            sum(each.rate for each in parts),
        )


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """What is known of one queue, up to `until`, the end of the last whole minute."""

    until: datetime
    gates: tuple[GateFlow, ...]
    counts: tuple[QueueCount, ...] = ()
    stamps: Stamps = field(default_factory=Stamps)


def estimate_queue(seen: QueueSeen) -> QueueEstimate:
    """Return who waits now and how long."""
    rate = sum(gate.rate() for gate in seen.gates if gate.open)
    admitted = _added(seen.gates)
    counts = _useful(seen, len(admitted))
    share = _stamped_share(seen.stamps, admitted)
    if counts:
        found = _by_counts(seen, admitted, counts, share, rate)
    elif share is not None:
        found = _by_stamps(seen, admitted, share, rate)
    else:
        gap = QueueGap.COUNT_TOO_OLD if seen.counts else QueueGap.NOT_COUNTED
        return QueueEstimate(gap=gap, rate=rate)
    return _with_wait(found, admitted)


@dataclass(frozen=True, slots=True)
class _Found:
    people: float
    error: float
    as_of: datetime
    basis: QueueBasis
    rate: float
    inflow: float | None


def _with_wait(found: _Found, admitted: Sequence[int]) -> QueueEstimate:
    people = max(0.0, found.people)
    waiting = Range.of(people, found.error)
    known = QueueEstimate(waiting, None, found.as_of, found.basis, None, found.rate, found.inflow)
    if found.rate <= 0:
        if people == 0:
            return replace(known, wait=Range(0.0, 0.0, 0.0))
        return replace(known, gap=QueueGap.NOBODY_LET_IN)
    lately = sum(admitted[-RATE_MINUTES:])
    rate_error = _RATE_ERROR + math.sqrt(_PARTY_SPREAD / max(1, lately))
    wait = people / found.rate
    error = math.hypot(found.error / found.rate, wait * rate_error)
    return replace(known, wait=Range.of(wait, error))


def _added(gates: Sequence[GateFlow]) -> list[int]:
    return [sum(minute) for minute in zip(*(gate.admitted for gate in gates), strict=True)]


def _back(at: datetime, until: datetime) -> float:
    """Return how many minutes before the end of the last whole minute an instant is."""
    return max(0.0, (until - at) / MINUTE)


def _since(minutes: Sequence[float], back: float) -> float:
    """Return the sum of the last `back` minutes, a part of the oldest one included."""
    whole = int(back)
    total = float(sum(minutes[-whole:])) if whole else 0.0
    if whole < len(minutes):
        total += (back - whole) * minutes[-whole - 1]
    return total


def _useful(seen: QueueSeen, minutes: int) -> list[QueueCount]:
    """Return the counts that still say something, the oldest first."""
    bound = min(COUNTS_KEPT_MINUTES, minutes)
    young = [each for each in seen.counts if _back(each.at, seen.until) <= bound]
    return sorted(young, key=lambda each: each.at)[-_MOST_COUNTS:]


def _stamped_share(stamps: Stamps, admitted: Sequence[int]) -> float | None:
    """Return which share of those let in lately had been stamped; None: too few to go by."""
    met, let_in = sum(stamps.met[-STAMPS_MINUTES:]), sum(admitted[-STAMPS_MINUTES:])
    if met < _LEAST_MET or met < _LEAST_SHARE * let_in:
        return None
    return min(1.0, met / let_in)


def _by_counts(
    seen: QueueSeen,
    admitted: Sequence[int],
    counts: Sequence[QueueCount],
    share: float | None,
    rate: float,
) -> _Found:
    """Follow the queue from its counts: it was as long as all who joined, less who were let in.

    Each count tells how many had joined by then, so a line through the last few tells how many
    have by now; one count is corrected by the others. Stamps say how people came in between.
    """
    came = [each / share for each in seen.stamps.stamped] if share else []
    points, bend = [], (_BEND_STAMPED if came else _BEND)
    for each in counts:
        back = _back(each.at, seen.until)
        joined = each.people - _since(admitted, back) + (_since(came, back) if came else 0.0)
        error = math.hypot(max(_LEAST_ERROR, _COUNT_ERROR * each.people), bend * rate * back * back)
        points.append((-back, joined, error))
    slope = 0.0 if came else rate
    people, slope, error = _line_at_end(points, slope)
    if len(points) == 1:
        error = math.hypot(error, (0.15 if came else _INFLOW_ERROR) * rate * -points[0][0])
    lately = _since(came, RATE_MINUTES) / RATE_MINUTES if came else 0.0
    basis = QueueBasis.COUNTS_AND_STAMPS if came else QueueBasis.COUNTS
    return _Found(people, error, counts[-1].at, basis, rate, max(0.0, slope + lately))


def _line_at_end(
    points: Sequence[tuple[float, float, float]], slope: float
) -> tuple[float, float, float]:
    """Return a weighted line's value at 0, its slope and the value's error.

    Args:
        points: minute, value and error of each.
        slope: where a single point tells none.
    """
    weights = [1 / (error * error) for _, _, error in points]
    total = sum(weights)
    mean_x = sum(w * x for w, (x, _, _) in zip(weights, points, strict=True)) / total
    mean_y = sum(w * y for w, (_, y, _) in zip(weights, points, strict=True)) / total
    spread = sum(w * (x - mean_x) ** 2 for w, (x, _, _) in zip(weights, points, strict=True))
    # Counts within a minute of each other tell no slope.
    if len(points) == 1 or spread < total:
        return mean_y - slope * mean_x, slope, math.sqrt(1 / total)
    both = sum(
        w * (x - mean_x) * (y - mean_y) for w, (x, y, _) in zip(weights, points, strict=True)
    )
    found = both / spread
    return mean_y - found * mean_x, found, math.sqrt(1 / total + mean_x * mean_x / spread)


def _by_stamps(seen: QueueSeen, admitted: Sequence[int], share: float, rate: float) -> _Found:
    """Count who was stamped within the wait of those who are let in now.

    These are the arrivals less the admissions: who was stamped before is in, or has given up.
    """
    stamps = seen.stamps
    waited, met = stamps.waited_min[-WAITED_MINUTES:], stamps.met[-WAITED_MINUTES:]
    wait = sum(waited) / max(1, sum(met))
    within = _since(stamps.stamped, min(wait, len(stamps.stamped)))
    people = within / share
    inflow = sum(stamps.stamped[-RATE_MINUTES:]) / share / RATE_MINUTES
    # Parties come by chance, and those who were not stamped are told from the others.
    error = math.hypot(people * (0.08 + 0.1 * (1 - share) / share), math.sqrt(people / share + 1))
    return _Found(people, error, seen.until, QueueBasis.STAMPS, rate, inflow)
