"""Venue days of 23, 24 and 25 hours, wall-clock hours, milliseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from admission.calendar import from_ms, to_ms, whole_ms
from tests.builders import DAY, VENUE, a_venue, at

LONDON = a_venue("Europe/London")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2026, 3, 28), "2026-03-28T00:00", "2026-03-28T23:59:59.999"),
        (date(2026, 3, 29), "2026-03-29T00:00", "2026-03-29T22:59:59.999"),
        (date(2026, 10, 25), "2026-10-24T23:00", "2026-10-25T23:59:59.999"),
    ],
)
def test_a_day_has_the_hours_that_its_clocks_show(day: date, first: str, last: str) -> None:
    assert LONDON.day_bounds(day) == (utc(first), utc(last))


@pytest.mark.parametrize("day_starts_at", ["00:00", "01:00", "01:30", "02:00", "04:00"])
@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Shanghai", "America/Havana"])
def test_each_instant_is_within_the_bounds_of_its_day(zone: str, day_starts_at: str) -> None:
    venue = a_venue(zone, day_starts_at)
    starts = [utc(f"2026-{day}T00:00") for day in ("03-07", "03-28", "10-24", "10-31")]
    instants = [start + timedelta(minutes=10 * n) for start in starts for n in range(6 * 60)]

    for instant in instants:
        first, last = venue.day_bounds(venue.day_of(instant))
        assert first <= instant <= last


def test_days_follow_each_other_without_a_gap() -> None:
    venue = a_venue("Europe/London", "01:30")
    days = [date(2026, 10, 23) + timedelta(days=n) for n in range(5)]
    bounds = [venue.day_bounds(day) for day in days]

    gaps = {after[0] - before[1] for before, after in pairwise(bounds)}
    assert gaps == {timedelta(milliseconds=1)}


def test_a_day_begins_by_the_venues_clock() -> None:
    night = a_venue(day_starts_at="04:00")

    assert night.day_of(at("03:59:59.999")) == date(2015, 2, 11)
    assert night.day_of(at("04:00")) == DAY
    assert not night.same_day(at("03:59"), at("04:00"))


def test_a_time_shown_twice_has_a_first_and_a_last_instant() -> None:
    day = date(2026, 10, 25)

    assert LONDON.instant(day, time(1, 30)) == utc("2026-10-25T00:30")
    assert LONDON.instant(day, time(1, 30), last=True) == utc("2026-10-25T01:30")


def test_a_time_that_is_skipped_lies_after_the_change() -> None:
    assert LONDON.instant(date(2026, 3, 29), time(1, 30)) == utc("2026-03-29T01:30")


def test_hours_may_run_past_midnight() -> None:
    opens, closes = VENUE.hours_of(DAY, (time(20), time(2)))

    assert (opens, closes) == (at("20:00"), at("02:00", date(2015, 2, 13)))


def test_hours_before_the_day_begins_belong_to_the_day_that_runs() -> None:
    opens, closes = a_venue(day_starts_at="04:00").hours_of(DAY, (time(1), time(3)))

    assert (opens, closes) == (at("01:00", date(2015, 2, 13)), at("03:00", date(2015, 2, 13)))


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1000, 999999])
def test_instants_are_cut_to_milliseconds(microsecond: int) -> None:
    instant = datetime(2015, 2, 12, 8, 58, 0, microsecond, tzinfo=UTC)

    assert from_ms(to_ms(instant)) == whole_ms(instant)
    assert whole_ms(instant).microsecond == microsecond // 1000 * 1000
