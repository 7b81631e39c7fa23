"""The page on turnstiles names every setting with its default, every fault, and what staff read."""

import re
import tomllib

import pytest

from admission.wire_passage import ReportKind
from scanner_client.barrier_lane import make_driver
from scanner_client.barrier_settings import KINDS, BarrierSettings
from scanner_client.barrier_state import EMERGENCY, STATES
from scanner_client.settings import default_text
from tests.docs.pages import ROOT, blocks, read

PAGE = ROOT / "docs/turnstiles.md"
DEFAULTS = tomllib.loads(default_text())["barrier"]


def rows(heading):
    part = read(PAGE).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_setting_is_told_with_its_default():
    told = {}
    for names, values, _ in rows("Settings"):
        found = re.findall(r"`([^`]*)`", values)
        named = re.findall(r"`([^`]*)`", names)
        told |= dict(zip(named, found * len(named) if len(found) == 1 else found, strict=False))
    read_back = {name: tomllib.loads(f"x = {value}")["x"] for name, value in told.items()}

    assert read_back == DEFAULTS


def test_every_kind_of_report_is_told():
    assert {row[0].strip("`") for row in rows("What is reported")} == set(ReportKind)


def test_what_staff_see_is_what_the_lane_says():
    told = [(row[0], row[1]) for row in rows("What staff see")]

    assert set(told) == {(each.text.zh, each.text.en) for each in (*STATES.values(), EMERGENCY)}


@pytest.mark.parametrize("text", blocks(PAGE, "toml"))
def test_examples_are_settings_that_make_a_barrier(text):
    settings = BarrierSettings(**(DEFAULTS | tomllib.loads(text)["barrier"]))

    assert make_driver(settings).watches


def test_there_is_an_example_of_each_kind():
    kinds = {tomllib.loads(text)["barrier"]["kind"] for text in blocks(PAGE, "toml")}

    assert kinds == set(KINDS) - {"none"}
