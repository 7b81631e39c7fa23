"""The turnstile by itself: who is let through, given back, late, forced; and what is wrong."""

import threading

import pytest

from admission.errors import InvalidInput
from scanner_client.barrier import Turnstile
from scanner_client.barrier_driver import Counter, Edges
from scanner_client.barrier_state import ALL_WELL, EMERGENCY
from tests.scanner_client.barriers import HandBarrier, Heard, Lane, settings, wait_for


@pytest.fixture
def lane(tmp_path):
    return Lane(tmp_path)


def test_one_person_is_one_pulse_and_one_turn(lane):
    lane.turnstile.admit("a", 1)
    lane.wait(1.0)
    lane.turn()

    assert lane.barrier.outputs == [False, True, False]
    assert lane.heard.take() == [("turned", "a", 1), ("done", "a")]


def test_turnstile_that_answers_is_said_once(tmp_path):
    heard = Heard()
    turnstile = Turnstile(HandBarrier(), settings(tmp_path), heard, show=heard.states.append)
    turnstile._connect()
    turnstile._connect()

    assert heard.states == [ALL_WELL]
    assert heard.take() == []


def test_party_is_a_pulse_a_person_each_after_the_last_has_turned(lane):
    lane.turnstile.admit("a", 3)
    pulses = []
    for _ in range(3):
        lane.wait(1.0)
        pulses.append(lane.barrier.pulses)
        lane.turn()

    assert pulses == [1, 2, 3]
    assert lane.heard.take() == [*(("turned", "a", n) for n in (1, 2, 3)), ("done", "a")]


def test_who_has_not_turned_in_time_is_given_back(lane):
    lane.turnstile.admit("a", 3)
    lane.wait(7.0)
    lane.turn()
    lane.wait(7.0)
    before = lane.heard.take()
    lane.wait(1.5)

    assert before == [("turned", "a", 1)]
    assert lane.heard.take() == [("back", "a", 2)]


def test_output_is_held_for_a_party_until_the_last_has_turned(tmp_path):
    lane = Lane(tmp_path, mode="hold")
    lane.turnstile.admit("a", 2)
    lane.wait(5.0)
    lane.turn()
    held = lane.barrier.held
    lane.wait(5.0)
    lane.turn()
    lane.wait(0.1)

    assert held
    assert lane.barrier.outputs == [False, True, False]


def test_without_a_sensor_pulses_follow_each_other_and_nobody_is_given_back(tmp_path):
    lane = Lane(tmp_path, watches=False)
    lane.turnstile.admit("a", 3)
    lane.turnstile.admit("b", 1)
    lane.wait(4.0)

    assert lane.barrier.outputs == [False, *[True, False] * 4]
    assert lane.heard.take() == [("done", "a"), ("done", "b")]


def test_the_next_in_line_waits_for_the_one_before(lane):
    lane.turnstile.admit("a", 1)
    lane.turnstile.admit("b", 1)
    lane.wait(1.0)
    first = lane.barrier.pulses
    lane.turn()
    lane.wait(1.0)
    lane.turn()

    assert first == 1
    assert [event for event in lane.heard.take() if event[0] == "turned"] == [
        ("turned", "a", 1),
        ("turned", "b", 1),
    ]


def test_who_turns_just_after_the_time_is_late_and_counted(lane):
    lane.turnstile.admit("a", 1)
    lane.wait(8.5)
    lane.turn()

    assert lane.heard.take() == [("back", "a", 1), ("turned", "a", 1), ("late_passage", 1)]


def test_who_turns_long_after_the_time_was_not_let_in(lane):
    lane.turnstile.admit("a", 1)
    lane.wait(17.0)
    lane.turn()

    assert lane.heard.take() == [("back", "a", 1), ("forced", 1)]


def test_more_turns_than_people_are_forced_and_an_ordinary_one_ends_it(lane):
    lane.turnstile.admit("a", 1)
    lane.wait(0.2)
    lane.turn(2)
    forced = lane.heard.take()
    lane.turnstile.admit("b", 1)
    lane.wait(1.0)
    lane.turn()

    assert forced == [("turned", "a", 1), ("done", "a"), ("forced", 1)]
    assert lane.heard.take() == [("turned", "b", 1), ("done", "b"), ("cleared", None)]


def test_turn_that_nobody_was_let_in_for_is_forced(lane):
    lane.turn()

    assert lane.heard.take() == [("forced", 1)]
    assert "未经放行" in lane.heard.states[-1].line


def test_held_open_is_said_once_and_cleared(lane):
    lane.barrier.signal = lane.barrier.signal.__class__(active=True)
    lane.wait(16.0)
    lane.wait(16.0)
    lane.barrier.signal = lane.barrier.signal.__class__()
    lane.wait(0.1)

    assert lane.heard.take() == [("held_open", None), ("cleared", None)]


