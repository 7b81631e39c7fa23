"""The device's time goes on evenly, and the server's time by it, whatever the wall clock does."""

from datetime import UTC, datetime, timedelta

import pytest

from scanner_client.clock import SteadyClock

NOON = datetime(2015, 2, 12, 12, 0, tzinfo=UTC)


class Machine:
    """A machine whose wall clock can be set."""

    def __init__(self, shown=NOON, up_s=100.0, boot="boot-1"):
        self.shown, self.up_s, self.boot = shown, up_s, boot

    def run(self, seconds):
        self.up_s += seconds
        self.shown += timedelta(seconds=seconds)

    def clock(self, known=None):
        return SteadyClock(
            known, wall=lambda: self.shown, monotonic=lambda: self.up_s, boot=self.boot
        )


def seconds(later, earlier):
    return (later - earlier).total_seconds()


def test_wall_clock_that_jumps_moves_nothing():
    machine = Machine()
    clock = machine.clock()
    clock.learn(NOON)
    before = clock.now()

    machine.shown += timedelta(hours=-5)
    machine.run(10)

    assert clock.wall() == NOON + timedelta(seconds=10)
    assert clock.now() - before == timedelta(seconds=10)


def test_server_time_is_learnt_halfway_between_question_and_answer():
    machine = Machine(shown=NOON - timedelta(minutes=7))
    clock = machine.clock()
    asked = clock.mark()
    machine.run(0.4)

    clock.learn(NOON, asked)

    assert seconds(clock.now(), NOON) == pytest.approx(0.2)
    assert clock.wall() == NOON - timedelta(minutes=7) + timedelta(seconds=0.4)


def test_slow_answer_does_not_spoil_what_a_quick_one_told():
    machine = Machine()
    clock = machine.clock()
    clock.learn(NOON, clock.mark())
    asked = clock.mark()
    machine.run(2)

    # The server wrote it at once; the network took its time.
    clock.learn(NOON, asked)

    assert seconds(clock.now(), NOON) == pytest.approx(2.0)


def test_server_whose_clock_was_set_is_believed():
    machine = Machine()
    clock = machine.clock()
    clock.learn(NOON, clock.mark())

    clock.learn(NOON + timedelta(hours=1), clock.mark())
    assert seconds(clock.now(), NOON) == pytest.approx(3600)
    clock.learn(NOON, clock.mark())
    assert seconds(clock.now(), NOON) == pytest.approx(0)


def test_processes_of_one_start_of_the_machine_have_one_time():
    machine = Machine()
    first = machine.clock()
    first.learn(NOON + timedelta(minutes=3))
    machine.shown += timedelta(hours=8)
    machine.run(60)

    second = machine.clock(first.known())

    assert second.wall() == first.wall() == NOON + timedelta(seconds=60)
    assert second.now() == first.now()
    assert not second.learnt


def test_wrong_clock_is_corrected_after_a_start_without_contact():
    machine = Machine(shown=NOON - timedelta(minutes=30))
    first = machine.clock()
    first.learn(NOON, first.mark())
    machine.run(3600)

    again = Machine(shown=machine.shown, up_s=5.0, boot="boot-2").clock(first.known())

    assert seconds(again.now(), NOON) == pytest.approx(3600)
    assert again.wall() == machine.shown


def test_machine_without_a_battery_goes_on_from_the_last_server_time():
    machine = Machine()
    first = machine.clock()
    first.learn(NOON)
    reset = Machine(shown=datetime(1970, 1, 1, tzinfo=UTC), up_s=5.0, boot="boot-2")

    again = reset.clock(first.known())
    at_first = again.now()
    reset.run(30)

    assert at_first >= NOON
    assert again.now() - at_first == timedelta(seconds=30)


def test_system_clock_is_close_to_the_wall():
    assert abs(SteadyClock().now() - datetime.now(UTC)) < timedelta(seconds=1)
