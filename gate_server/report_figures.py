"""The figures of an after-action report: rates, verdicts, calls and the queue, from counters."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from admission.calendar import Venue, from_ms, to_ms
from admission.surges import DealScans
from admission.verdicts import OUTCOMES, Outcome, Reason
from gate_server.ledger.lanes import QUARTER_MS
from gate_server.ledger.report_rows import GateQuarter, StampRow
from gate_server.ledger.tallies import COUNTED, MINUTE_MS

STEP_MINUTES: Final = 5
HOUR_MS: Final = 3_600_000
_EXITS: Final = frozenset({Reason.EXIT_RECORDED, Reason.NOT_INSIDE})


@dataclass(frozen=True, slots=True)
class GateRate:
    """People through one gate.

    Attributes:
        per_minute: averages of STEP_MINUTES each, from the first step of the chart on.
        people: all of them.
    """

    gate_id: str
    per_minute: list[float]
    people: int

    @property
    def peak(self) -> float:
        """The highest average."""
        return max(self.per_minute, default=0.0)


@dataclass(frozen=True, slots=True)
class Quarter:
    """Verdicts on entries within a quarter of an hour."""

    at: datetime
    admit: int = 0
    refuse: int = 0
    refer: int = 0
    wait: int = 0


@dataclass(frozen=True, slots=True)
class Queue:
    """Who waited: vouchers that marshals stamped and no gate let in or refused yet.

    Attributes:
        waiting: at the end of each quarter; of the last one, at the end of what is counted.
        longest_at, longest: when most waited; `minutes`: until the last of them that a gate saw
            had left, None where some still waited at the end.
    """

    waiting: list[tuple[datetime, int]]
    longest_at: datetime
    longest: int
    minutes: int | None


@dataclass(frozen=True, slots=True)
class ReportFigures:
    """All that is counted of the time of an incident.

    Attributes:
        first, last: of the whole time; `chart_first`, `chart_last` of what is drawn.
        reasons: scans that were not admitted, by reason, the most first.
        calls: scans that were referred, by gate and hour.
    """

    first: datetime
    last: datetime
    chart_first: datetime
    chart_last: datetime
    rates: list[GateRate] = field(default_factory=list)
    quarters: list[Quarter] = field(default_factory=list)
    deal: list[tuple[datetime, DealScans]] = field(default_factory=list)
    reasons: list[tuple[Reason, int]] = field(default_factory=list)
    calls: dict[str, dict[datetime, int]] = field(default_factory=dict)
    queue: Queue | None = None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    overrides: int = 0
    conflicts: int = 0
    open_conflicts: int = 0
    people: int = 0
    honoured: int = 0

    @property
    def scans(self) -> int:
        """All presentations at entries."""
        return self.outcomes.total()

    @property
    def most_calls(self) -> tuple[str, datetime, int] | None:
        """The gate and hour with most calls."""
        every = [(gate, hour, n) for gate, hours in self.calls.items() for hour, n in hours.items()]
        return max(every, key=lambda each: each[2], default=None)


def quarter_at(quarter: int) -> datetime:
    """Return the first instant of a quarter of an hour, counted since 1970."""
    return from_ms(quarter * QUARTER_MS)


def chart_day(rows: Sequence[GateQuarter], venue: Venue, otherwise: datetime) -> datetime:
    """Return an instant of the venue day with most scans."""
    scans: Counter[datetime] = Counter()
    for row in rows:
        at = from_ms(row.quarter * QUARTER_MS)
        scans[venue.day_bounds(venue.day_of(at))[0]] += row.scans
    return scans.most_common(1)[0][0] if scans else otherwise


def chart_bounds(
    rows: Sequence[GateQuarter], first: datetime, last: datetime
) -> tuple[datetime, datetime]:
    """Return from when to when something was scanned within a day; all of it if nothing was.

    Whole quarters of an hour, but never later than `last`.
    """
    low, high = to_ms(first) // QUARTER_MS, to_ms(last) // QUARTER_MS
    busy = [
        row.quarter for row in rows if low <= row.quarter <= high and (row.scans or row.entered)
    ]
    if not busy:
        return first, last
    return quarter_at(min(busy)), min(quarter_at(max(busy) + 1), last)


def rates_of(
    entered: Sequence[tuple[int, str, int]], first: datetime, last: datetime
) -> list[GateRate]:
    """Return the people a minute of each gate, the busiest first."""
    step_ms = STEP_MINUTES * MINUTE_MS
    begin, steps = to_ms(first) // step_ms, -(-(to_ms(last) - to_ms(first)) // step_ms)
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * max(1, steps))
    for minute, gate_id, people in entered:
        step = minute * MINUTE_MS // step_ms - begin
        if 0 <= step < len(sums[gate_id]):
            sums[gate_id][step] += people
    found = [
        GateRate(gate_id, [people / STEP_MINUTES for people in counts], sum(counts))
        for gate_id, counts in sums.items()
    ]
    return sorted(found, key=lambda each: (-each.people, each.gate_id))


def verdicts_of(rows: Sequence[GateQuarter], first: datetime, last: datetime) -> list[Quarter]:
    """Return the verdicts of each quarter, those without any too."""
    low, high = to_ms(first) // QUARTER_MS, (to_ms(last) - 1) // QUARTER_MS
    sums: dict[int, Counter[Outcome]] = defaultdict(Counter)
    for row in _entries(rows):
        sums[row.quarter][OUTCOMES[Reason(row.reason)]] += row.scans
    return [
        Quarter(from_ms(quarter * QUARTER_MS), **_by_name(sums[quarter]))
        for quarter in range(low, high + 1)
    ]


def _by_name(counts: Mapping[Outcome, int]) -> dict[str, int]:
    return {outcome.value: counts.get(outcome, 0) for outcome in Outcome}


def count_all(rows: Sequence[GateQuarter]) -> tuple[Counter[Outcome], int, int]:
    """Return scans by outcome, the people let in, and those of them who were honoured."""
    outcomes: Counter[Outcome] = Counter()
    for row in _entries(rows):
        outcomes[OUTCOMES[Reason(row.reason)]] += row.scans
    honoured = sum(row.entered for row in rows if row.reason == Reason.HONOURED)
    return outcomes, sum(row.entered for row in rows), honoured


def reasons_of(rows: Sequence[GateQuarter]) -> list[tuple[Reason, int]]:
    """Return why scans were not admitted, the most frequent reason first."""
    sums: Counter[Reason] = Counter()
    for row in _entries(rows):
        reason = Reason(row.reason)
        if OUTCOMES[reason] is not Outcome.ADMIT:
            sums[reason] += row.scans
    return sorted(((r, n) for r, n in sums.items() if n), key=lambda each: (-each[1], each[0]))


def calls_of(rows: Sequence[GateQuarter]) -> dict[str, dict[datetime, int]]:
    """Return the scans that were referred, by gate and hour; exits too, for they take a human."""
    found: dict[str, dict[datetime, int]] = {}
    for row in rows:
        if row.reason.startswith(COUNTED) or not row.scans:
            continue
        if OUTCOMES[Reason(row.reason)] is Outcome.REFER:
            hour = from_ms(row.quarter * QUARTER_MS // HOUR_MS * HOUR_MS)
            hours = found.setdefault(row.gate_id, {})
            hours[hour] = hours.get(hour, 0) + row.scans
    return found


def first_stamps(stamps: Sequence[StampRow], venue: Venue, last: datetime) -> list[StampRow]:
    """Return the first stamp of each voucher on each venue day; struck ones are none."""
    found: dict[tuple[int | bytes | None, date], StampRow] = {}
    for stamp in stamps:
        if stamp.counts and stamp.at_ms <= to_ms(last):
            voucher = stamp.key if stamp.voucher_id is None else stamp.voucher_id
            found.setdefault((voucher, venue.day_of(from_ms(stamp.at_ms))), stamp)
    return [*found.values()]


def queue_of(
    stays: Sequence[tuple[int, int | None]], venue: Venue, first: datetime, last: datetime
) -> Queue | None:
    """Return who waited; None where nobody was stamped.

    Args:
        stays: when each voucher was stamped and when it left, milliseconds since 1970; whoever
            left unseen has done so by the venue day's end.
        last: the end of what is counted; nothing is said of a later moment.
    """
    if not stays:
        return None
    stood = [_stood(stay, venue, last) for stay in stays]
    came, left = Counter(each.came for each in stood), Counter(each.left for each in stood)
    low = min(to_ms(first) // QUARTER_MS, *came)
    high = max((to_ms(last) - 1) // QUARTER_MS, *came)
    waiting, course = 0, []
    for quarter in range(low, high + 1):
        waiting += came[quarter] - left[quarter]
        course.append((quarter, waiting))
    at, longest = max(course, key=lambda each: each[1])
    return Queue(
        waiting=[(min(quarter_at(quarter + 1), last), n) for quarter, n in course],
        longest_at=min(quarter_at(at + 1), last),
        longest=longest,
        minutes=_wait_minutes([each for each in stood if each.came <= at < each.left], at),
    )


class _Stood(NamedTuple):
    """A stamped voucher in the queue, by quarters; `seen`: a gate saw it leave."""

    came: int
    left: float
    seen: bool


def _stood(stay: tuple[int, int | None], venue: Venue, last: datetime) -> _Stood:
    at_ms, left_ms = stay
    day_end = to_ms(venue.day_bounds(venue.day_of(from_ms(at_ms)))[1])
    end = day_end if left_ms is None else min(left_ms, day_end)
    left = math.inf if end > to_ms(last) else end // QUARTER_MS
    return _Stood(at_ms // QUARTER_MS, left, left_ms == end)


def _wait_minutes(waiting: Sequence[_Stood], at: int) -> int | None:
    """Return how long they waited on from the end of a quarter, so far as gates saw them leave."""
    ends = [each.left for each in waiting if each.seen or each.left == math.inf]
    most = max(ends, default=at)
    return None if most == math.inf else int(most - at) * QUARTER_MS // MINUTE_MS


def _entries(rows: Sequence[GateQuarter]) -> list[GateQuarter]:
    return [
        row
        for row in rows
        if row.scans and not row.reason.startswith(COUNTED) and row.reason not in _EXITS
    ]


def local_hours(calls: Mapping[str, Mapping[datetime, int]], most: int = 24) -> list[datetime]:
    """Return the hours with calls, in order; of very many the last."""
    hours = sorted({hour for each in calls.values() for hour in each})
    return hours[-most:]


def lasted(first: datetime, last: datetime) -> str:
    """Return a length of time as `2 d 3:05`."""
    minutes = int((last - first) / timedelta(minutes=1))
    days, rest = divmod(max(0, minutes), 24 * 60)
    hours = f"{rest // 60}:{rest % 60:02}"
    return f"{days} d {hours}" if days else hours