def test_controller_that_complains_is_jammed_until_it_no_longer_does(lane):
    lane.barrier.signal = lane.barrier.signal.__class__(fault="motor")
    lane.wait(1.0)
    lane.barrier.signal = lane.barrier.signal.__class__()
    lane.wait(0.1)

    assert lane.heard.take() == [("jammed", None), ("cleared", None)]
    assert "motor" in lane.heard.states[0].line


def test_openings_by_which_nobody_turns_are_a_jam_until_somebody_does(lane):
    for nonce in "abc":
        lane.turnstile.admit(nonce, 1)
        lane.wait(9.0)
    jammed = lane.heard.take()
    lane.turnstile.admit("d", 1)
    lane.wait(1.0)
    lane.turn()

    assert jammed == [("back", "a", 1), ("back", "b", 1), ("back", "c", 1), ("jammed", None)]
    assert lane.heard.take() == [("turned", "d", 1), ("done", "d"), ("cleared", None)]


def test_evacuation_opens_stays_open_and_gives_nobody_back(lane):
    lane.turnstile.admit("a", 2)
    lane.wait(0.2)
    lane.turnstile.evacuate(True)
    lane.wait(20.0)
    lane.turn(5)
    open_throughout = False not in lane.barrier.outputs[2:]
    watched = lane.turnstile.watches()
    lane.turnstile.evacuate(False)
    lane.wait(0.2)

    assert open_throughout
    assert not watched
    assert EMERGENCY in lane.heard.states
    assert not lane.barrier.held
    assert lane.heard.take() == [("done", "a")]


@pytest.fixture
def running(lane):
    """The lane's turnstile in its own thread, and the event that stops it."""
    stop = threading.Event()
    thread = threading.Thread(target=lane.turnstile.run, args=(stop,))
    thread.start()
    yield lane, stop, thread
    stop.set()
    thread.join(5)


def test_barrier_that_is_away_is_said_at_once_and_comes_back_by_itself(running):
    lane, _, _ = running
    lane.turnstile.admit("a", 2)
    wait_for(lambda: lane.barrier.held)
    lane.barrier.away = True
    wait_for(lambda: len(lane.heard.events) == 2)
    lost, watched = lane.heard.take(), lane.turnstile.watches()
    lane.turnstile.admit("b", 1)
    wait_for(lambda: lane.heard.events)
    by_hand = lane.heard.take()
    lane.barrier.away = False
    lane.turnstile.admit("c", 1)
    wait_for(lambda: ("cleared", None) in lane.heard.events)

    # Who passed meanwhile nobody saw, so nobody is given back.
    assert lost == [("unknown", "a", 2), ("barrier_lost", None)]
    assert not watched
    assert by_hand == [("by hand", "b")]
    assert "人工放行" in lane.heard.states[0].line
    wait_for(lambda: lane.barrier.held)


def test_evacuation_opens_a_barrier_that_comes_back(running):
    lane, _, _ = running
    lane.barrier.away = True
    wait_for(lambda: lane.heard.events)
    lane.turnstile.evacuate(True)
    lane.barrier.away = False

    wait_for(lambda: lane.barrier.held)


def test_at_the_end_the_output_falls_to_rest(running):
    lane, stop, thread = running
    lane.turnstile.admit("a", 1)
    wait_for(lambda: lane.barrier.held)
    stop.set()
    thread.join(5)

    assert (lane.barrier.held, lane.barrier.closed) == (False, True)
    assert lane.heard.take() == [("unknown", "a", 1)]


def test_in_an_evacuation_the_end_of_the_scanner_closes_nothing(running):
    lane, stop, thread = running
    lane.turnstile.evacuate(True)
    wait_for(lambda: lane.barrier.held)
    stop.set()
    thread.join(5)

    assert lane.barrier.held


def test_counters_wrap_and_begin_anew():
    counter, edges = Counter(), Edges()
    for value in (65_534, 65_535, 1, 1, 0, 2):
        counter.look(value)
    for active in (False, True, True, False, True):
        edges.look(active)

    assert (counter.turns, edges.turns) == (1 + 2 + 0 + 2, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "magic"),
        ("mode", "open"),
        ("pulse_ms", 5),
        ("passage_timeout_s", float("nan")),
        ("open_text", "开"),
        ("address", ""),
    ],
)
def test_settings_of_no_barrier_are_refused_by_name(tmp_path, field, value):
    with pytest.raises(InvalidInput) as refused:
        settings(tmp_path, **({"kind": "serial", "address": "/dev/ttyX"} | {field: value}))

    assert refused.value.field == field
