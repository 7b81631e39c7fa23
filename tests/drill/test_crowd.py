"""The crowd's model: the same people with and without marshals."""

import pytest

from drill.crowd import Visit, Visitor, draw_crowd, play_day, sample
from drill.story import CUT_OFF_S, GATES, HOUR_S


@pytest.fixture(scope="module")
def crowd():
    """Those who come from four o'clock on, when the queue is longest."""
    return [each for each in draw_crowd(7) if each.arrives_s > 7 * HOUR_S]


@pytest.fixture(scope="module")
def days(crowd):
    return play_day(crowd, marshals=True), play_day(crowd, marshals=False)


def a_visitor(number, arrives_s, **changes):
    values = {"honest": False, "patience_s": 9 * HOUR_S, "pace": 1.0, "insists": True} | changes
    return Visitor(number=number, arrives_s=arrives_s, **values)


def test_same_seed_is_the_same_day(crowd, days):
    again = play_day(crowd, marshals=True)

    assert draw_crowd(7) == draw_crowd(7)
    assert again == days[0]


def test_marshals_shorten_the_queue_and_prove_arrivals(days):
    with_marshals, without = days

    assert with_marshals.longest_queue < without.longest_queue
    assert with_marshals.longest_wait_s < without.longest_wait_s
    assert with_marshals.turned_away < without.turned_away


def test_everybody_is_called_once_or_leaves(days):
    for day in days:
        assert all((each.served_s is None) != (each.left_s is None) for each in day.visits)


def test_nobody_is_called_before_they_come_or_at_a_gate_that_is_not(days):
    for visit in [each for day in days for each in day.visits if each.served_s is not None]:
        assert visit.served_s >= visit.visitor.arrives_s
        assert 0 <= visit.gate < GATES


def test_gate_calls_one_after_the_other():
    crowd = [a_visitor(number, 10.0) for number in range(GATES + 1)]

    day = play_day(crowd, marshals=False)

    assert [each.served_s for each in day.visits[:GATES]] == [10.0] * GATES
    assert day.visits[-1].served_s > 10.0
    # Twelve are called at once, one after the other; the last one waits.
    assert day.longest_queue == max(each.people for each in crowd)


def test_impatient_leave():
    crowd = [a_visitor(number, 10.0) for number in range(GATES)]
    crowd.append(a_visitor(GATES, 10.0, patience_s=1.0))

    day = play_day(crowd, marshals=False)

    assert day.visits[-1].left_s == 11.0
    assert day.impatient == crowd[-1].people


def test_marshal_sends_home_who_comes_too_late():
    late = a_visitor(1, CUT_OFF_S + 60, insists=False)

    day = play_day([late], marshals=True)

    assert day.visits[0].left_s == day.visits[0].stamped_s
    assert day.turned_away == 0


def test_turned_away_is_who_came_in_time_and_cannot_prove_it():
    in_time = a_visitor(1, CUT_OFF_S - 60)

    assert Visit(in_time, served_s=CUT_OFF_S + 60, gate=0).turned_away
    assert not Visit(in_time, stamped_s=CUT_OFF_S, served_s=CUT_OFF_S + 60, gate=0).turned_away


@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
def test_sample_is_an_even_part(days, share):
    chosen = sample(days[0], share)

    assert len(chosen) == pytest.approx(len(days[0].visits) * share, abs=1)
    assert chosen == sorted(chosen, key=lambda visit: visit.visitor.arrives_s)
