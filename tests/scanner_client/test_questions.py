"""One question at a time: what answers it, what does not, and what goes on as a scan."""

import threading
import time

import pytest

from admission import wire
from scanner_client.capture import Typed
from scanner_client.questions import DOUBLED_S, Questions
from tests.scanner_client.watching import wait_for

PICKS = [
    wire.PickAnswer(pick=f"p{n}", tail="8K2F", title="Day", category="adult", remaining=1)
    for n in (1, 2, 3)
]


class Asked:
    """A question that is open, asked in a thread as a scan asks it."""

    def __init__(self, wait_s=5.0):
        self.said, self.stop, self.answers = [], threading.Event(), []
        self.questions = Questions(self.said.append, wait_s=wait_s, stop=self.stop)
        self.threads = []

    def __enter__(self):
        self.ask()
        return self

    def ask(self):
        before = len(self.said)
        thread = threading.Thread(
            target=lambda: self.answers.append(self.questions.ask_pick(PICKS))
        )
        thread.start()
        self.threads.append(thread)
        if len(self.threads) == 1:
            wait_for(lambda: len(self.said) >= before + 1 + len(PICKS))

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()

    def type(self, text, later_s=0.0):
        return self.questions.take(Typed(text, time.monotonic() + later_s, "stdin"))


def test_number_in_range_answers():
    with Asked() as staff:
        assert staff.type(" 2 ")
        wait_for(lambda: staff.answers)

    assert staff.answers == [PICKS[1]]


@pytest.mark.parametrize("text", ["0", "4", "00000"])
def test_number_out_of_range_is_asked_for_again(text):
    with Asked() as staff:
        assert staff.type(text)
        assert staff.said[-1] == "1-3"
        assert staff.type("3")
        wait_for(lambda: staff.answers)

    assert staff.answers == [PICKS[2]]


@pytest.mark.parametrize("text", ["9K3F-22AX-8K2F", "123456", "2a", "٢", "-1", ""])
def test_code_while_a_question_is_open_is_a_scan_and_cancels_nothing(text):
    with Asked() as staff:
        assert not staff.type(text)
        assert staff.answers == []
        assert staff.type("1")
        wait_for(lambda: staff.answers)

    assert staff.answers == [PICKS[0]]


def test_number_typed_before_the_question_does_not_answer_it():
    with Asked() as staff:
        assert not staff.type("2", later_s=-10)
        assert staff.answers == []


def test_doubled_key_is_no_scan_and_no_answer_to_the_next_question():
    with Asked() as staff:
        staff.ask()
        assert staff.type("2")
        wait_for(lambda: len(staff.answers) == 1 and len(staff.said) == 2 * (1 + len(PICKS)))
        assert staff.type("3", later_s=-0.05)
        assert len(staff.answers) == 1
        assert staff.type("1")
        wait_for(lambda: len(staff.answers) == 2)
        assert staff.type("1")
        assert not staff.type("1", later_s=DOUBLED_S + 1)

    assert staff.answers == [PICKS[1], PICKS[0]]


def test_nobody_waits_longer_than_the_settings_say():
    with Asked(wait_s=0.1) as staff:
        wait_for(lambda: staff.answers)

    assert staff.answers == [None]


def test_end_of_the_lane_ends_the_question():
    with Asked(wait_s=60) as staff:
        staff.stop.set()
        wait_for(lambda: staff.answers, seconds=2)

    assert staff.answers == [None]
