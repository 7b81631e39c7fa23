"""Advice about a crowd in both languages, as a park would say it."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from admission.calendar import Venue
from admission.crowd import Gap
from admission.crowd_advice import Advice, AdviceKind
from admission.crowd_queues import QueueBasis, QueueGap
from admission.crowd_words import KEYS, CrowdWords

NOW = datetime(2015, 2, 12, 3, 0, tzinfo=UTC)
VENUE = Venue(ZoneInfo("Asia/Shanghai"))
FILE = Path(__file__).parent.parent.parent / "config/messages/crowd.toml"
TEMPLATES = tomllib.loads(FILE.read_text("utf-8"))
WORDS = CrowdWords(TEMPLATES, VENUE)


def test_gates_to_open_are_named_with_both_waits():
    advice = Advice(
        AdviceKind.OPEN_GATES,
        area="park",
        gates=("G4", "G5"),
        gate_ids=("G4", "G5"),
        wait_min=55.2,
        after_min=19.8,
    )

    said = WORDS.advice(advice, NOW)

    assert said.en == "park: open G4 and G5; the wait falls from about 55 to 20 min."
    assert said.zh == "park：建议加开G4、G5，预计等候时间从约55分钟降到约20分钟。"


@pytest.mark.parametrize(
    ("gates", "en", "zh"),
    [
        (
            (),
            "man C2, open but with nobody there; the wait falls from about 55 to 20 min.",
            "C2已开放但无人检票，建议派人上岗，预计等候时间从约55分钟降到约20分钟。",
        ),
        (
            ("C1",),
            "open C1; man C2, open but with nobody there; the wait falls from about 55 to 20 min.",
            "建议加开C1，并派人到C2检票（已开放但无人），预计等候时间从约55分钟降到约20分钟。",
        ),
    ],
)
def test_gates_to_man_are_told_from_those_to_open(gates, en, zh):
    kind = AdviceKind.OPEN_AND_MAN if gates else AdviceKind.MAN_GATES
    advice = Advice(
        kind, area="canyon", gates=gates, unmanned=("C2",), wait_min=55.2, after_min=19.8
    )

    said = WORDS.advice(advice, NOW)

    assert said.en == f"canyon: {en}"
    assert said.zh == f"canyon：{zh}"


def test_share_ahead_is_told_with_its_time_at_the_venue_and_what_to_do():
    at = datetime(2015, 2, 12, 3, 40, tzinfo=UTC)

    said = WORDS.advice(Advice(AdviceKind.WARN_AHEAD, share=0.8, at=at), NOW)

    assert said.en == "At this rate 80 % at 11:40: notice, report, emergency plan, stop sales."
    assert "11:40" in said.zh
    assert "停止售票" in said.zh


@pytest.mark.parametrize("kind", AdviceKind)
def test_every_advice_has_both_sentences_without_a_gap(kind):
    advice = Advice(
        kind,
        area="park",
        gates=("G1",),
        unmanned=("G2",),
        wait_min=9,
        after_min=5,
        share=0.5,
        people=7,
        at=NOW,
    )

    said = WORDS.advice(advice, NOW)

    for text in (said.zh, said.en):
        assert text
        assert "{" not in text


def test_gaps_and_bases_have_words_and_the_file_has_no_others():
    assert all(WORDS.gap(gap).zh for gap in (*QueueGap, *Gap))
    assert all(WORDS.basis(basis).en for basis in QueueBasis)
    assert set(TEMPLATES) == set(KEYS)


@pytest.mark.parametrize("texts", [{}, {"zh": "好"}, {"zh": "{who}", "en": "x"}])
def test_sentence_that_is_missing_or_names_what_nobody_fills_in_is_refused(texts):
    with pytest.raises(ValueError, match="crowd"):
        CrowdWords(TEMPLATES | {"dense": texts}, VENUE)
