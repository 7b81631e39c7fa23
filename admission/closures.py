"""Closures: rain or a typhoon shuts the venue. Whose vouchers it binds, and what they get instead.

A voucher is bound where its window, on a day and at an hour when its deal is open, meets the closed
time. It is then good until `extend_until`, on any day of the week, at the hours of its deal. A
right that renews each day has as many days more as the closed time took.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from admission.calendar import Venue
from admission.deals import Closure, Deal
from admission.vouchers import Voucher

MOST_CLOSED = timedelta(days=31)
"""A longer closed time is a season, which is the deal's own business."""
MOST_EXTENSION = timedelta(days=731)
"""Longer after the closed time than this is a mistyped year."""
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Use:
    """People who used up a right of a voucher when they came in."""

    at: datetime
    day: date
    area: str
    people: int


# --- versions ------------------------------------------------------------------------------------


def closures_at(versions: Iterable[Closure], at: datetime) -> tuple[Closure, ...]:
    """Return the closures that were in force at an instant, by when they began."""
    newest: dict[str, Closure] = {}
    for version in versions:
        before = newest.get(version.closure_id)
        if version.committed_at <= at and (before is None or before.version < version.version):
            newest[version.closure_id] = version
    return in_order(each for each in newest.values() if not each.restored)


def in_order(closures: Iterable[Closure]) -> tuple[Closure, ...]:
    """Return closures by when they began, so that one that extends comes before what it meets."""
    return tuple(sorted(closures, key=lambda each: (each.closed_from, each.closure_id)))


# --- the window ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Extension:
    """What the closures in force make of one voucher's window.

    Attributes:
        own_day: the last venue day of its own window.
        until: last instant at which it is good.
        days: venue days that closed times took from it; on those of `used_too` it does not matter
            whether somebody came.
    """

    own_day: date
    until: datetime
    days: frozenset[date]
    used_too: frozenset[date]

    def days_due(self, used: Iterable[date]) -> list[date]:
        """Return the days that are made up for: those on which nobody came, then the others."""
        came = self.days & frozenset(used)
        return [*sorted(self.days - came), *sorted(came & self.used_too)]

    def opens_on(self, day: date, used: Iterable[date]) -> bool:
        """Say whether a right that renews each day is good on a day of the extension.

        Args:
            used: the days on which it was used so far.
        """
        used = frozenset(used)
        taken = {each for each in used if each > self.own_day}
        return day <= self.own_day or day in taken or len(taken) < len(self.days_due(used))

    def day_made_up(self, day: date, used: Iterable[date]) -> date:
        """Return the day that a use in the extension stands for; any other day is itself.

        Whoever is charged for the day on which the venue closed is not charged for the day after
        it that makes up for it.
        """
        if day <= self.own_day:
            return day
        used = frozenset(used) | {day}
        place = sorted(each for each in used if each > self.own_day).index(day)
        due = self.days_due(used)
        return due[place] if place < len(due) else day


def find_extension(voucher: Voucher, deal: Deal, venue: Venue) -> Extension | None:
    """Return what the closures of a deal make of a voucher's window; None: they do not bind it.

    Args:
        voucher: as its platform sold it.
    """
    valid_from = voucher.valid_from or deal.valid_from
    own_until = until = voucher.valid_until or deal.valid_until
    own_day = venue.day_of(own_until)
    days: set[date] = set()
    used_too: set[date] = set()
    for closure in in_order(deal.closures):
        lost = [
            day
            for day in _closed_days(closure, deal, (valid_from, until), venue)
            # Who comes within an extension may come on any day, and may lose any.
            if deal.opens_on(day) or day > own_day
        ]
        if lost:
            days.update(lost)
            used_too.update(lost if closure.used_too else ())
            until = max(until, closure.extend_until)
    if not days:
        return None
    return Extension(own_day, until, frozenset(days), frozenset(used_too))


def valid_until(voucher: Voucher, deal: Deal, venue: Venue) -> datetime:
    """Return until when a voucher is good, by its own window and by closures."""
    extension = find_extension(voucher, deal, venue) if deal.closures else None
    own = voucher.valid_until or deal.valid_until
    return own if extension is None else extension.until


