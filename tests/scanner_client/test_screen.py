"""What the screen shows of what it was told, without a browser and with a clock of its own."""

import threading
import time
from dataclasses import replace

import pytest

from admission import wire
from admission.scans import Direction, GateState, Mode
from admission.verdicts import Outcome
from admission.wire_passage import ReportKind
from scanner_client.barrier_state import ALL_WELL, STATES
from scanner_client.checkin import UNRECORDED, Shown
from scanner_client.connectivity import Link
from scanner_client.practice import marked
from scanner_client.presenter import Outlook
from scanner_client.questions import Unsaid
from scanner_client.screen_pictures import BroadcastPicture, Scene, Trouble
from scanner_client.screen_words import INVITATIONS, tell_outage
from tests.fakes import NOW, a_voucher
from tests.scanner_client.screens import AROUND, LOOKS, a_screen, a_shown, a_ticket


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def screen(clock):
    return a_screen(verdict_s=6.0, now_s=clock)


def scene(screen):
    return screen.next(None, 0).scene


def test_reading_is_shown_at_once_then_the_verdict_then_the_invitation(screen, clock):
    seen = [scene(screen)]
    screen.reading()
    seen.append(scene(screen))
    screen.show(a_shown())
    seen.append(scene(screen))
    clock.now_s += 6.1
    seen.append(scene(screen))

    assert seen == [Scene.WAITING, Scene.READING, Scene.VERDICT, Scene.WAITING]


def test_next_code_takes_the_last_verdict_away(screen):
    screen.show(a_shown())
    screen.reading()

    assert scene(screen) is Scene.READING


def test_reading_without_a_verdict_ends_by_itself(screen, clock):
    screen.reading()
    clock.now_s += 16

    assert scene(screen) is Scene.WAITING


@pytest.mark.parametrize("name", LOOKS)
def test_picture_has_the_words_of_the_terminal(screen, name):
    screen.show(LOOKS[name])
    verdict = screen.next(None, 0).verdict

    words = {"child": "GO", "voided": "STOP"}.get(name, name.upper())
    assert verdict.word == words
    assert verdict.passing is (words == "GO")
    assert verdict.sound == ("" if name == "voided" else words.lower())
    assert (verdict.sentence.zh, verdict.sentence.en) == (
        LOOKS[name].message.zh,
        LOOKS[name].message.en,
    )


def test_voided_deal_is_amber_and_silent_where_another_refusal_is_red(screen):
    looks = []
    for name in ("voided", "stop"):
        screen.show(LOOKS[name])
        verdict = screen.next(None, 0).verdict
        looks.append((verdict.colour, verdict.sound))

    assert looks == [("yellow", ""), ("red", "stop")]


def test_verdict_says_people_category_number_and_tickets(screen):
    shown = a_shown(
        admitted=2,
        remaining=1,
        voucher=a_voucher(category="senior"),
        arrival_number="D3-7",
        tickets=[a_ticket("T1-31", code="GH1:SECRET")],
    )
    screen.show(shown)
    verdict = screen.next(None, 0).verdict

    assert (verdict.people, verdict.left, verdict.category, verdict.category_zh) == (
        *(2, 1),
        *("senior", "长者"),
    )
    assert (verdict.arrival_number, verdict.tickets) == ("D3-7", ["T1-31"])
    assert "SECRET" not in str(verdict)


def test_scan_without_a_verdict_is_shown_as_a_call(screen):
    screen.show(Shown("nonce-0001", Outcome.REFER, UNRECORDED))
    verdict = screen.next(None, 0).verdict

    assert (verdict.word, verdict.sentence.en) == ("CALL", UNRECORDED.en)


def test_practice_is_marked(screen):
    screen.show(marked(a_shown()))

    assert screen.next(None, 0).verdict.practice is True


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_has_its_invitation(mode):
    assert a_screen(mode=mode).next(None, 0).say == INVITATIONS[mode][0]


def test_check_kiosk_asks_whether_the_code_works_today():
    assert "today" in a_screen(mode=Mode.CHECK).next(None, 0).say.en


@pytest.mark.parametrize("state", [GateState.PAUSED, GateState.EXIT_ONLY])
def test_closed_gate_lets_nobody_queue_at_the_entry_and_stays_open_at_the_exit(state):
    scenes = []
    for direction in Direction:
        screen = a_screen(direction=direction)
        screen.take(replace(AROUND, gate=state))
        scenes.append(scene(screen))

    assert scenes == [Scene.CLOSED, Scene.WAITING]


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_puts_the_lane_out_of_order_and_says_why(screen, trouble):
    screen.take(replace(AROUND, trouble=trouble))
    picture = screen.next(None, 0)

    assert picture.scene is Scene.BROKEN
    assert "another lane" in picture.detail.en


