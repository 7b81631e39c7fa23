"""Templates of broadcasts: every packaged one can be filled in, and each mistake is named."""

import tomllib
from pathlib import Path

import pytest

from admission.broadcast_templates import FieldKind, Lookups, fill, read_templates
from admission.broadcasts import LONGEST_TEXT, Priority
from admission.errors import InvalidInput
from admission.messages import Sentence

FILE = Path(__file__).parents[2] / "config/messages/broadcasts.toml"
PACKAGED = read_templates(tomllib.loads(FILE.read_text("utf-8")), file="broadcasts.toml", own=False)
LONGEST = {
    FieldKind.GATE: "G1",
    FieldKind.DEAL: "DAY",
    FieldKind.TIME: "23:59",
    FieldKind.NUMBER: "9999",
    FieldKind.TEXT: "字" * 80,
}
GOOD = {
    "zh": "请到{gate}。",
    "en": "Go to {gate}.",
    "loud_zh": "请到{gate}。",
    "loud_en": "Go to {gate}.",
    "fields": {"gate": "gate"},
}


def lookups(name="名" * 80):
    def no_instant(at, text):
        raise InvalidInput(at, "no time")

    known = {"G1": name, "DAY": name}

    def named(at, key):
        if key not in known:
            raise InvalidInput(at, f"no {key}")
        return known[key]

    return Lookups(named, named, no_instant, Sentence("东门服务台", "the east gate desk"))


def read(**changes):
    table = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return read_templates({"one": table}, file="DIR/broadcasts.toml", own=True)["one"]


@pytest.mark.parametrize("key", PACKAGED)
def test_every_packaged_template_fits_with_the_longest_names(key):
    template = PACKAGED[key]
    values = {name: LONGEST[kind] for name, kind in template.fields.items()}

    worded = fill(template, values, lookups())

    for text in (worded.shown.zh, worded.shown.en, worded.loud.zh, worded.loud.en):
        assert len(text) <= LONGEST_TEXT
        assert "{" not in text
    assert worded.loud.zh.startswith("各位游客请注意：")
    assert worded.loud.en.startswith("Attention please.")
    # Spoken: no symbols that nobody can say.
    assert not set("/()（）|&") & set(worded.loud.zh + worded.loud.en)


def test_those_that_a_day_like_2015_needs_are_there():
    assert {"closing", "go_to_gate", "deal_withdrawn", "help_desk"} <= PACKAGED.keys()


def test_a_withdrawn_deal_says_who_is_received_and_that_refunds_are_automatic():
    values = {"deal": "DAY", "arrived_by": "17:00"}

    worded = fill(PACKAGED["deal_withdrawn"], values, lookups("一元票"))

    assert worded.shown.zh.startswith("“一元票”已由平台取消。17:00 前到场的游客照常接待")
    assert "票款由平台自动退回" in worded.loud.zh
    assert "请到东门服务台" in worded.loud.zh
    assert "Everyone who arrived before 17:00 will be received" in worded.loud.en


def test_a_text_may_be_given_in_each_language():
    template = read(zh="请到{gate}。", fields={"gate": "text"})

    worded = fill(template, {"gate.zh": "东门", "gate.en": "the east gate"}, lookups())

    assert worded.shown == Sentence("请到东门。", "Go to the east gate.")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "values.gate"),
        ({"gate": "G9"}, "values.gate"),
        ({"gate": "G1", "minutes": "5"}, "values.minutes"),
        ({"gate.zh": "东门", "gate.en": "east"}, "values.gate"),
        ({"gate": "G1", "gate.zh": "东门"}, "values.gate"),
        ({"gate.zh": "东门"}, "values.gate"),
        ({"gate": "G\x1b[2J"}, "values.gate"),
    ],
)
def test_a_value_that_is_missing_wrong_or_one_too_many_is_named(values, field):
    with pytest.raises(InvalidInput) as refused:
        fill(read(), values, lookups())

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "value"),
    [("time", "25:00"), ("time", "noon"), ("number", "0"), ("number", "-3"), ("text", "x" * 81)],
)
def test_a_value_of_another_kind_is_refused(kind, value):
    with pytest.raises(InvalidInput) as refused:
        fill(read(fields={"gate": kind}), {"gate": value}, lookups())

    assert refused.value.field == "values.gate"


def test_what_is_filled_in_cannot_reach_further():
    worded = fill(read(fields={"gate": "text"}), {"gate": "{desk.zh.__class__}"}, lookups())

    assert worded.shown.zh == "请到{desk.zh.__class__}。"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"en": None}, "en is missing"),
        ({"loud_zh": None}, "loud_zh is missing"),
        ({"zh": "请到{place}。"}, "{place}"),
        ({"zh": "请到{gate.name}。"}, "{gate.name}"),
        ({"zh": "请到{gate!r}。"}, "name alone"),
        ({"zh": "请到{gate:>9}。"}, "name alone"),
        ({"zh": "请到{gate。"}, "braces"),
        ({"fields": {"gate": "gate", "minutes": "number"}}, "minutes stands in no text"),
        ({"fields": {"gate": "place"}}, "one of gate"),
        ({"fields": {"gate": "gate", "desk": "text"}}, "desk"),
        ({"fields": ["gate"]}, "table"),
        ({"priority": "loud"}, "normal or high"),
        ({"colour": "red"}, "colour"),
        ({"zh": "{gate}\x1b[2J"}, "zh"),
        ({"zh": "{gate}" + "长" * 500}, "zh"),
    ],
)
def test_a_mistake_in_a_venues_own_file_is_named_with_its_place(change, said):
    with pytest.raises(InvalidInput) as refused:
        read(**change)

    assert refused.value.field.startswith("DIR/broadcasts.toml: [one]")
    assert said in f"{refused.value.field}: {refused.value.problem}"


def test_a_template_may_stand_out_by_itself():
    assert read(priority="high").priority is Priority.HIGH
    assert PACKAGED["closing"].priority is Priority.NORMAL
