"""Figures over days, from counters: gates and deals by day and hour, a gate's day, sales."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias

from admission.calendar import Venue, from_ms
from admission.deals import Deal
from admission.errors import Fault, InvalidInput, NotFound
from admission.verdicts import OUTCOMES, Outcome, Reason
from admission.wire_figures import (
    By,
    CurveAnswer,
    DealFigure,
    DealFigures,
    GateDayAnswer,
    GateFigure,
    GateFigures,
    PeakAnswer,
    SalesFigure,
)
from gate_server.ledger.figure_rows import (
    DealSums,
    GateSums,
    HourSold,
    count_lanes,
    count_untimed,
    list_deal_sums,
    list_gate_sums,
    list_minutes,
    list_scanned_hours,
    list_sold,
)
from gate_server.ledger.lanes import QUARTER_MS
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.peaks import DayPeaks, Peak, best_of, find_peaks, find_records
from gate_server.ledger.tallies import COUNTED, HOUR_MS, MINUTE_MS

MOST_DAYS: Final = 400
MOST_DAYS_BY_HOUR: Final = 100
CEILING_PER_LANE: Final = 660
"""People an hour that one turnstile lets in at most (Green Guide practice, docs/figures.md)."""

Reasons: TypeAlias = Mapping[tuple[int, int], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Days:
    """Venue days, both included, and what figures of them are summed up by."""

    first: date
    last: date
    by: By = "day"

    def __post_init__(self) -> None:
        most = MOST_DAYS if self.by == "day" else MOST_DAYS_BY_HOUR
        if self.last < self.first:
            raise InvalidInput("until", "is before from", Fault.BACKWARDS)
        if (self.last - self.first).days >= most:
            raise InvalidInput("until", f"at most {most} days by {self.by}", Fault.FAR_OFF, most)

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def read_days(ledger: Ledger, first: str | None, last: str | None, by: By) -> Days:
    """Read which venue days are asked for; without `first` the last one, without it today.

    Raises:
        InvalidInput: no day, or too many.
    """
    until = read_date("until", last) or ledger.venue.day_of(ledger.clock())
    return Days(read_date("from", first) or until, until, by)


def read_date(name: str, text: str | None) -> date | None:
    """Read a venue day; None: it was not given.

    Raises:
        InvalidInput: it is no day that a calendar has.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(name, "give a day as 2026-05-01", Fault.UNREADABLE, text) from error
    if not 1970 < day.year < 9999:
        raise InvalidInput(name, "give a day from 1971 to 9998", Fault.UNREADABLE, text)
    return day


# --- gates ---------------------------------------------------------------------------------------


def make_gate_figures(ledger: Ledger, days: Days) -> GateFigures:
    """Return what each gate did, day by day or hour by hour."""
    gates = [figure for day in days for figure in gate_day_figures(ledger, day, days.by)]
    return GateFigures(first_day=days.first, last_day=days.last, by=days.by, gates=gates)


def gate_day_figures(
    ledger: Ledger, day: date, by: By, gate_id: str | None = None
) -> list[GateFigure]:
    """Return the gates of one venue day; `gate_id`: only this one."""
    venue = ledger.venue
    bounds = venue.day_bounds(day)
    rows = ledger.read(lambda db: list_gate_sums(db, bounds, whole=by == "day", gate_id=gate_id))
    sums: dict[tuple[datetime, str], list[GateSums]] = defaultdict(list)
    for row in rows:
        at = bounds[0] if by == "day" else hour_of(from_ms(row.quarter * QUARTER_MS), venue)
        sums[max(at, bounds[0]), row.gate_id].append(row)
    gates = ledger.catalogue.gates
    return [
        _gate(day, at, which, gates[which].name if which in gates else which, sums[at, which])
        for at, which in sorted(sums)
    ]


def hour_of(at: datetime, venue: Venue) -> datetime:
    """Return the first instant of the hour that the venue's clocks show, UTC."""
    local = at.astimezone(venue.zone)
    return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)


def _gate(day: date, at: datetime, gate_id: str, name: str, rows: list[GateSums]) -> GateFigure:
    stopped: dict[str, int] = defaultdict(int)
    counted: dict[str, int] = defaultdict(int)
    scans = 0
    for row in rows:
        if row.reason.startswith(COUNTED):
            counted[row.reason.removeprefix(COUNTED)] += row.entered
            continue
        scans += row.scans
        if row.scans and OUTCOMES[Reason(row.reason)] is not Outcome.ADMIT:
            stopped[row.reason] += row.scans
    by_outcome = _by_outcome(stopped)
    return GateFigure(
        day=day,
        from_at=at,
        gate_id=gate_id,
        name=name,
        entered=sum(row.entered for row in rows),
        left_out=sum(row.left_out for row in rows),
        people=sum(row.people for row in rows),
        persons=sum(row.persons for row in rows),
        scans=scans,
        refused=by_outcome[Outcome.REFUSE],
        referred=by_outcome[Outcome.REFER],
        waited=by_outcome[Outcome.WAIT],
        reasons=dict(sorted(stopped.items(), key=lambda each: (-each[1], each[0]))),
        counted={kind: people for kind, people in sorted(counted.items()) if people},
    )


def _by_outcome(stopped: Mapping[str, int]) -> Mapping[Outcome, int]:
    sums = dict.fromkeys(Outcome, 0)
    for reason, scans in stopped.items():
        sums[OUTCOMES[Reason(reason)]] += scans
    return sums


