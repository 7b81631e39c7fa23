"""The venue's own calendar: venue days, wall-clock hours, and the text forms of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Venue:
    """Where and when days begin.

    Attributes:
        zone: the venue's time zone; it makes days, weekdays and hours.
        day_starts_at: wall-clock time at which a venue day begins (04:00 for a night park).
    """

    zone: ZoneInfo
    day_starts_at: time = time(0, 0)
    _bounds: dict[date, tuple[datetime, datetime]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def day_of(self, instant: datetime) -> date:
        """Return the venue day that an instant belongs to."""
        day = instant.astimezone(self.zone).date()
        # By the day's own first instant: clocks that go back show the time of it twice.
        return day if instant >= self.day_bounds(day)[0] else day - timedelta(days=1)

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return a venue day's first and last instant (UTC, both inclusive, milliseconds)."""
        found = self._bounds.get(day)
        if found is None:
            following = self.instant(day + timedelta(days=1), self.day_starts_at)
            found = self.instant(day, self.day_starts_at), following - MILLISECOND
            self._bounds[day] = found
        return found

    def instant(self, day: date, at: time, *, last: bool = False) -> datetime:
        """Return the instant at which the venue's clocks show `at` on a calendar day.

        A time that clocks show twice is its first instant, or its last with `last`; one that
        they skip is the instant of the change of clocks plus what was skipped.
        """
        first = datetime.combine(day, at, tzinfo=self.zone).astimezone(UTC)
        if not last:
            return first
        second = datetime.combine(day, at, tzinfo=self.zone).replace(fold=1).astimezone(UTC)
        return max(first, second)

    def same_day(self, one: datetime, other: datetime) -> bool:
        """Say whether two instants belong to the same venue day."""
        return self.day_of(one) == self.day_of(other)

    def hours_of(self, day: date, hours: tuple[time, time]) -> tuple[datetime, datetime]:
        """Return the first and last instant of opening hours on a venue day.

        Hours that begin before `day_starts_at` belong to the venue day that is still running,
        and hours that do not end after they begin end on the next calendar day.
        """
        opens, closes = hours
        first_day = day + timedelta(days=1) if opens < self.day_starts_at else day
        last_day = first_day + timedelta(days=1) if closes <= opens else first_day
        return self.instant(first_day, opens), self.instant(last_day, closes, last=True)


def to_ms(instant: datetime) -> int:
    """Return an aware instant as whole milliseconds since 1970, rounded down."""
    return int((instant - _EPOCH) // MILLISECOND)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC instant of milliseconds since 1970."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def whole_ms(instant: datetime) -> datetime:
    """Return an instant in UTC, cut to the millisecond that we store and send."""
    instant = instant.astimezone(UTC)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
