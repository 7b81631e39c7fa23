"""docs/evidence.md says what is: files of a bundle, doubts, floors, what is erased."""

from __future__ import annotations

import re

import pytest

from admission.conduct import FLOORS, LEAST_HOURS, TIMES_USUAL
from admission.replay import Agreement, Doubt
from gate_server.conduct import LOOK_BACK
from gate_server.evidence_words import read_evidence_words
from gate_server.ledger.retention import Why
from gate_server.settings import Settings
from gate_server.verify_bundle import FILES
from tests.docs.pages import ROOT, read

PAGE = read(ROOT / "docs/evidence.md")


def rows(heading: str) -> set[str]:
    """Return the first cells of the tables under a heading."""
    part = PAGE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE))


def test_every_file_of_a_bundle_is_told():
    always = {"links.txt", "export.ndjson", "head.ndjson"}

    assert rows("An evidence bundle") == {*FILES, *always}


def test_every_agreement_and_doubt_is_told():
    assert rows("Replay") - {"agreement"} == set(Agreement)
    assert all(f"`{doubt}`" in PAGE for doubt in Doubt)


@pytest.mark.parametrize("name", [*Agreement, *Doubt, *Why])
def test_what_is_told_has_its_sentence_in_both_languages(name):
    said = read_evidence_words().text(name)

    assert re.search(r"[\u4e00-\u9fff]", said.zh)
    assert said.en.isascii()


def test_floors_of_conduct_are_the_programs():
    words = "at\nleast {} overrides, {} overrides of own scans, {} annulments or {} strikes"
    words = words.format(*FLOORS.values())

    assert words in PAGE
    assert (TIMES_USUAL, LEAST_HOURS, LOOK_BACK.days) == (3.0, 12, 28)


def test_every_setting_of_privacy_is_told():
    named = {name for name in Settings.__slots__ if name.endswith("_days")}

    assert all(f"`{name}`" in PAGE for name in named)
    assert len(named) == 5
