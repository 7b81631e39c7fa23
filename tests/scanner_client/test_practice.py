"""Practice: every verdict can be learnt, all of it is marked, and nothing of it happens."""

from __future__ import annotations

import io
import json
from contextlib import contextmanager

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from admission.codes import normalise
from admission.errors import InvalidInput
from admission.operators import write_badge
from admission.practice import find_practice, practice_code
from admission.scans import Mode
from admission.verdicts import OUTCOMES, Outcome, Reason
from scanner_client.checkin import PRACTICE_CODE, Terms
from scanner_client.json_lines import JsonLines
from scanner_client.practice import Practice
from scanner_client.practice_codes import PDF_NAME, write_practice_codes
from scanner_client.presenter import PRACTICE, Presenter
from scanner_client.settings import load_settings
from tests.fakes import FakeGate
from tests.scanner_client.scanners import a_park, a_scanner, feed

CODE = "9K3F-22AX-8K2F"


@contextmanager
def practising(directory, url="http://127.0.0.1:9", minutes=20.0):
    """Yield a practice, the parts of its scanner, and what was said to staff."""
    said = []
    with a_scanner(directory, url) as kit:
        feed(kit.replica, *a_park(CODE))
        look = kit.check_in(Terms(mode=Mode.CHECK))
        yield (
            Practice(look, kit.replica, kit.clock, minutes=minutes, report=said.append),
            kit,
            said,
        )


def plain(shown):
    out = io.StringIO()
    Presenter(out, io.StringIO()).show(shown)
    return out.getvalue()


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    """What is shown of each practice code."""
    with practising(tmp_path_factory.mktemp("p") / "s") as (practice, _, _):
        return {reason: practice.check_in(practice_code(reason)) for reason in Reason}


@pytest.mark.parametrize("reason", Reason)
def test_each_verdict_can_be_learnt_with_its_real_sentence(learnt, reason):
    shown = learnt[reason]
    text = plain(shown)

    assert (shown.outcome, shown.answer.reason) == (OUTCOMES[reason], reason)
    assert shown.message.zh == f"【练习】{shown.answer.message.zh}"
    assert shown.message.en == f"PRACTICE: {shown.answer.message.en}"
    assert "{" not in shown.message.zh + shown.message.en
    assert text.startswith(PRACTICE)
    assert not shown.admitted


def test_sentences_say_what_they_say_of_real_vouchers(learnt):
    assert learnt[Reason.ADMITTED].answer.message.zh == "请通行，2 人。"
    assert "Practice gate 1" in learnt[Reason.USED_UP].message.en
    assert "Practice gate 2" in learnt[Reason.WRONG_GATE].message.en
    assert "16:00-22:00" in learnt[Reason.OUTSIDE_HOURS].message.zh
    assert "8K2F" in learnt[Reason.EXCHANGED].message.zh


def test_every_output_is_marked_and_a_program_opens_no_door(learnt):
    out, on_terminal = io.StringIO(), io.StringIO()
    JsonLines(out, Presenter(io.StringIO(), io.StringIO())).show(learnt[Reason.ADMITTED])
    Presenter(on_terminal, io.StringIO(), colour="always").show(learnt[Reason.ADMITTED])
    line = json.loads(out.getvalue())

    assert (line["practice"], line["outcome"], line["practice_outcome"]) == (True, None, "admit")
    assert line["message"]["en"].startswith("PRACTICE")
    assert on_terminal.getvalue().count("PRACTICE 练习") >= 3


def test_real_code_is_only_looked_at_online(tmp_path):
    with FakeGate() as gate, practising(tmp_path / "s", gate.url) as (practice, kit, _):
        shown = practice.check_in(CODE)
        kept = kit.journal.depth().seq, kit.journal.waiting(9)

    [scan] = gate.scans()
    assert scan.mode is Mode.CHECK
    assert (shown.practice, shown.admitted, shown.mode) == (True, False, Mode.CHECK)
    assert kept == (0, [])
    assert "GO" not in plain(shown)


def test_real_code_is_only_looked_at_offline(tmp_path):
    with practising(tmp_path / "s") as (practice, kit, _):
        first, second = practice.check_in(CODE), practice.check_in(CODE)
        kept = kit.journal.depth().seq, kit.journal.waiting(9)

    assert (first.outcome, second.outcome, first.offline) == (Outcome.ADMIT, Outcome.ADMIT, True)
    assert kept == (0, [])


def test_badge_signs_nobody_in_and_is_not_sent(tmp_path):
    badge = write_badge(b"0123456789abcdef")
    with FakeGate() as gate, practising(tmp_path / "s", gate.url) as (practice, _, _):
        shown = practice.check_in(badge)

    assert (shown.staff, shown.practice) == (True, True)
    assert gate.calls == []


def test_it_ends_by_itself_and_says_so_once(tmp_path):
    with practising(tmp_path / "s", minutes=1e-9) as (practice, _, said):
        assert [practice.on, practice.on] == [False, False]

    assert [line for line in said if "live" in line] == [said[-1]]


def test_practice_code_at_a_live_lane_is_neither_sent_nor_recorded(tmp_path):
    with FakeGate() as gate, a_scanner(tmp_path / "s", gate.url) as kit:
        shown = kit.check_in().check_in(practice_code(Reason.ADMITTED))
        kept = kit.journal.depth().seq

    assert (shown.message, shown.admitted, kept) == (PRACTICE_CODE, False, 0)
    assert gate.scans() == []


@pytest.mark.parametrize("code", ["PRACTICE-", "PRACTICE-no_such", "used_up", "PRACTICE-used_up1"])
def test_a_platforms_code_is_never_taken_for_practice(code):
    assert find_practice(normalise(code)) is None


def test_codes_can_be_printed_and_read_back(tmp_path):
    made = write_practice_codes(tmp_path / "codes")
    pdf = pypdfium2.PdfDocument(tmp_path / "codes" / PDF_NAME)
    paper = [sheet.render(scale=2).to_pil() for sheet in pdf]

    pictures = [path for path in made if path.suffix == ".png"]
    read = {zxingcpp.read_barcodes(Image.open(path))[0].text for path in pictures}
    printed = {found.text for sheet in paper for found in zxingcpp.read_barcodes(sheet)}
    assert read == printed == {practice_code(reason) for reason in Reason}


@pytest.mark.parametrize("minutes", ["0.0", "241.0", "nan"])
def test_practice_has_an_end(tmp_path, minutes):
    (tmp_path / "scanner.toml").write_text(f"[practice]\nminutes = {minutes}\n")

    with pytest.raises(InvalidInput, match=r"practice\.minutes"):
        load_settings(tmp_path)
