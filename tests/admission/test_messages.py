"""Sentences for staff: what is said of a look, and what a template may not do."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from admission.messages import Messages
from admission.notices import NoticeWords
from admission.scans import Gate
from admission.verdicts import FirstUse, Reason, Verdict
from tests.builders import VENUE

FOLDER = Path(__file__).parents[2] / "config/messages"
TEMPLATES = tomllib.loads((FOLDER / "verdicts.toml").read_text("utf-8"))
NOTICES = NoticeWords(tomllib.loads((FOLDER / "notices.toml").read_text("utf-8")), VENUE, None)


@pytest.mark.parametrize("reason", [Reason.ADMITTED, Reason.HONOURED, Reason.REENTERED])
def test_a_look_never_tells_anybody_to_go_in(reason):
    said = Messages(TEMPLATES, VENUE, NOTICES).sentence(Verdict(reason, remaining=2), dry=True)

    assert "Please go in" not in said.en
    assert "请通行" not in said.zh
    assert "2" in said.en


def test_an_admission_names_how_many():
    said = Messages(TEMPLATES, VENUE, NOTICES).sentence(Verdict(Reason.ADMITTED, 3))

    assert "3" in said.en
    assert "3" in said.zh


def test_a_notice_of_the_void_stands_instead_of_the_usual_words():
    verdict = Verdict(Reason.DEAL_VOIDED, say={"notice": ("活动取消", "Offer withdrawn")})

    assert Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict).en == "Offer withdrawn"


@pytest.mark.parametrize(
    "change", [{"admitted": {"zh": "x"}}, {"admitted": {"zh": "{nobody}", "en": "x"}}]
)
def test_a_template_that_cannot_be_filled_in_is_named_at_start(change):
    with pytest.raises(ValueError, match="admitted"):
        Messages(TEMPLATES | change, VENUE, NOTICES)


GATES = {
    "G1": Gate("G1", "南门 South gate", "park"),
    "C1": Gate("C1", "峡谷入口 Canyon gate", "canyon"),
}


def test_a_first_use_names_the_gate_as_people_know_it():
    first = FirstUse(datetime(2015, 2, 12, 1, 0, tzinfo=UTC), "G1")
    verdict = Verdict(Reason.USED_UP, first_use=first)

    assert (
        "南门 South gate" in Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict, gates=GATES).en
    )
    assert "G1" in Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict).en


@pytest.mark.parametrize(("gates", "named"), [((), "峡谷入口"), (("G1",), "南门")])
def test_a_wrong_gate_names_the_right_ones(gates, named):
    verdict = Verdict(Reason.WRONG_GATE, say={"areas": ("canyon",), "gates": gates})

    said = Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict, gates=GATES).zh
    assert named in said
    assert "canyon" not in said
    assert "canyon" in Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict).zh


def test_more_gates_than_anybody_listens_to_are_left_out():
    many = {f"C{n}": Gate(f"C{n}", f"lane {n}", "canyon") for n in range(9)}
    verdict = Verdict(Reason.WRONG_GATE, say={"areas": ("canyon",), "gates": ()})

    assert "lane" not in Messages(TEMPLATES, VENUE, NOTICES).sentence(verdict, gates=many).en