def test_fault_of_a_part_lasts_until_that_part_is_back(screen):
    screen.note_fault("turnstile", Trouble.BARRIER)
    screen.note_fault("wedge", Trouble.READER)
    screen.note_fault("turnstile", None)
    broken = screen.next(None, 0)
    screen.note_fault("wedge", None)

    assert (broken.scene, "reader" in broken.detail.en) == (Scene.BROKEN, True)
    assert scene(screen) is Scene.WAITING


def test_jammed_turnstile_is_out_of_order_and_a_lost_one_a_word_to_staff(screen):
    seen = []
    faults = (ReportKind.JAMMED, ReportKind.BARRIER_LOST, ReportKind.LATE_PASSAGE)
    for state in (*(STATES[fault] for fault in faults), ALL_WELL):
        screen.barrier_state(state)
        picture = screen.next(None, 0)
        seen.append((picture.scene, picture.notice is not None))

    assert seen == [
        *((Scene.BROKEN, False), (Scene.WAITING, True)),
        *((Scene.WAITING, False), (Scene.WAITING, False)),
    ]


def test_emergency_is_over_everything(screen):
    screen.show(a_shown())
    screen.note_fault("turnstile", Trouble.BARRIER)
    screen.take(replace(AROUND, emergency=True))
    picture = screen.next(None, 0)

    assert (picture.scene, picture.verdict) == (Scene.EMERGENCY, None)
    assert "evacuation signs" in picture.say.en


def test_broadcast_is_never_over_a_verdict(screen, clock):
    screen.take(replace(AROUND, broadcast=BroadcastPicture("b-1", "请注意", "Attention", True)))
    between = screen.next(None, 0).broadcast
    screen.reading()
    reading = screen.next(None, 0).broadcast
    screen.show(a_shown())
    verdict = screen.next(None, 0).broadcast
    clock.now_s += 7

    assert (reading, verdict) == (None, None)
    assert between is not None
    assert screen.next(None, 0).broadcast == between


def test_outage_is_told_with_the_age_of_the_replica_and_what_waits():
    away = Link(online=False, since=NOW, problem="refused")

    assert tell_outage(Outlook(away, 250.0, 3)).en.endswith("replica 4 min old · 3 to upload")
    assert "09:00" in tell_outage(Outlook(away, None, 0, zone=NOW.tzinfo)).zh
    assert tell_outage(Outlook(Link(online=True, since=NOW), 1.0, 3)) is None
    assert tell_outage(Outlook(replace(away, barred=True), 1.0, 3)) is None


def test_stream_gets_a_picture_when_it_changes_and_not_before(screen):
    first = screen.next(None, 0)
    began_s = time.monotonic()
    same = screen.next(first, 0.3)
    waited_s = time.monotonic() - began_s
    threading.Timer(0.05, screen.reading).start()

    assert same == first
    assert waited_s >= 0.3
    assert screen.next(first, 5).scene is Scene.READING


def asked(screen, ask):
    """Ask in a thread; return the question, and the list that its answer is put into."""
    answers = []

    def run():
        try:
            answers.append(ask())
        except Unsaid as error:
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    until_s = time.monotonic() + 5
    while screen.next(None, 0).question is None:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    return screen.next(None, 0).question, answers, thread


def test_party_is_asked_over_the_reading_and_answered_once(screen):
    screen.reading()
    question, answers, thread = asked(screen, lambda: screen.ask_party(a_shown().answer, 5))
    wrong = [screen.answer("another", 2), screen.answer(question.question_id, 6)]
    taken = screen.answer(question.question_id, 3)
    thread.join(5)

    assert (wrong, taken, answers) == ([False, False], True, [3])
    assert screen.answer(question.question_id, 3) is False
    assert scene(screen) is Scene.READING


@pytest.mark.parametrize("end", ["none", "withdrawn", "time", "stop"])
def test_question_that_nobody_answers_ends(end, clock):
    stop = threading.Event()
    screen = a_screen(stop=stop, ask_s=0.3 if end == "time" else 20)
    question, answers, thread = asked(screen, lambda: screen.ask_party(a_shown().answer, 5))
    if end == "none":
        screen.answer(question.question_id, 0)
    elif end == "withdrawn":
        screen.withdraw()
    elif end == "stop":
        stop.set()
    thread.join(5)

    assert isinstance(answers[0], Unsaid)
    assert scene(screen) is Scene.WAITING


def test_one_of_several_vouchers_is_picked_by_its_number(screen):
    picks = [
        wire.PickAnswer(pick=p, tail=p, title="t", category="adult", remaining=1) for p in "ab"
    ]
    question, answers, thread = asked(screen, lambda: screen.ask_pick(picks))
    screen.answer(question.question_id, 2)
    thread.join(5)

    assert answers == [picks[1]]
    assert [choice.tail for choice in question.choices] == ["a", "b"]
