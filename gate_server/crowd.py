"""Gather what is known of the crowd, from counters and the ledger, into one frozen view.

Never reads the scan table. Past days are read once and the last one hourly; what is sold once a
minute; the rest is in memory or of a few rows, and is looked at once a second at most.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Final

from admission.calendar import from_ms, to_ms
from admission.crowd import CrowdSeen, CrowdView, assess
from admission.crowd_forecast import SLOT_MINUTES, PastDay, Today
from admission.crowd_queues import GateFlow, Stamps, best_rate, lets_in
from admission.deals import Deal
from admission.scans import GateState
from admission.why import still_to_come
from gate_server.ledger.catalogue import Seen
from gate_server.ledger.crowd import (
    DayCounts,
    Evacuation,
    SoldWindow,
    find_entry,
    find_evacuation,
    list_came_before,
    list_over,
    list_queue_counts,
    list_windows,
    read_day,
)
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.stamp_minutes import list_minutes
from gate_server.ledger.tallies import MINUTE_MS, Day
from gate_server.settings import Settings

VIEW_FOR_S: Final = 1.0
SOLD_FOR_S: Final = 60.0
PAST_FOR_S: Final = 3600.0
PAST_DAYS: Final = 14
KEPT_MINUTES: Final = 180


@dataclass(frozen=True, slots=True)
class _Past:
    """What past days say.

    Attributes:
        best: people a minute that each gate kept up.
        came, over: persons, and people of vouchers whose span was over, before today, by deal.
    """

    days: tuple[PastDay, ...] = ()
    best: Mapping[str, float] = field(default_factory=dict)
    came: Mapping[int, int] = field(default_factory=dict)
    over: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sold:
    """People with vouchers for today: for this day alone, those of them who came, still unused."""

    dated: int = 0
    dated_came: int = 0
    unused: int = 0
    best: Mapping[str, float] = field(default_factory=dict)


class CrowdBook:
    """The crowd of a venue.

    Args:
        monotonic: seconds that only go forward.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._settings, self._monotonic = ledger, settings, monotonic
        self._lock = Lock()
        self._view: CrowdView | None = None
        self._made_s = self._sold_s = self._past_s = float("-inf")
        self._past_day: date | None = None
        self._read: dict[date, DayCounts] = {}
        self._past, self._sold = _Past(), _Sold()
        self._evacuation: Evacuation | None = None
        self._read_to = 0

    def view(self) -> CrowdView:
        """Return how the crowd stands, a second old at most.

        While somebody looks anew, the others get the last view.
        """
        last = self._view
        if last is not None and not self._lock.acquire(blocking=False):
            return last
        if last is None:
            self._lock.acquire()
        try:
            if self._view is None or self._monotonic() - self._made_s >= VIEW_FOR_S:
                self._view = self._look()
                self._made_s = self._monotonic()
            return self._view
        finally:
            self._lock.release()

    def renew(self) -> None:
        """Have the next view look again: somebody has just entered something."""
        self._made_s = float("-inf")

    def _look(self) -> CrowdView:
        ledger, now = self._ledger, self._ledger.clock()
        day = _today(ledger, now)
        self._renew(day, now)
        return assess(self._seen(day, now), self._settings.crowd)

    def _renew(self, day: Day, now: datetime) -> None:
        """Read again what is read seldom, where it is old or of another day."""
        now_s = self._monotonic()
        turned = self._past_day != day.day
        if turned or now_s - self._past_s >= PAST_FOR_S:
            self._past, self._past_s, self._past_day = self._read_past(day), now_s, day.day
        if turned or now_s - self._sold_s >= SOLD_FOR_S:
            self._sold, self._sold_s = self._count_sold(day, now), now_s

    def _read_past(self, today: Day) -> _Past:
        ledger = self._ledger
        days = [today.day - timedelta(days=back) for back in range(1, PAST_DAYS + 1)]
        for day in days:
            # Late uploads change the last day; those before are as good as done.
            if day == days[0] or day not in self._read:
                self._read[day] = ledger.read(lambda db: read_day(db, ledger.venue, day))  # noqa: B023
        self._read = {day: self._read[day] for day in days}
        best: dict[str, float] = defaultdict(float)
        for counts in self._read.values():
            for gate_id, rate in counts.best.items():
                best[gate_id] = max(best[gate_id], rate)
        first = from_ms(today.first_ms)
        return _Past(
            tuple(self._past_of(day, counts) for day, counts in self._read.items()),
            best,
            ledger.read(lambda db: list_came_before(db, first)),
            ledger.read(lambda db: list_over(db, first)),
        )

    def _past_of(self, day: date, counts: DayCounts) -> PastDay:
        dated = self._dated(self._windows(day), day)
        sold = sum(dated.values())
        came = sum(counts.deals.get(deal_no, 0) for deal_no in dated)
        return PastDay(day, counts.arrivals, counts.exits, sold, min(sold, came))

    def _windows(self, day: date) -> list[SoldWindow]:
        """Return the spans of vouchers that meet a venue day."""
        ledger = self._ledger
        first, last = ledger.venue.day_bounds(day)
        found = ledger.read(lambda db: list_windows(db, first, last))
        met = []
        for window in found:
            begin, end = self._bounds(window)
            if begin <= last and end >= first:
                met.append(window)
        return met

    def _dated(self, windows: Iterable[SoldWindow], day: date) -> dict[int, int]:
        """Return the people with vouchers for one day alone, of deals that have no others then."""
        first, last = self._ledger.venue.day_bounds(day)
        dated, wider = Counter[int](), set()
        for window in windows:
            begin, end = self._bounds(window)
            if begin >= first and end <= last:
                dated[window.deal_no] += window.people
            else:
                wider.add(window.deal_no)
        return {deal_no: people for deal_no, people in dated.items() if deal_no not in wider}

    def _bounds(self, window: SoldWindow) -> tuple[datetime, datetime]:
        deal = self._ledger.catalogue.deals[window.deal_no]
        return window.valid_from or deal.valid_from, window.valid_until or deal.valid_until

    def _count_sold(self, day: Day, now: datetime) -> _Sold:
        catalogue, past = self._ledger.catalogue, self._past
        windows = self._windows(day.day)
        dated = self._dated(windows, day.day)
        came_today, holders, unused = dict(day.deals), Counter[int](), 0
        for window in windows:
            holders[window.deal_no] += window.people
        for deal_no, people in holders.items():
            used = came_today.get(deal_no, 0)
            if deal_no not in dated:
                # At most: who could have come on vouchers that are over is taken to have done so.
                used += max(0, past.came.get(deal_no, 0) - past.over.get(deal_no, 0))
            if deal_no not in catalogue.voids:
                unused += self._still(catalogue.deals[deal_no], now, people, used)
        came = sum(came_today.get(deal_no, 0) for deal_no in dated)
        best = {
            gate_id: best_rate(_filled(dict(gate.minutes)))
            for gate_id, gate in dict(day.gates).items()
        }
        return _Sold(sum(dated.values()), came, unused, best)

    def _still(self, deal: Deal, now: datetime, sold: int, used: int) -> int:
        return still_to_come(deal, now, self._ledger.venue, sold=sold, used=used)

    def _seen(self, day: Day, now: datetime) -> CrowdSeen:
        ledger, settings = self._ledger, self._settings
        venue, past, sold = ledger.venue, self._past, self._sold
        end = to_ms(now) // MINUTE_MS
        minutes = range(end - KEPT_MINUTES, end)
        opens_at, closes_at = venue.hours_of(day.day, (settings.duty.opens, settings.crowd.closes))
        since = from_ms(day.first_ms)
        exits = dict(day.exits)
        counts_exits = bool(day.left_out) or any(sum(each.exits) for each in past.days)
        return CrowdSeen(
            now=now,
            until=from_ms(end * MINUTE_MS),
            gates=self._gates(day, minutes, now),
            exits=tuple(exits.get(minute, 0) for minute in minutes),
            today=Today(
                day.day,
                since,
                (now - since) / timedelta(minutes=1),
                -(-(day.last_ms - day.first_ms + 1) // (MINUTE_MS * SLOT_MINUTES)),
                day.persons,
                day.inside,
                sold.dated,
                sold.dated_came,
                sold.unused,
                counts_exits,
            ),
            opens_at=opens_at,
            closes_at=closes_at,
            counts=tuple(ledger.read(lambda db: list_queue_counts(db, since))),
            stamps=self._stamps(minutes),
            past=past.days,
            limit=settings.people_limit,
            limit_set=bool(settings.limit),
            left_today=day.left_out,
            entered_by_hand=ledger.read(lambda db: find_entry(db, day.first_ms, day.last_ms)),
            vouchers_left=sold.unused,
            emergency=ledger.catalogue.emergency,
            evacuated_until=self._evacuated_until(day),
        )

    def _evacuated_until(self, day: Day) -> datetime | None:
        """Return when the last evacuation of a venue day ended; reads only what is new."""
        after, self._read_to = self._read_to, self._ledger.revision
        newer = self._ledger.read(lambda db: find_evacuation(db, after))
        last = self._evacuation = newer or self._evacuation
        if last is None or last.on or not day.first_ms <= to_ms(last.at) <= day.last_ms:
            return None
        return last.at

    def _gates(self, day: Day, minutes: range, now: datetime) -> tuple[GateFlow, ...]:
        terms, past, sold = self._settings.crowd, self._past.best, self._sold.best
        found, manned = [], self._manned(now)
        for gate in self._ledger.catalogue.gates.values():
            counted = day.gates.get(gate.gate_id)
            entered = {} if counted is None else dict(counted.minutes)
            best = max(past.get(gate.gate_id, 0.0), sold.get(gate.gate_id, 0.0))
            found.append(
                GateFlow(
                    gate.gate_id,
                    gate.name,
                    gate.area,
                    gate.state is GateState.OPEN,
                    tuple(entered.get(minute, 0) for minute in minutes),
                    best,
                    terms.ceiling(gate.gate_id),
                    gate.gate_id in manned,
                )
            )
        return tuple(found)

    def _manned(self, now: datetime) -> frozenset[str]:
        """Return the gates where a device that lets people in was heard lately."""
        ledger, catalogue = self._ledger, self._ledger.catalogue
        return frozenset(
            device.gate_id
            for device_id, device in catalogue.devices.items()
            if not _practises(catalogue.seen.get(device_id))
            and lets_in(device, ledger.last_seen(device_id), now)
        )

    def _stamps(self, minutes: range) -> dict[str, Stamps]:
        first = minutes.start
        rows = self._ledger.read(lambda db: list_minutes(db, first, minutes.stop - 1))
        stamped: dict[str, list[int]] = defaultdict(lambda: [0] * len(minutes))
        met: dict[str, list[int]] = defaultdict(lambda: [0] * len(minutes))
        waited: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(minutes))
        for row in rows:
            stamped[row.area][row.minute - first] = row.stamped
            met[row.area][row.minute - first] = row.met
            waited[row.area][row.minute - first] = row.waited_ms / MINUTE_MS
        return {
            area: Stamps(tuple(stamped[area]), tuple(met[area]), tuple(waited[area]))
            for area in stamped
        }


def _practises(word: Seen | None) -> bool:
    """Say whether a device said last that it is for practice, and lets nobody in."""
    return word is not None and word.heartbeat.get("practice") is True


def _today(ledger: Ledger, now: datetime) -> Day:
    """Return the counts of the running venue day; nobody may have come since it began."""
    counted = ledger.tallies.today
    if counted.first_ms <= to_ms(now) <= counted.last_ms:
        return counted
    day = ledger.venue.day_of(now)
    first, last = ledger.venue.day_bounds(day)
    return Day(day, to_ms(first), to_ms(last))


def _filled(minutes: Mapping[int, int]) -> list[int]:
    """Return the minutes from the first to the last in which anybody came, the others as 0."""
    if not minutes:
        return []
    return [minutes.get(minute, 0) for minute in range(min(minutes), max(minutes) + 1)]
