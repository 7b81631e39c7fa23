"""Each alarm is raised once, goes on while its figure is near the bar, and clears by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.alarm_signs import MANY
from admission.alarms import ALL, AlarmKind
from tests.alarms import (
    CASES,
    MIB,
    MINUTE,
    NOON,
    Player,
    a_device,
    a_gate,
    ago,
    an_hour,
    bars,
    devices,
    facts,
    quiet_gate,
)
from tests.builders import at


def test_every_kind_is_played():
    assert CASES.keys() == set(AlarmKind)


@pytest.mark.parametrize("kind", CASES)
def test_alarm_is_raised_once_and_clears_once_all_has_been_well_for_a_while(kind):
    well, _, beyond, severity = CASES[kind]
    player = Player()

    assert player.look(facts(**well)) == []
    (raised,) = player.look(facts(**beyond))
    assert raised.split()[:2] == ["raised", kind]
    assert raised.endswith(severity)
    assert player.look(facts(**beyond)) == []
    assert [player.look(facts(**well, now=NOON + s * MINUTE / 2)) for s in range(4)] == [[]] * 4
    assert player.look(facts(**well, now=NOON + 2 * MINUTE)) == [f"cleared {kind}"]
    assert player.standing == {}


@pytest.mark.parametrize("kind", [kind for kind, case in CASES.items() if case[1] is not None])
def test_figure_near_its_bar_neither_raises_nor_clears(kind):
    _, near, beyond, _ = CASES[kind]
    player = Player()

    assert player.look(facts(**near)) == []
    player.look(facts(**beyond))
    assert player.look(facts(**near)) == []
    assert len(player.standing) == 1
    # Played at one moment, but for the calm: hours of it would age what is measured by age.
    assert player.look(facts(**near, started_at=at("07:59"))) == []


@pytest.mark.parametrize("kind", CASES)
def test_figure_that_swings_about_its_bar_makes_one_alarm(kind):
    well, _, beyond, _ = CASES[kind]
    player = Player()
    for swing in range(20):
        # Ages are measured from NOON, so each look is a little later, not hours.
        now = NOON + swing * timedelta(seconds=5)
        player.look(facts(**(beyond if swing % 2 else well), now=now))

    assert [told.split()[0] for told in player.told] == ["raised"]


OFF = {
    "capacity_notice": 0.0,
    "capacity_warning": 0.0,
    "capacity_critical": 0.0,
    "wait_minutes": 0.0,
    "wait_critical_minutes": 0.0,
    "calls_oldest_minutes": 0.0,
    "calls_waiting": 0,
    "gate_silent_minutes": 0.0,
    "gate_refused": 0,
    "deal_refusals": False,
    "device_gone_minutes": 0.0,
    "replica_minutes": 0.0,
    "outbox_rows": 0,
    "device_clock_minutes": 0.0,
    "clock_devices": 0,
    "feed_minutes": 0.0,
    "feed_failures": 0,
    "redemptions_minutes": 0.0,
    "disk_free_mib": 0,
    "disk_critical_mib": 0,
    "reserve": False,
    "audit": False,
    "heads_hours": 0.0,
    "overrides": False,
    "duty_failures": 0,
    "streams_share": 0.0,
}


@pytest.mark.parametrize("kind", CASES)
def test_bar_of_nothing_turns_an_alarm_off_and_clears_one_that_stands(kind):
    _, _, beyond, _ = CASES[kind]
    player = Player()
    player.look(facts(**beyond))
    player.bars = bars(**OFF)

    assert Player(bars(**OFF)).look(facts(**beyond)) == []
    assert player.minutes(facts(**beyond), 2) == [f"cleared {kind}"]


# --- more and less severe ------------------------------------------------------------------------


def test_capacity_asks_for_more_at_each_of_its_three_bars_and_falls_back_slowly():
    player = Player()
    for inside in (790, 800, 850, 900, 899, 1000, 1010):
        player.look(facts(limit=1000, inside=inside))
    down = player.minutes(facts(limit=1000, inside=905), 2)
    after = player.minutes(facts(limit=1000, inside=500, now=NOON + 3 * MINUTE), 2)

    assert player.told[:3] == [
        "raised capacity notice",
        "rose capacity warning",
        "rose capacity critical",
    ]
    assert down == ["fell capacity warning"]
    assert after == ["cleared capacity"]


def test_disk_is_critical_well_before_it_is_full():
    player = Player()
    player.look(facts(disk_free_bytes=900 * MIB))

    assert player.look(facts(disk_free_bytes=100 * MIB)) == ["rose disk critical"]
    assert player.minutes(facts(disk_free_bytes=5000 * MIB), 2) == ["cleared disk"]


def test_limit_of_nothing_has_no_capacity_alarm():
    assert Player().look(facts(limit=0, inside=60_000)) == []


# --- gates and devices ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gates", "why"),
    [
        ((a_gate("G1", last_at=ago(15), lately=0), a_gate("G2", lately=0)), "nobody comes at all"),
        ((a_gate("G1", last_at=ago(15), lately=0, opened=False), a_gate("G2")), "it is paused"),
        ((a_gate("G1", last_at=ago(15), lately=0, before=8), a_gate("G2")), "it was never busy"),
        ((a_gate("G1", last_at=ago(15), lately=0), a_gate("G2", lately=2)), "all have less to do"),
        ((a_gate("G1", last_at=ago(15), lately=0),), "there is no other gate"),
    ],
)
def test_gate_that_is_silent_for_a_reason_raises_nothing(gates, why):
    assert Player().look(facts(gates=gates)) == [], why


def test_gate_that_stays_silent_keeps_its_alarm_when_it_was_busy_long_ago():
    player = Player()
    player.look(facts(gates=quiet_gate(12)))
    forgotten = (a_gate("G1", last_at=None, lately=0, before=0), a_gate("G2"))

    assert player.minutes(facts(gates=forgotten), 30) == []
    now = NOON + 31 * MINUTE
    back = (a_gate("G1", last_at=now, lately=1, before=0), a_gate("G2", last_at=now))
    assert player.minutes(facts(gates=back, now=now), 3) == ["cleared gate_silent"]


@pytest.mark.parametrize(
    ("changes", "device"),
    [
        ({"open": False}, {}),
        ({}, {"wanted": False}),
        ({"day_from": ago(3)}, {}),
        ({"started_at": ago(1)}, {}),
        ({}, {"seen_at": None}),
    ],
    ids=["closed", "gate paused", "not of today", "server just started", "never used"],
)
def test_device_that_is_silent_for_a_reason_raises_nothing(changes, device):
    gone = a_device(**({"seen_at": ago(30)} | device))

    assert Player().look(facts(devices=(gone,), **changes)) == []


def test_restart_neither_clears_nor_raises_again_what_stood_before_it():
    player = Player()
    gone = devices(1, seen_at=ago(30))
    player.look(facts(devices=gone))
    player.restart()

    assert player.minutes(facts(devices=gone, started_at=NOON), 5) == []
    assert len(player.standing) == 1


def test_many_devices_gone_at_once_are_one_alarm_and_those_before_keep_theirs():
    player = Player()
    few, many = devices(2, seen_at=ago(4)), devices(200, seen_at=ago(4))
    first = player.look(facts(devices=few))
    then = player.look(facts(devices=many))
    later = player.minutes(facts(devices=many), 5)
    player.minutes(facts(devices=devices(200), now=NOON + 6 * MINUTE, open=False), 2)

    assert first == ["raised device_gone D0 warning", "raised device_gone D1 warning"]
    assert then == [f"raised device_gone {ALL} warning"]
    assert later == []
    assert player.standing == {}


def test_one_less_than_many_are_alarms_of_their_own():
    assert len(Player().look(facts(devices=devices(MANY - 1, seen_at=ago(4))))) == MANY - 1


def test_wrong_clock_of_the_server_is_one_alarm_not_one_a_device():
    off = devices(8, offset_s=600.0)

    assert Player().look(facts(devices=off, devices_off=8)) == ["raised clock critical"]


def test_what_a_device_said_before_it_went_says_nothing_of_now():
    gone = devices(1, seen_at=NOON, beat_at=ago(10), replica_age_s=9999.0, outbox_depth=5000)

    assert Player().look(facts(devices=gone)) == []


def test_corrections_of_hours_ago_are_no_alarm_now():
    assert Player().look(facts(conduct=(an_hour(),), now=NOON + 90 * MINUTE)) == []


@pytest.mark.parametrize("kind", [AlarmKind.WAIT, AlarmKind.CALLS_OLD, AlarmKind.CALLS_MANY])
def test_people_who_want_in_raise_nothing_while_the_venue_is_evacuated(kind):
    _, _, beyond, _ = CASES[kind]

    assert Player().look(facts(**beyond, emergency=True)) == []
    assert Player().look(facts(**beyond)) != []
