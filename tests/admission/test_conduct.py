"""Which hours of overrides, annulments and strikes stand out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from admission.conduct import Act, Done, Person, by_hour, find_alarms

NINE = datetime(2015, 2, 12, 9, 0, tzinfo=UTC)
ANNE = Person("account", "anne")


def some(count, *, by=ANNE, act=Act.OVERRIDE, at=NINE, people=1):
    return [Done(act, by, at + timedelta(minutes=n), people) for n in range(count)]


def an_ordinary_month(acts):
    """Return twenty hours in each of which somebody did so much."""
    return by_hour(
        done
        for day in range(20)
        for done in some(acts, by=Person("account", f"u{day}"), at=NINE - timedelta(days=day + 1))
    )


def test_hours_are_the_clocks_and_persons_are_apart():
    done = [*some(2, at=NINE + timedelta(minutes=58)), *some(1, people=3)]
    done += some(1, by=Person("operator", "anne"))

    hours = [(hour.by.kind, hour.hour_from.hour, hour.acts, hour.people) for hour in by_hour(done)]
    assert hours == [("account", 9, 3, 5), ("operator", 9, 1, 1)]


@pytest.mark.parametrize(("acts", "alarming"), [(8, False), (9, True)])
def test_three_times_the_venues_own_median_stands_out(acts, alarming):
    alarms = find_alarms(by_hour(some(acts)), an_ordinary_month(3))

    assert [alarm.usual for alarm in alarms] == [3.0] * alarming


@pytest.mark.parametrize(
    ("act", "acts", "alarming"),
    [(Act.OVERRIDE, 7, False), (Act.OVERRIDE, 8, True), (Act.ANNUL, 5, False)],
)
def test_few_are_never_an_alarm_however_quiet_the_venue(act, acts, alarming):
    alarms = find_alarms(by_hour(some(acts, act=act)), an_ordinary_month(1))

    assert bool(alarms) is alarming


@pytest.mark.parametrize(("acts", "alarming"), [(11, False), (12, True)])
def test_in_a_new_venue_twice_the_floor_counts(acts, alarming):
    alarms = find_alarms(by_hour(some(acts, act=Act.ANNUL)), [])

    assert bool(alarms) is alarming


def test_largest_comes_first():
    done = some(20) + some(30, by=Person("device", "D1"), act=Act.ANNUL)

    alarms = find_alarms(by_hour(done), [])
    assert [alarm.hour.by.name for alarm in alarms] == ["D1", "anne"]
