"""Bars that make sense, and sentences that say of each alarm what it is and what to do."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from admission.alarm_signs import clears_at
from admission.alarm_words import AlarmWords
from admission.alarms import ALL, AlarmKind, Severity
from admission.errors import InvalidInput
from admission.messages import Sentence
from tests.alarms import CASES, ROOT, Player, an_hour, bars, facts
from tests.builders import VENUE, at

TEXTS = tomllib.loads((ROOT / "config/messages/alarms.toml").read_text("utf-8"))

# --- bars ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("capacity_warning", 0.7),
        ("wait_critical_minutes", 10.0),
        ("disk_critical_mib", 4096),
        ("gate_refused", 3),
        ("calls_waiting", -1),
        ("feed_minutes", float("nan")),
        ("duty_from", "loud"),
        ("open_from", "9 o'clock"),
    ],
)
def test_bar_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(InvalidInput, match=r"alarms\."):
        bars(**{name: value})


@pytest.mark.parametrize(
    ("opens", "closes", "clock", "is_open"),
    [
        ("09:00", "17:30", "08:59", False),
        ("09:00", "17:30", "09:00", True),
        ("09:00", "17:30", "17:31", False),
        ("18:00", "02:00", "23:30", True),
        ("18:00", "02:00", "01:00", True),
        ("18:00", "02:00", "12:00", False),
    ],
)
def test_gates_and_devices_are_missed_while_the_venue_is_open(opens, closes, clock, is_open):
    limits = bars(open_from=opens, open_until=closes)

    assert limits.open_at(at(clock), VENUE) is is_open


@pytest.mark.parametrize(
    ("duty_from", "told"),
    [("off", []), ("critical", ["critical"]), ("notice", ["notice", "warning", "critical"])],
)
def test_duty_list_is_told_from_a_severity_on(duty_from, told):
    assert [each for each in Severity if bars(duty_from=duty_from).tells(each)] == told


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AlarmKind)
def test_every_alarm_says_what_it_is_and_what_to_do_in_both_languages(kind):
    words, where = AlarmWords(TEXTS), Sentence("南门", "South gate")
    _, _, beyond, severity = CASES[kind]
    player = Player()
    player.look(facts(**beyond))
    ((_, alarm),) = player.standing.items()
    says = words.says(kind, alarm.subject, where, alarm.figure, bar=alarm.bar, usual=0.05)
    to_do = words.to_do(kind, alarm.subject, Severity(severity))
    title = words.title(kind, alarm.subject, where, cleared=False)

    for sentence in (says, to_do, title, words.name(kind, alarm.subject)):
        assert any("\u4e00" <= each <= "\u9fff" for each in sentence.zh)
        assert sentence.en.isascii()
        assert "{" not in sentence.zh + sentence.en
    assert not says.en.startswith(" ")


def test_sentences_have_their_figures_as_people_write_them():
    words, where = AlarmWords(TEXTS), Sentence("南门", "South gate")

    def says(kind, figure, bar=0.0, usual=None, subject="X"):
        return words.says(kind, subject, where, figure, bar=bar, usual=usual).en

    assert says(AlarmKind.CAPACITY, 0.912, 0.9) == "91% of the most people are inside (bar 90%)"
    assert "900 MiB" in says(AlarmKind.DISK, 900.0, 1024)
    assert "4.0 GiB" in says(AlarmKind.DISK, 4096.0, 1024)
    assert "revision 48211" in says(AlarmKind.AUDIT, 48211)
    assert "Nothing is heard of 23 devices" in says(AlarmKind.DEVICE_GONE, 23, 5, subject=ALL)
    assert says(AlarmKind.OVERRIDES, 16, usual=0.0).endswith("16 by one person within an hour")
    assert says(AlarmKind.OVERRIDES, 16, usual=4.0).endswith("(usually about 4)")
    assert "37% of the scans at South gate" in says(AlarmKind.GATE_REFUSALS, 0.37, usual=0.04)


@pytest.mark.parametrize(
    ("kind", "figure", "bar", "subject", "says"),
    [
        (AlarmKind.WAIT, 30.0, 30.0, "", None),
        (AlarmKind.WAIT, 27.0, 30.0, "", "falling; clears below 24"),
        (AlarmKind.CAPACITY, 0.79, 0.8, "", "falling; clears below 78%"),
        (AlarmKind.DISK, 1100.0, 1024.0, "", "recovering; clears above 1.2 GiB"),
        (AlarmKind.DISK, 1000.0, 1024.0, "", None),
        (AlarmKind.DEVICE_GONE, 4.0, 5.0, ALL, None),
        (AlarmKind.OVERRIDES, 4.0, 0.0, "override", None),
    ],
)
def test_figure_that_is_well_again_says_from_where_on_its_alarm_goes(
    kind, figure, bar, subject, says
):
    player = Player()
    player.look(facts(wait_minutes=40))
    ((_, alarm),) = player.standing.items()
    well = clears_at(replace(alarm, kind=kind, figure=figure, bar=bar, subject=subject))

    assert (None if well is None else AlarmWords(TEXTS).eases(kind, well).en) == says


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("audit", {}),
        ("audit", {"says": {"zh": "只有中文"}}),
        ("audit", {"says": {"zh": "{nobody}", "en": "x"}}),
    ],
)
def test_missing_sentence_is_told_at_start(section, change):
    texts = TEXTS | {section: (TEXTS[section] | change) if change else {}}

    with pytest.raises(ValueError, match=r"alarms\.toml: \[audit\]"):
        AlarmWords(texts)


def test_hours_that_stand_out_name_the_act_and_nobody():
    player = Player()

    assert player.look(facts(conduct=(an_hour(),))) == ["raised overrides override notice"]
    assert AlarmWords(TEXTS).act("override").zh == "主管放行"
