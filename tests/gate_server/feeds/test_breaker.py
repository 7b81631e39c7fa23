"""A breaker leaves a silent platform alone, and tries again with one question."""

from __future__ import annotations

import pytest

from gate_server.feeds.breaker import FAILURES, LEAST, REST_S, WINDOW, Breaker, Outcome, State

ANSWERED, LATE, FAILED = Outcome.ANSWERED, Outcome.LATE, Outcome.FAILED


def a_breaker(*outcomes, at_s=0.0):
    breaker = Breaker()
    for outcome in outcomes:
        breaker.note(outcome, at_s)
    return breaker


@pytest.mark.parametrize("outcome", [LATE, FAILED])
def test_so_many_failures_in_a_row_open_it(outcome):
    assert a_breaker(*[outcome] * (FAILURES - 1)).admits(0.0)
    assert not a_breaker(*[outcome] * FAILURES).admits(0.0)


def test_an_answer_begins_the_row_anew():
    four = [FAILED] * (FAILURES - 1)

    assert a_breaker(*four, ANSWERED, *four).admits(0.0)


def test_half_of_the_last_answers_late_opens_it():
    turns = [ANSWERED, LATE] * (LEAST // 2)

    assert a_breaker(*turns[:-1]).state(0.0) is State.CLOSED
    assert a_breaker(*turns).state(0.0) is State.OPEN


def test_late_ones_of_long_ago_count_no_more():
    old = [LATE, ANSWERED, ANSWERED] * 3
    breaker = a_breaker(*old, *[ANSWERED] * WINDOW)
    for _ in range(FAILURES - 1):
        breaker.note(LATE, 0.0)

    assert breaker.state(0.0) is State.CLOSED


def test_after_a_rest_one_question_tries():
    breaker = a_breaker(*[FAILED] * FAILURES)

    assert not breaker.admits(REST_S - 0.1)
    assert breaker.state(REST_S) is State.HALF_OPEN
    assert breaker.admits(REST_S)
    assert not breaker.admits(REST_S + 1)


def test_probe_that_is_answered_closes_it_with_a_clean_slate():
    breaker = a_breaker(*[FAILED] * FAILURES)
    breaker.admits(REST_S)

    breaker.note(ANSWERED, REST_S)

    assert breaker.state(REST_S) is State.CLOSED
    breaker.note(FAILED, REST_S)
    assert breaker.admits(REST_S)


@pytest.mark.parametrize("outcome", [LATE, FAILED])
def test_probe_that_fails_opens_it_for_another_rest(outcome):
    breaker = a_breaker(*[FAILED] * FAILURES)
    breaker.admits(REST_S)

    breaker.note(outcome, REST_S + 1)

    assert not breaker.admits(2 * REST_S)
    assert breaker.admits(2 * REST_S + 1)


def test_answers_to_what_was_asked_before_it_opened_change_nothing():
    breaker = a_breaker(*[FAILED] * FAILURES)

    breaker.note(ANSWERED, 1.0)

    assert breaker.state(1.0) is State.OPEN


def test_probe_of_which_nobody_hears_is_followed_by_another():
    breaker = a_breaker(*[FAILED] * FAILURES)
    breaker.admits(REST_S)

    assert breaker.admits(2 * REST_S)
