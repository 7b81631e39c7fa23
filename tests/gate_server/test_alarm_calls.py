"""The duty list is told of an alarm once, and once that it is over; whatever is killed or fails."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.incidents import IncidentKind
from gate_server.alarm_calls import MOST_TRIES
from gate_server.duty_calls import LEASE
from gate_server.duty_forms import Outcome
from gate_server.duty_list import DutyList
from gate_server.ledger.alarm_rows import list_standing
from gate_server.ledger.alarms import raise_alarm
from gate_server.ledger.duty import Form
from gate_server.ledger.incidents import open_incident
from tests.alarm_venue import SETTINGS, amiss
from tests.builders import new_incident


@pytest.fixture
def venue(tmp_path):
    with amiss(tmp_path / "var") as venue:
        yield venue


def take(venue, problem=None):
    """Send what is due; return what it tells."""
    due = venue.calls.due("feeder")
    venue.calls.settle([Outcome(message_id=each.message_id, problem=problem) for each in due])
    return due


def types(messages):
    return [each.told.type for each in messages]


def waits(venue, minutes):
    """Have visitors wait so long, and look."""
    venue.wait = minutes
    return venue.look()


def test_everybody_is_told_once_with_what_to_do_and_once_that_it_is_over(venue):
    venue.call("night")
    venue.call("chief")
    waits(venue, 40.0)
    first, again = take(venue), take(venue)
    venue.park.now += timedelta(hours=1)
    later = take(venue)
    waits(venue, 5.0)
    venue.look(2)
    over = take(venue)

    assert types(first) == ["alarm.raised"] * 2
    assert again == later == take(venue) == []
    assert types(over) == ["alarm.cleared"] * 2
    told = first[0].told
    assert told.title_zh == "Venue：告警：排队时间过长"
    assert "约40分钟" in told.zh
    assert "\nWhat to do: Open more gates" in told.en
    assert (told.data["kind"], told.data["severity"]) == ("wait", "warning")
    assert over[0].told.data["alarm_id"] == told.data["alarm_id"]
    assert over[0].told.title_en == "Venue: Alarm over: long wait"
    assert over[0].told.zh.endswith("12:00起，现已恢复正常")


def test_what_is_only_a_notice_tells_nobody_until_it_is_worse(venue):
    venue.call()
    lane = venue.park.enrol()
    venue.count(lane, 8)
    venue.look()
    quiet = take(venue)
    venue.count(lane, 1)
    venue.look()
    warned = take(venue)
    venue.count(lane, 1)
    venue.look()

    assert quiet == []
    assert [each.told.data["severity"] for each in warned + take(venue)] == ["warning", "critical"]


def test_duty_list_that_is_off_is_never_told(tmp_path):
    settings = SETTINGS.replace("[alarms]", '[alarms]\nduty_from = "off"')
    with amiss(tmp_path / "var", settings) as venue:
        venue.call()
        waits(venue, 90.0)

        assert take(venue) == []
        assert venue.names() == [("wait", "")]


def test_who_was_not_told_is_not_told_that_it_is_over(venue):
    venue.call()
    waits(venue, 40.0)
    failed = take(venue, "nothing listens")
    waits(venue, 5.0)
    venue.look(2)
    venue.park.now += timedelta(hours=1)

    assert types(failed) == ["alarm.raised"]
    assert take(venue) == []


def test_message_that_failed_is_tried_again_under_its_id_and_given_up_at_last(venue):
    venue.call()
    waits(venue, 40.0)
    ids = []
    for _ in range(MOST_TRIES + 5):
        ids += [each.message_id for each in take(venue, "nothing listens")]
        venue.park.now += timedelta(minutes=11)

    assert len(ids) == MOST_TRIES
    assert len(set(ids)) == 1


def test_try_that_fails_after_the_alarm_is_over_is_the_last(venue):
    venue.call()
    waits(venue, 40.0)
    (begun,) = venue.calls.due("feeder")
    waits(venue, 5.0)
    venue.look(2)
    venue.calls.settle([Outcome(message_id=begun.message_id, problem="too slow")])
    venue.park.now += timedelta(minutes=5)

    assert types(take(venue)) == ["alarm.cleared"]
    venue.park.now += timedelta(hours=1)
    assert take(venue) == []


def test_what_a_killed_feeder_had_is_handed_out_once_more(venue):
    venue.call()
    waits(venue, 40.0)
    (first,) = venue.calls.due("feeder 1")
    meanwhile = venue.calls.due("feeder 1")
    (again,) = venue.calls.due("feeder 2")
    venue.calls.settle([Outcome(message_id=again.message_id)])
    venue.park.now += LEASE

    assert meanwhile == []
    assert again == first
    assert venue.calls.due("feeder 3") == []


def test_alarm_that_stood_before_a_restart_is_neither_raised_nor_told_again(tmp_path):
    with amiss(tmp_path / "var") as venue:
        venue.call()
        waits(venue, 40.0)
        take(venue)
        (before,) = venue.desk.standing()
    with amiss(tmp_path / "var", now=venue.park.now) as venue:
        again = waits(venue, 40.0)
        told = take(venue)
        (after,) = venue.desk.standing()
        over = waits(venue, 5.0) + venue.look(2)

        assert again == told == []
        assert (after.alarm_id, after.since) == (before.alarm_id, before.since)
        assert over == ["cleared wait"]
        assert types(take(venue)) == ["alarm.cleared"]


def test_ledger_itself_holds_an_alarm_only_once(venue):
    waits(venue, 40.0)
    ((alarm, sign),) = venue.watch.look().seen
    raised = venue.park.change(lambda tx: raise_alarm(tx, sign, now=venue.park.now))

    assert raised is None
    assert [each.alarm_id for each in venue.park.ledger.read(list_standing)] == [alarm.alarm_id]


def test_robot_gets_alarms_at_its_own_pace(venue):
    venue.call("群", Form.WECOM)
    venue.wait, venue.free = 90.0, 1 << 20
    venue.look()
    at_once = take(venue)
    venue.park.now += timedelta(seconds=3)
    early = take(venue)
    venue.park.now += timedelta(seconds=1)

    assert (len(at_once), len(early), len(take(venue))) == (1, 0, 1)


def test_contact_that_is_being_called_about_an_incident_is_told_after_that(venue):
    venue.call()
    waits(venue, 40.0)
    help_wanted = new_incident(kind=IncidentKind.HELP)
    now = venue.park.now
    venue.park.change(lambda tx: open_incident(tx, help_wanted, by="test", now=now))
    first = venue.calls.due("feeder")
    venue.calls.settle([Outcome(message_id=each.message_id) for each in first])

    assert types(first) == ["incident.opened"]
    assert types(take(venue)) == ["alarm.raised"]


def test_contact_who_was_taken_off_the_list_is_told_nothing(venue):
    venue.call()
    waits(venue, 40.0)
    DutyList(venue.park.ledger, venue.park.keys, venue.park.settings).remove("night", by="test")

    assert take(venue) == []
