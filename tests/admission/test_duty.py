"""When the on-duty list is called: at once, every 5 minutes, and again before the venue opens."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from admission.duty import RETRY_AFTER, asked_since, next_ring, retry_at
from admission.incidents import HoldDecision, IncidentKind
from tests.builders import a_venue, an_incident, at

OPENED = at("22:12")
NEXT_DAY = date(2015, 2, 13)
NINE = time(9, 0)


def ring(now, rung_at=None, *, venue=None, opens_at=NINE, **changes):
    incident = an_incident(**({"opened_at": OPENED, "asked_at": OPENED} | changes))
    return next_ring(incident, rung_at, now, venue=venue or a_venue(), opens_at=opens_at)


def test_first_call_is_made_at_once():
    assert ring(OPENED) == OPENED


@pytest.mark.parametrize("minutes", [0, 4, 5, 90])
def test_calls_follow_every_five_minutes_until_somebody_answers(minutes):
    last = OPENED + timedelta(minutes=10)

    assert ring(last + timedelta(minutes=minutes), last) == last + timedelta(minutes=5)


def test_accounts_to_decide_about_are_told_once():
    once = {"kind": IncidentKind.BLOCK_PROPOSED}

    assert ring(OPENED, **once) == OPENED
    assert ring(OPENED + timedelta(hours=9), OPENED, **once) is None


def test_time_that_the_server_was_down_is_not_rung_after():
    down = OPENED + timedelta(hours=3)
    first = ring(down, OPENED)
    second = ring(down, down)

    assert first <= down
    assert second == down + timedelta(minutes=5)


def test_acknowledged_hold_is_quiet_until_two_hours_before_opening():
    answered = {"acknowledged_at": at("22:20")}

    assert ring(at("22:25"), at("22:17"), **answered) == at("07:00", NEXT_DAY)
    assert ring(at("06:59", NEXT_DAY), at("22:17"), **answered) == at("07:00", NEXT_DAY)
    assert ring(at("07:00", NEXT_DAY), at("22:17"), **answered) == at("07:00", NEXT_DAY)


def test_call_before_opening_asks_for_an_answer_of_its_own():
    seven = at("07:00", NEXT_DAY)
    before = {"acknowledged_at": at("22:20")}
    after = {"acknowledged_at": at("07:03", NEXT_DAY)}

    assert ring(at("07:02", NEXT_DAY), seven, **before) == at("07:05", NEXT_DAY)
    assert ring(at("07:04", NEXT_DAY), seven, **after) == at("07:00", date(2015, 2, 14))


def test_one_that_nobody_answered_is_not_called_twice_at_seven():
    assert ring(at("07:01", NEXT_DAY), at("06:58", NEXT_DAY)) == at("07:00", NEXT_DAY)
    assert ring(at("07:01", NEXT_DAY), at("07:00", NEXT_DAY)) == at("07:05", NEXT_DAY)


@pytest.mark.parametrize("decision", HoldDecision)
def test_decided_hold_is_quiet(decision):
    decided = {"decided_at": at("22:30"), "decision": decision}

    assert ring(at("22:31"), at("22:27"), **decided) is None
    assert ring(at("08:00", NEXT_DAY), at("22:27"), **decided) is None


def test_closed_incident_is_quiet():
    assert ring(at("22:31"), at("22:27"), closed_at=at("22:30")) is None


def test_hold_that_came_again_rings_at_once_whoever_answered_before():
    again = {"asked_at": at("23:40"), "acknowledged_at": at("22:20")}

    assert ring(at("23:41"), at("22:17"), **again) == at("23:40")


def test_incident_without_a_decision_is_quiet_once_acknowledged():
    answered = {"kind": IncidentKind.HELP, "acknowledged_at": at("22:13")}

    assert ring(at("22:14"), OPENED, **answered) is None
    assert ring(at("08:00", NEXT_DAY), OPENED, **answered) is None


@pytest.mark.parametrize("kind", [IncidentKind.OTHER, IncidentKind.EQUIPMENT])
def test_what_somebody_at_work_opened_calls_nobody(kind):
    assert ring(OPENED, kind=kind) is None


@pytest.mark.parametrize(
    ("opens_at", "day_starts_at", "now", "expected"),
    [
        ("00:30", "00:00", at("22:20"), at("22:30")),
        ("01:00", "04:00", at("22:20"), at("23:00")),
        ("20:00", "04:00", at("22:20"), at("18:00", NEXT_DAY)),
        ("00:00", "00:00", at("22:20"), at("22:00", NEXT_DAY)),
    ],
)
def test_opening_may_be_at_any_hour(opens_at, day_starts_at, now, expected):
    venue = a_venue(day_starts_at=day_starts_at)
    answered = {"acknowledged_at": at("22:15")}

    found = ring(now, OPENED, venue=venue, opens_at=time.fromisoformat(opens_at), **answered)
    assert found == expected


def test_opening_follows_the_clocks_of_the_venue():
    venue = a_venue("Europe/Paris")
    spring = at("12:00", date(2015, 3, 28), venue.zone)  # the clocks go forward in that night
    incident = an_incident(opened_at=spring, asked_at=spring, acknowledged_at=spring)

    found = next_ring(incident, spring, spring, venue=venue, opens_at=NINE)
    assert found == at("07:00", date(2015, 3, 29), venue.zone)


def test_asked_since_its_opening_or_the_last_reminder():
    incident = an_incident(opened_at=OPENED, asked_at=OPENED)

    venue = a_venue()
    assert asked_since(incident, at("23:00"), venue=venue, opens_at=NINE) == OPENED
    later = asked_since(incident, at("12:00", NEXT_DAY), venue=venue, opens_at=NINE)
    assert later == at("07:00", NEXT_DAY)


def test_ladder_waits_longer_each_time_and_ends():
    waits = [retry_at(tries, OPENED, RETRY_AFTER) for tries in range(1, 6)]

    steps = [None if each is None else (each - OPENED).total_seconds() for each in waits]
    assert steps == [5, 15, 40, 120, None]


@pytest.mark.parametrize(("after_s", "waits_s"), [(60, 60), (1, 5), (86_400, 600)])
def test_who_is_called_may_ask_for_time_but_not_for_ever(after_s, waits_s):
    found = retry_at(1, OPENED, RETRY_AFTER, after=timedelta(seconds=after_s))

    assert found == OPENED + timedelta(seconds=waits_s)
