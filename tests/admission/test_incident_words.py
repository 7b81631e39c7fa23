"""Incidents in words: both languages, nothing unsaid, nobody accused."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from admission.incident_words import IncidentWords, money
from admission.incidents import EntryKind, IncidentKind
from tests.builders import VENUE, a_deal, an_incident, figures

FILE = Path(__file__).parents[2] / "config/messages/incidents.toml"


def templates():
    return tomllib.loads(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def words():
    return IncidentWords(templates(), VENUE)


@pytest.mark.parametrize("kind", IncidentKind)
def test_every_kind_has_a_name(words, kind):
    name = words.kind(kind)

    assert name.zh
    assert name.en


@pytest.mark.parametrize("kind", EntryKind)
def test_every_entry_says_what_happened(words, kind):
    said = words.entry(kind)

    assert said.zh
    assert said.en


@pytest.mark.parametrize("kind", [kind for kind in IncidentKind if kind.rings])
def test_every_call_names_its_incident_and_how_to_end_the_calls(words, kind):
    said = words.call(an_incident(kind=kind), a_deal(), ring=3, gate="南门")

    for text in (said.zh, said.en):
        assert "gate-server incident acknowledge I0123456789" in text
        assert "3" in text
        assert "{" not in text


def test_times_are_the_venues(words):
    said = words.call(an_incident(), a_deal(), ring=1, gate=None)

    assert "02-12 22:10 至 02-12 22:11" in said.zh
    assert "02-12 22:12 开启" in said.zh


def test_text_from_a_platform_is_filled_in_as_it_is(words):
    deal = a_deal(title="{people} 票 {0}", deal_id="{what}")
    said = words.stop_sale("I1", deal, figures())

    assert "票种：{people} 票 {0}（编号 {what}）" in said.zh


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1, "CNY", "0.01 CNY"),
        (2068650, "CNY", "20,686.50 CNY"),
        (0, "CNY", "0.00 CNY"),
        (500, "JPY", "500 JPY"),
    ],
)
def test_money_is_written_as_people_do(minor, currency, text):
    assert money(minor, currency) == text


@pytest.mark.parametrize(
    ("part", "name", "texts", "problem"),
    [
        ("calls", "help", {"zh": "求助"}, "needs a sentence in zh and in en"),
        ("calls", "help", {"zh": "{who}", "en": "x"}, "unknown name"),
        ("entries", "closed", {}, "needs a sentence"),
        ("stop_sale", "text", {"zh": "{0}", "en": "x"}, "unknown name"),
    ],
)
def test_sentence_that_lacks_something_is_found_at_start(part, name, texts, problem):
    broken = templates()
    broken[part][name] = texts

    with pytest.raises(ValueError, match=problem) as refused:
        IncidentWords(broken, VENUE)
    assert name in str(refused.value)
