"""From a code to a verdict, through lost answers and silences."""

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from admission import wire
from admission.scans import Mode, PartyDefault
from admission.verdicts import Outcome, Reason
from scanner_client.capture import Typed
from scanner_client.checkin import Terms
from scanner_client.questions import Questions
from tests import fakes
from tests.fakes import TOKEN, FakeGate, an_answer
from tests.scanner_client.scanners import a_park, a_scanner, feed

CODE = "9K3F-22AX-8K2F"


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@contextmanager
def a_check_in(gate, terms=None, questions=None, token=TOKEN):
    """Yield a use case and the states of the link, of a scanner that holds CODE."""
    with TemporaryDirectory() as made, a_scanner(Path(made), gate.url, token=token) as kit:
        feed(kit.replica, *a_park(CODE))
        yield kit.check_in(terms or Terms(), questions=questions), kit.links


def test_verdict_is_shown(gate):
    with a_check_in(gate, Terms(party=2)) as (check_in, _):
        shown = check_in.check_in(CODE)

    assert shown.admitted
    assert not shown.offline
    [scan] = gate.scans()
    assert (scan.code, scan.party, scan.mode) == (CODE, 2, Mode.ADMIT)
    assert scan.scanned_at is not None


@pytest.mark.parametrize("trouble", [fakes.lost, fakes.portal, fakes.problem(503, "busy")])
def test_answer_that_broke_off_is_asked_for_again_under_its_nonce(gate, trouble):
    gate.troubles.append(trouble)
    with a_check_in(gate) as (check_in, _):
        shown = check_in.check_in(CODE)

    first, second = gate.scans()
    assert first == second
    assert shown.admitted
    assert not shown.offline
    assert len(gate.recorded) == 1


def test_refusal_is_never_asked_again(gate):
    gate.answers[CODE] = an_answer(reason=Reason.USED_UP)
    with a_check_in(gate) as (check_in, links):
        shown = check_in.check_in(CODE)

    assert not shown.admitted
    assert len(gate.scans()) == 1
    assert [link.online for link in links] == [True]


@pytest.mark.parametrize(
    ("status", "slug", "online"),
    [(409, "annulled", True), (403, "forbidden", True), (403, "device-revoked", False)],
)
def test_no_of_the_server_is_shown_and_not_repeated(gate, status, slug, online):
    gate.troubles.append(fakes.problem(status, slug, "d-1"))
    with a_check_in(gate) as (check_in, links):
        shown = check_in.check_in(CODE)

    assert (shown.answer, shown.outcome) == (None, Outcome.REFER)
    assert slug in shown.problem
    assert len(gate.scans()) == 1
    assert [link.online for link in links] == [online]


def test_scanner_goes_on_where_a_restored_server_does_not_know_it(gate):
    with a_check_in(gate, token="another") as (check_in, links):
        shown = check_in.check_in(CODE)

    assert shown.admitted
    assert shown.offline
    assert [link.online for link in links] == [False]


def test_each_scan_has_its_own_nonce_and_they_sort_by_time(gate):
    with a_check_in(gate) as (check_in, _):
        nonces = []
        for _ in range(3):
            nonces.append(check_in.check_in(CODE).nonce)
            time.sleep(0.002)

    assert nonces == sorted(set(nonces))


class Staff:
    """Someone who types where they are asked."""

    def __init__(self):
        self.said = []
        self.types = []
        self.questions = Questions(self.hear, wait_s=0.5, stop=threading.Event())

    def hear(self, line):
        self.said.append(line)
        lines, self.types = self.types, []
        for text in lines:
            self.type(text)

    def type(self, text):
        return self.questions.take(Typed(text, time.monotonic(), "stdin"))


@pytest.fixture
def staff():
    return Staff()


def test_staff_are_asked_for_the_party_where_several_are_left(gate, staff):
    gate.answers[CODE] = an_answer(admitted=1, remaining=4)
    staff.types = ["3"]
    with a_check_in(gate, questions=staff.questions) as (check_in, _):
        check_in.party_default = PartyDefault.ASK
        shown = check_in.check_in(CODE)

    look, scan = gate.scans()
    assert (look.mode, look.party) == (Mode.CHECK, 1)
    assert (scan.mode, scan.party) == (Mode.ADMIT, 3)
    assert shown.admitted
    assert "1-5" in staff.said[0]


def test_keys_pressed_before_the_question_do_not_answer_it(gate, staff):
    gate.answers[CODE] = an_answer(admitted=1, remaining=4)
    assert not staff.type("5")
    staff.types = ["9", "2"]
    with a_check_in(gate, questions=staff.questions) as (check_in, _):
        check_in.party_default = PartyDefault.ASK
        check_in.check_in(CODE)

    assert gate.scans()[-1].party == 2


def test_nothing_is_sent_where_staff_do_not_say(gate, staff):
    gate.answers[CODE] = an_answer(admitted=1, remaining=4)
    with a_check_in(gate, questions=staff.questions) as (check_in, _):
        check_in.party_default = PartyDefault.ASK
        shown = check_in.check_in(CODE)

    assert shown.outcome is Outcome.WAIT
    assert gate.recorded == {}


def test_single_voucher_asks_nobody(gate, staff):
    with a_check_in(gate, questions=staff.questions) as (check_in, _):
        check_in.party_default = PartyDefault.ASK
        assert check_in.check_in(CODE).admitted

    assert staff.said == []


def test_staff_pick_one_of_several_vouchers(gate, staff):
    picks = [
        wire.PickAnswer(pick=f"p{n}", tail="8K2F", title="Day", category="adult", remaining=1)
        for n in (1, 2)
    ]
    gate.answers[CODE] = an_answer(reason=Reason.SEVERAL_VOUCHERS, voucher=None, vouchers=picks)
    staff.types = ["2"]
    with a_check_in(gate, questions=staff.questions) as (check_in, _):
        shown = check_in.check_in(CODE)

    several, picked = gate.scans()
    assert (picked.code, picked.pick) == (None, "p2")
    assert picked.nonce != several.nonce
    assert shown.admitted
