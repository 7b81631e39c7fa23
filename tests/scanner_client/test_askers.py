"""A question is asked everywhere at once, and the first answer stands."""

import os
import pty
import threading
import time

import pytest

from admission import wire
from scanner_client.askers import Together
from scanner_client.capture import Watch
from scanner_client.capture_names import open_terminal
from scanner_client.questions import Questions, Unsaid
from scanner_client.settings import load_settings
from tests.scanner_client.screens import a_screen, a_shown

PICKS = [wire.PickAnswer(pick=p, tail=p, title="t", category="adult", remaining=1) for p in "ab"]


@pytest.fixture
def terminal():
    main, side = pty.openpty()
    with os.fdopen(side, "r+b", buffering=0) as keys:
        yield main, keys
    os.close(main)


@pytest.fixture
def both(terminal, tmp_path):
    """A lane screen, the far end of a terminal that is read, and both as one asker."""
    main, keys = terminal
    screen, stop = a_screen(), threading.Event()
    at_terminal = Questions(lambda _: None, wait_s=20, stop=stop)

    def listen():
        source = open_terminal(keys, load_settings(tmp_path).readers)
        for typed in source.sightings(Watch(stop, print)):
            at_terminal.take(typed)

    listener = threading.Thread(target=listen)
    listener.start()
    yield screen, main, Together([at_terminal, screen])
    stop.set()
    listener.join()


def in_a_moment(do):
    threading.Timer(0.3, do).start()


def test_answer_at_the_terminal_takes_the_question_off_the_screen(both):
    screen, main, together = both
    in_a_moment(lambda: os.write(main, b"2\n"))

    assert together.ask_party(a_shown().answer, 5) == 2
    assert screen.next(None, 0).question is None


def test_answer_at_the_screen_ends_the_question_at_the_terminal(both):
    screen, main, together = both
    in_a_moment(lambda: screen.answer(screen.next(None, 0).question.question_id, 4))
    began_s = time.monotonic()

    assert together.ask_party(a_shown().answer, 5) == 4
    assert time.monotonic() - began_s < 5
    in_a_moment(lambda: os.write(main, b"1\n"))
    assert together.ask_pick(PICKS) is PICKS[0]


def test_no_at_the_screen_is_a_no(both):
    screen, _, together = both
    in_a_moment(lambda: screen.answer(screen.next(None, 0).question.question_id, 0))

    with pytest.raises(Unsaid):
        together.ask_party(a_shown().answer, 5)
