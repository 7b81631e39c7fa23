"""What staff see, and what can never reach their terminal."""

import io
import re
import threading
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission import wire
from admission.scans import Mode
from admission.verdicts import Outcome, Reason
from scanner_client.checkin import UNRECORDED, Shown
from scanner_client.connectivity import Link
from scanner_client.legible import legible
from scanner_client.presenter import Outlook, Presenter, tell_age
from tests.fakes import NOW, ZONE, a_voucher, an_answer

NONCE = "0190f3c2-7d0e-7c11-b1f5-3a8e5d0c9a55"
# What rich itself writes: colours, and nothing that moves, clears or names.
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

AWAY = Link(online=False, since=NOW, problem="no answer\x1b[2J")


def shown(reason=Reason.ADMITTED, **changes):
    answer = an_answer(NONCE, reason, **changes)
    return Shown(NONCE, answer.outcome, answer.message, answer)


def plain(given):
    out, err = io.StringIO(), io.StringIO()
    Presenter(out, err).show(given)
    return out.getvalue()


def on_terminal(given, **settings):
    out = io.StringIO()
    Presenter(out, io.StringIO(), colour="always", **settings).show(given)
    return out.getvalue()


@pytest.mark.parametrize(
    ("reason", "shape", "word", "zh"),
    [
        (Reason.ADMITTED, "✓", "GO", "请通行"),
        (Reason.USED_UP, "✕", "STOP", "暂不能入园"),
        (Reason.DEAL_HELD, "☎", "CALL", "请稍候，人工核验"),
        (Reason.VENUE_FULL, "…", "WAIT", "请稍候"),
    ],
)
def test_outcome_has_a_shape_and_a_word_without_colour(reason, shape, word, zh):
    for text in (plain(shown(reason)), COLOURS.sub("", on_terminal(shown(reason)))):
        assert shape in text
        assert word in text
        assert zh in text


def test_call_that_a_human_answered_with_no_looks_like_a_refusal():
    asked = shown(Reason.DEAL_HELD)
    answer = msgspec.structs.replace(asked.answer, outcome=Outcome.REFUSE)
    text = plain(replace(asked, outcome=answer.outcome, answer=answer))

    assert ("STOP" in text, "CALL" in text) == (True, False)


@pytest.mark.parametrize(
    ("mode", "word", "zh"),
    [(Mode.CHECK, "VALID", "此票有效"), (Mode.ARRIVE, "NOTED", "已登记到场")],
)
def test_whoever_sees_a_marshals_screen_does_not_read_that_they_may_go_in(mode, word, zh):
    text = plain(replace(shown(Reason.ADMITTED), mode=mode))

    assert word in text
    assert zh in text
    assert "GO" not in text
    assert "STOP" in plain(replace(shown(Reason.USED_UP), mode=mode))


def test_plain_verdict_is_one_line_without_escape():
    text = plain(shown(admitted=2, remaining=1))

    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\a" not in text
    assert "2 people" in text
    assert "余 1 left" in text
    assert "请入园" in text
    assert "Please enter" in text
    assert "…8K2F" in text


def test_category_stands_out_where_it_is_not_adult():
    child = shown(voucher=a_voucher(category="child"))

    assert "C H I L D" in plain(child)
    assert "儿童" in plain(child)
    assert "A D U L T" not in plain(shown())


def test_bells_tell_outcomes_apart():
    rings = {
        reason: on_terminal(shown(reason)).count("\a")
        for reason in (Reason.ADMITTED, Reason.USED_UP, Reason.DEAL_HELD)
    }

    assert len(set(rings.values())) == 3
    assert "\a" not in on_terminal(shown(), bell=False)


def test_voided_deal_is_amber_and_quiet():
    text = on_terminal(shown(Reason.DEAL_VOIDED))

    assert "\a" not in text
    assert "\x1b[1;33m" in text
    assert "31m" not in text
    assert "STOP" in text


def test_scan_without_verdict_says_call_and_why():
    text = plain(Shown(NONCE, Outcome.REFER, UNRECORDED, problem="the disk is full"))

    assert "CALL" in text
    assert "call a supervisor" in text
    assert "the disk is full" in text


def test_several_vouchers_are_listed():
    picks = [
        wire.PickAnswer(pick="p1", tail="8K2F", title="Day", category="adult", remaining=1),
        wire.PickAnswer(pick="p2", tail="9Z9Z", title="Night", category="adult", remaining=3),
    ]
    text = plain(shown(Reason.SEVERAL_VOUCHERS, vouchers=picks))

    assert "1. …8K2F  Day" in text
    assert "2. …9Z9Z  Night" in text


HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31mred\u202egnp.exe\u2066x\u200b\x00\r\nSTOP\x7f[bold]"


def hostile():
    return shown(
        message=wire.Text(zh=HOSTILE, en=HOSTILE),
        voucher=a_voucher(title=HOSTILE, tail=HOSTILE, category=HOSTILE),
        vouchers=[
            wire.PickAnswer(
                pick=HOSTILE, tail=HOSTILE, title=HOSTILE, category=HOSTILE, remaining=1
            )
        ],
        arrival_number=HOSTILE,
    )


def test_text_of_platforms_cannot_steer_the_terminal():
    text = COLOURS.sub("", on_terminal(hostile(), bell=False))

    assert not re.search(
        r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text
    )
    assert "[bold]" in text
    assert plain(hostile()).count("\n") == 1


@given(st.text())
def test_legible_text_is_one_line_of_visible_characters(text):
    safe = legible(text)

    assert len(safe) <= 500
    assert all(character == " " or character.isprintable() for character in safe)


def test_ordinary_text_stays_as_it_is():
    text = "门票已用：2月12日 09:00 (G1) – café ½ €5 🎫"

    assert legible(text) == text
    assert legible("a" * 501) == "a" * 499 + "…"
    assert legible("Z" + "\u0301" * 50) == "Z" + "\u0301" * 2


def test_link_is_told_with_its_time_and_cause():
    err = io.StringIO()
    presenter = Presenter(io.StringIO(), err)

    presenter.show_link(Outlook(Link(), None, 0))
    assert err.getvalue() == ""
    presenter.show_link(Outlook(Link(online=True, since=NOW), 1.0, 0))
    presenter.show_link(Outlook(AWAY, 40.4, 3, zone=ZONE))

    assert "ONLINE 在线\n" in err.getvalue()
    line = r"OFFLINE 离线 since 17:00, replica 40 s old, 3 waiting 待上传: no answer"
    assert re.search(line, err.getvalue())
    assert "\x1b" not in err.getvalue()


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (Outlook(Link(online=True, since=NOW), 1.0, 2), "ONLINE 在线, 2 waiting"),
        (Outlook(AWAY, None, 0), "no replica"),
        (Outlook(AWAY, 7000.0, 0), "replica 117 min old"),
        (Outlook(Link(online=False, since=NOW, barred=True), 1.0, 0), "STOPPED"),
    ],
)
def test_link_tells_how_things_stand(outlook, said):
    err = io.StringIO()
    Presenter(io.StringIO(), err).show_link(outlook)

    assert said in err.getvalue()


def test_every_verdict_says_that_it_is_offline_and_none_that_it_is_online():
    for link, expected in ((AWAY, True), (Link(online=True, since=NOW), False)):
        out = io.StringIO()
        presenter = Presenter(out, io.StringIO(), colour="always", bell=False)
        presenter.watch(lambda link=link: Outlook(link, 40.0, 3))
        presenter.show(shown())
        assert ("OFFLINE" in out.getvalue()) is expected
        plain_out = io.StringIO()
        presenter = Presenter(plain_out, io.StringIO())
        presenter.watch(lambda link=link: Outlook(link, 40.0, 3))
        presenter.show(shown())
        assert ("replica 40 s old, 3 waiting" in plain_out.getvalue()) is expected
        assert plain_out.getvalue().count("\n") == 1


def test_ages_are_told_as_people_say_them():
    assert [tell_age(seconds) for seconds in (0, 119, 120, 3600, 7200, 90000)] == [
        *("0 s", "119 s", "2 min", "60 min", "2 h", "25 h"),
    ]


def test_every_line_of_a_wrapped_sentence_is_centred(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    sentence = "This voucher is good for the canyon and the valley only; go to the north gate."
    text = COLOURS.sub("", on_terminal(shown(message=wire.Text(zh="请", en=sentence)), bell=False))

    lines = [line.strip("│ \n") for line in text.splitlines()]
    second = next(line for line in text.splitlines() if "gate." in line)
    inner = second.strip("│")
    left, right = len(inner) - len(inner.lstrip()), len(inner) - len(inner.rstrip())
    assert abs(left - right) <= 1
    assert any(line.startswith("This voucher") for line in lines)


def test_verdicts_of_several_threads_do_not_mix():
    out = io.StringIO()
    presenter = Presenter(out, io.StringIO())
    threads = [threading.Thread(target=presenter.show, args=(shown(),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(out.getvalue().splitlines()) == {plain(shown()).rstrip("\n")}
