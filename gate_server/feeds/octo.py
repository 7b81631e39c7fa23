"""A platform that speaks OCTO: its bookings, a day at a time.

OCTO has no updated-since and no paging, so a round asks for the days that change most, and for a
few of the others in turn: each of them is looked at again within some rounds. A day's answer may be
of any size: it is read as it comes. https://docs.octo.travel
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from admission.codes import normalise
from admission.errors import FeedRejected
from admission.row_values import Row
from gate_server.feeds.contract import Kind, Offer, Part, SourceRow
from gate_server.feeds.http import MOST_FOUND_BYTES, Limits, PlatformHttp, check_json
from gate_server.feeds.json_items import cut_items
from gate_server.feeds.json_values import read_place
from gate_server.feeds.octo_booking import read_booking, read_list
from gate_server.feeds.octo_rows import Mapper, Rows, unreadable
from gate_server.feeds.unreported import Unreported

CAPABILITIES: Final = "octo/pricing"
ROWS_A_PART: Final = 2000
# A booking that was changed while its day was being told may say a time before the newest told.
OVERLAP: Final = timedelta(minutes=10)
COLD_DAYS_A_ROUND: Final = 5
_DAY: Final = timedelta(days=1)
# A day may have 206,865 bookings of 4 kB, and writing them takes its time too.
DAY_LIMITS: Final = Limits(silence_s=120.0, whole_s=3600.0, most_bytes=4 << 30)


class Dates(StrEnum):
    """What a server's `localDate` filters mean."""

    CREATED = "created"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class OctoPlan:
    """Which days are asked for.

    Attributes:
        days: how many days back, or of visits ahead, bookings are still looked at for changes.
        zone: the venue's; the platform's day may be another.
    """

    dates: Dates
    days: int
    zone: ZoneInfo

    def hot(self, now: datetime) -> list[date]:
        """Return the days of every round, the likeliest first."""
        today = now.astimezone(self.zone).date()
        if self.dates is Dates.VISIT:
            return [today, today + _DAY, today - _DAY]
        # A day that has not begun anywhere is none that a server must bear to be asked for.
        return [*dict.fromkeys((today, now.astimezone(UTC).date(), today - _DAY))]

    def cold(self, now: datetime) -> list[date]:
        """Return the other days, the nearest first."""
        today, hot = now.astimezone(self.zone).date(), self.hot(now)
        sign = -1 if self.dates is Dates.CREATED else 1
        days = [today + sign * away * _DAY for away in range(2, self.days + 1)]
        return [day for day in days if day not in hot]


class Place(Struct, omit_defaults=True):
    """How far a feed has come; it travels as the cursor.

    Attributes:
        days: each day that was told in whole, and the newest `utcUpdatedAt` in it.
        deals: those that were told; a deal is told once.
        last: the cold day that was asked for last.
    """

    days: dict[str, str] = {}
    deals: list[str] = []
    last: str = ""

    def turn(self, cold: Sequence[date]) -> list[date]:
        """Return the cold days of this round: all that were never told, then some in turn."""
        fresh = [day for day in cold if day.isoformat() not in self.days]
        known = [day for day in cold if day.isoformat() in self.days]
        after = [index for index, day in enumerate(known) if day.isoformat() == self.last]
        start = after[0] + 1 if after else 0
        return fresh + (known[start:] + known[:start])[:COLD_DAYS_A_ROUND]


_places: Final = msgspec.json.Decoder(Place)
_write: Final = msgspec.json.Encoder().encode


