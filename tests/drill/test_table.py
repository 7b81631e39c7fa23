"""The drill's table: every row in both languages, and a broken invariant is exit status 1."""

import json

from click.testing import CliRunner

from drill.checks import check
from drill.command import show
from drill.crowd import Day
from drill.figures import Measured, figures
from drill.morning import Voided
from drill.night import Night
from drill.story import Sizes, choose_pace
from drill.table import lines
from drill.words import ROWS
from gate_server.cli.edge import Command
from tests.drill.days import CUT_OFF, the_accounts, the_evidence, the_settlement

MEASURED = Measured(
    Sizes.of(0.01),
    Night(3.2, 5_000.0, "I1"),
    Voided(0.0, CUT_OFF, CUT_OFF, 0.25, 1, {}),
    choose_pace([], 100.0),
    100.0,
    Day(longest_queue=800, longest_wait_s=1_200.0),
    Day(longest_queue=1_700, longest_wait_s=6_000.0, turned_away=1_100),
)


def found_of(**changes):
    kinds = {
        kind: {"entries": 1, "amount_minor": amount}
        for kind, amount in (("refunds", 1), ("compensation", 2000), ("reverse", 0))
    }
    accounts = the_accounts(
        settlement=the_settlement() | {"currency": "CNY"},
        statement=the_accounts().statement
        | {"version": 1, "hash": "ab", "settlement": the_settlement() | {"currency": "CNY"}},
        lists=kinds,
    )
    evidence = the_evidence(accounts=accounts, **changes)
    return figures(MEASURED, evidence, check(evidence), took_s=61.0)


def run_show(found, *options):
    command = Command("drill", callback=lambda: show(found))
    return CliRunner().invoke(command, options)


def test_table_has_every_row_once():
    assert sorted(name for name, _, _ in lines(found_of())) == sorted(ROWS)


def test_table_is_told_in_both_languages_and_ends_well():
    told = run_show(found_of())

    assert told.exit_code == 0, told.output
    for zh, en in ROWS.values():
        assert zh in told.output
        assert en.split(" ", 1)[0] in told.output
    assert "260.00 CNY" in told.output
    assert "800 / 1,700" in told.output


def test_broken_invariant_is_told_and_is_exit_1():
    told = run_show(found_of(inside=5))

    assert told.exit_code == 1
    assert "5 people are inside instead of 2" in told.output


def test_json_has_the_settlement_and_every_invariant():
    told = json.loads(run_show(found_of(), "--json").output)

    assert told["settlement"]["counts"]["sold"] == 3
    assert told["holds"]
    assert all(each["holds"] for each in told["invariants"])


def test_no_code_is_in_the_figures():
    assert "CODE-" not in json.dumps(found_of())