def make_gate_day(
    ledger: Ledger, gate_id: str, day: date | None, *, ceiling_per_lane: int = CEILING_PER_LANE
) -> GateDayAnswer:
    """Return one gate's venue day by minute, beside its records and its ceiling.

    Args:
        day: None: today.
        ceiling_per_lane: people an hour that one lane is planned for at most.

    Raises:
        NotFound: there is no such gate.
    """
    gate = ledger.catalogue.gates.get(gate_id)
    if gate is None:
        raise NotFound(f"no gate {gate_id}")
    shown = day or ledger.venue.day_of(ledger.clock())
    bounds = ledger.venue.day_bounds(shown)
    minutes = ledger.read(lambda db: list_minutes(db, bounds, gate_id))
    lanes = ledger.read(lambda db: count_lanes(db, bounds, gate_id))
    hours = gate_day_figures(ledger, shown, "hour", gate_id)
    best = find_peaks(minutes, min(minutes), max(minutes)) if minutes else None
    # Minutes that are just over are looked at with the next scan, so the day's own count, too.
    known = ledger.read(lambda db: find_records(db, gate_id))
    record = best_of(each for each in (known, best) if each is not None)
    first = min(minutes, default=0)
    return GateDayAnswer(
        gate_id=gate_id,
        name=gate.name,
        day=shown,
        begins_at=bounds[0],
        ends_at=bounds[1],
        entered=sum(hour.entered for hour in hours),
        left_out=sum(hour.left_out for hour in hours),
        from_at=from_ms(first * MINUTE_MS) if minutes else None,
        per_minute=[minutes.get(at, 0) for at in range(first, max(minutes, default=-1) + 1)],
        best_minute=_peak(best, 0),
        best_hour=_peak(best, 1),
        record_minute=_peak(record, 0),
        record_hour=_peak(record, 1),
        lanes=lanes,
        ceiling_per_hour=lanes * ceiling_per_lane,
        hours=hours,
    )


def _peak(peaks: DayPeaks | None, place: int) -> PeakAnswer | None:
    if peaks is None:
        return None
    peak: Peak = peaks[place]
    return PeakAnswer(from_at=from_ms(peak.minute * MINUTE_MS), people=peak.people)


# --- deals ---------------------------------------------------------------------------------------


def make_deal_figures(ledger: Ledger, days: Days, *, platform: str | None = None) -> DealFigures:
    """Return what was scanned of each deal, day by day or hour by hour.

    Args:
        platform: only its deals.
    """
    deals = [figure for day in days for figure in _deals_of(ledger, day, days.by, platform)]
    return DealFigures(first_day=days.first, last_day=days.last, by=days.by, deals=deals)


def _deals_of(
    ledger: Ledger, day: date, by: By, platform: str | None, deal_no: int | None = None
) -> list[DealFigure]:
    bounds, known = ledger.venue.day_bounds(day), ledger.catalogue.deals
    sums, reasons = ledger.read(
        lambda db: list_deal_sums(db, bounds, whole=by == "day", deal_no=deal_no)
    )
    return [
        _deal(day, bounds[0] if by == "day" else None, row, known[row.deal_no], reasons)
        for row in sorted(sums, key=lambda row: (row.hour, row.deal_no))
        if row.deal_no in known and platform in {None, known[row.deal_no].platform}
    ]


def _deal(
    day: date, at: datetime | None, row: DealSums, deal: Deal, reasons: Reasons
) -> DealFigure:
    return DealFigure(
        day=day,
        from_at=at or from_ms(row.hour * HOUR_MS),
        deal_id=deal.deal_id,
        platform=deal.platform,
        title=deal.title,
        entered=row.entered,
        persons=row.persons,
        scans=row.scans,
        refused=row.refused,
        referred=row.referred,
        reasons=reasons.get((row.hour, row.deal_no), {}),
    )


def make_curve(ledger: Ledger, deal: Deal, by: By) -> CurveAnswer:
    """Return when a deal's vouchers were sold, and when they were presented.

    What was presented is told of the newest days, as many as figures have at most.
    """
    sold: dict[tuple[date, datetime], list[HourSold]] = defaultdict(list)
    venue = ledger.venue
    for row in _sold(ledger, deal.deal_no):
        at = from_ms(row.hour * HOUR_MS)
        day = venue.day_of(at)
        sold[day, venue.day_bounds(day)[0] if by == "day" else at].append(row)
    return CurveAnswer(
        deal_id=deal.deal_id,
        by=by,
        untimed=ledger.read(lambda db: count_untimed(db, deal.deal_no)),
        sold=[_sales(day, at, rows) for (day, at), rows in sorted(sold.items())],
        scanned=[
            figure
            for day in _scanned_days(ledger, deal.deal_no, by)
            for figure in _deals_of(ledger, day, by, None, deal.deal_no)
        ],
    )


def _sold(ledger: Ledger, deal_no: int) -> Iterator[HourSold]:
    after: int | None = -1
    while after is not None:
        rows, after = ledger.read(lambda db, after=after: list_sold(db, deal_no, after))  # type: ignore[misc]
        yield from rows


def _sales(day: date, at: datetime, rows: list[HourSold]) -> SalesFigure:
    return SalesFigure(
        day=day,
        from_at=at,
        vouchers=sum(row.vouchers for row in rows),
        standing=sum(row.standing for row in rows),
        people=sum(row.people for row in rows),
    )


def _scanned_days(ledger: Ledger, deal_no: int, by: By) -> list[date]:
    """Return the newest venue days on which a deal was scanned, the first one first."""
    hours = ledger.read(lambda db: list_scanned_hours(db, deal_no))
    days = {ledger.venue.day_of(from_ms(hour * HOUR_MS)) for hour in hours}
    return sorted(days)[-(MOST_DAYS if by == "day" else MOST_DAYS_BY_HOUR) :]