class OctoSource(Unreported):
    """Reads a platform's bookings by OCTO.

    Args:
        now: the time, which no booking's can be after.
        limits: of one day's answer.
    """

    def __init__(
        self,
        platform: str,
        http: PlatformHttp,
        plan: OctoPlan,
        *,
        now: Callable[[], datetime],
        limits: Limits = DAY_LIMITS,
    ) -> None:
        self._platform = platform
        self._limits = limits
        self._http = http
        self._plan = plan
        self._now = now

    @property
    def offers(self) -> frozenset[Offer]:
        """It can be asked for one booking."""
        return frozenset({Offer.FIND})

    def changes(self, cursor: str | None) -> Iterator[Part]:
        """Yield the bookings of this round's days that were changed since they were last told."""
        place = read_place(_places, cursor)
        now = self._now()
        hot, cold = self._plan.hot(now), self._plan.cold(now)
        wanted = {day.isoformat() for day in (*hot, *cold)}
        place.days = {day: newest for day, newest in place.days.items() if day in wanted}
        for day in hot:
            yield from self._day(day, place)
        for day in place.turn(cold):
            place.last = day.isoformat()
            yield from self._day(day, place)
        yield Part(Kind.VOUCHERS, (), self._now(), _cursor(place, cursor), whole=True)

    def find(self, code: str, *, timeout_s: float) -> Sequence[Part]:
        """Ask for the booking whose reference a code is: on many servers that is its QR code."""
        query = {"supplierReference": normalise(code)}
        limits = Limits(most_bytes=MOST_FOUND_BYTES).within(timeout_s)
        answer = self._http.get("/bookings", query, limits=limits)
        if answer.status in {400, 404}:
            return ()
        bookings = read_list(check_json(answer).body)
        gathered = _Gathered(self._platform, self._now(), ())
        for number, text in enumerate(bookings, 1):
            gathered.add(text, f"look-up #{number}", None)
        wanted = normalise(code)
        gathered.rows = [row for row in gathered.rows if wanted in _codes(row)]
        return gathered.parts(self._now()) if gathered.rows else ()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _day(self, day: date, place: Place) -> Iterator[Part]:
        """Yield what was changed on one day, and with its last rows that it was told."""
        name = day.isoformat()
        before = place.days.get(name)
        since = datetime.fromisoformat(before) if before else None
        gathered = _Gathered(self._platform, self._now(), place.deals)
        query = {"localDateStart": name, "localDateEnd": name}
        with self._http.opened("/bookings", query, limits=self._limits) as pieces:
            for number, text in enumerate(cut_items(pieces), 1):
                gathered.add(text, f"{name} #{number}", since)
                if len(gathered.rows) >= ROWS_A_PART:
                    yield from gathered.parts(self._now())
                    gathered.clear()
        newest = max(filter(None, (since, gathered.newest)), default=None)
        place.days[name] = "" if newest is None else newest.isoformat()
        place.deals = sorted(gathered.told)
        if gathered.rows or place.days[name] != before:
            *first, last = gathered.parts(self._now())
            yield from first
            yield replace(last, cursor=_cursor(place, None))


class _Gathered:
    """Rows that have been read and not yet given on."""

    def __init__(self, platform: str, now: datetime, told: Iterable[str]) -> None:
        self.told = set(told)
        self._mapper = Mapper(platform, now, self.told)
        self.deals: dict[str, Row] = {}
        self.rows: list[SourceRow] = []
        self.newest: datetime | None = None

    def add(self, text: bytes | msgspec.Raw, place: str, since: datetime | None) -> None:
        """Read one booking; one that was told before, and not changed since, is passed over."""
        try:
            booking = read_booking(text)
            updated = self._mapper.updated_at(booking)
        except FeedRejected as problem:
            self.rows.append(unreadable(place, problem))
            return
        if updated is not None and (self.newest is None or updated > self.newest):
            self.newest = updated
        if updated is not None and since is not None and updated < since - OVERLAP:
            return
        found: Rows = self._mapper.rows(booking, place)
        self.deals |= found.deals
        self.told.update(found.deals)
        self.rows += found.vouchers

    def parts(self, now: datetime) -> list[Part]:
        """Return what was gathered: deals first. There is always a part of vouchers."""
        deals = [SourceRow(str(row["title"]), row) for row in self.deals.values()]
        told = [Part(Kind.DEALS, deals, now)] if deals else []
        return [*told, Part(Kind.VOUCHERS, self.rows, now)]

    def clear(self) -> None:
        """Forget the rows that were given on."""
        self.deals, self.rows = {}, []


def _cursor(place: Place, before: str | None) -> str | None:
    """Return the place as it travels; None where it is as before."""
    written = _write(place).decode()
    return None if written == before else written


def _codes(row: SourceRow) -> set[str]:
    return {normalise(str(code)) for code in (row.row.get("code", ""), *row.more_codes)}