def _closed_days(
    closure: Closure, deal: Deal, window: tuple[datetime, datetime], venue: Venue
) -> Iterable[date]:
    """Yield the venue days whose hours, inside a window, meet the closed time."""
    first, last = max(window[0], closure.closed_from), min(window[1], closure.closed_until)
    if first > last:
        return
    # Hours may begin on the day before, or end on the day after.
    day, end = venue.day_of(first) - _ONE_DAY, venue.day_of(last) + _ONE_DAY
    while day <= end:
        hours = deal.hours
        opens, closes = venue.day_bounds(day) if hours is None else venue.hours_of(day, hours)
        if max(opens, first) <= min(closes, last):
            yield day
        day += _ONE_DAY


# --- one new right -------------------------------------------------------------------------------


@dataclass(slots=True)
class NewRight:
    """What people who were in on a closed day have: to come once more, later than that day."""

    people: int
    after: date
    until: date


@dataclass(slots=True)
class Renewed:
    """What the uses of one area come to where closures gave new rights.

    Attributes:
        counted: uses of the voucher's own rights; those of a new right are not among them.
    """

    counted: int = 0
    rights: list[NewRight] = field(default_factory=list)

    def left_on(self, day: date) -> int:
        """Return the people who could come in by a new right on a venue day."""
        return sum(each.people for each in self.rights if each.after < day <= each.until)

    def take(self, use: Use) -> None:
        """Take a use from the new rights that are good then, the first to end first; count rest."""
        rest = use.people
        for right in sorted(self.rights, key=lambda each: each.until):
            if right.after < use.day <= right.until:
                some = min(rest, right.people)
                right.people -= some
                rest -= some
        self.counted += rest


def renew(
    uses: Sequence[Use], closures: Sequence[Closure], admits: int, venue: Venue
) -> dict[str, Renewed]:
    """Return what uses come to by area, in their order, under the closures in force.

    Whoever came in on a venue day that a closure with `used_too` touched, before the closed time
    was over, has a new right from the next day on: as many people as were in, at most `admits`.
    """
    found: dict[str, Renewed] = {}
    given: Counter[tuple[str, str]] = Counter()
    for use in uses:
        renewed = found.setdefault(use.area, Renewed())
        renewed.take(use)
        for closure in closures:
            if not closure.used_too or not was_in(closure, use.at, venue):
                continue
            name = closure.closure_id, use.area
            people = min(use.people, admits - given[name])
            given[name] += people
            until = venue.day_of(closure.extend_until)
            renewed.rights.append(NewRight(people, use.day, until))
    return found


def was_in(closure: Closure, at: datetime, venue: Venue) -> bool:
    """Say whether an admission was on a closed day, and not after the venue had opened again."""
    begins = venue.day_bounds(venue.day_of(closure.closed_from))[0]
    return begins <= at <= closure.closed_until


def opens_refund(closures: Iterable[Closure], used_at: datetime, venue: Venue) -> bool:
    """Say whether who came in at an instant may have the money back: a closure opened refunds."""
    return any(each.refunds_open and was_in(each, used_at, venue) for each in closures)


# --- what is said --------------------------------------------------------------------------------


def find_notice(closures: Sequence[Closure], now: datetime) -> tuple[str, str] | None:
    """Return the notice of what is closed now; the newest where there are several."""
    told = [each for each in closures if each.closed_from <= now <= each.closed_until]
    return _newest_notice(told)


def find_notice_of_use(
    closures: Sequence[Closure], used_at: datetime, now: datetime, venue: Venue
) -> tuple[str, str] | None:
    """Return the notice for somebody who was in on a closed day and has no new right for it."""
    told = [
        each
        for each in closures
        if not each.used_too and now <= each.extend_until and was_in(each, used_at, venue)
    ]
    return _newest_notice(told)


def _newest_notice(closures: Sequence[Closure]) -> tuple[str, str] | None:
    told = [each for each in closures if each.notice is not None]
    return max(told, key=lambda each: each.committed_at).notice if told else None
