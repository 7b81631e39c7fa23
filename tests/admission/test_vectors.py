"""Every scenario of tests/vectors, on paper, where it applies: the server, a scanner, or both."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from admission.verdicts import Reason
from tests.paper import Answer, Paper
from tests.paper_rows import Row

VECTORS = Path(__file__).parents[1] / "vectors"
FILES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(VECTORS.glob("*.json"))}
SCENARIOS = {name: rows for name, rows in FILES.items() if "cases" in rows}
PARTS = ("venue", "gates", "devices", "deals", "vouchers")
PLACES = {"both": ("online", "offline"), "online": ("online",), "offline": ("offline",)}


def scenarios() -> list[Any]:
    return [
        pytest.param(
            {part: case.get(part, rows.get(part)) for part in PARTS},
            case["steps"],
            place == "online",
            id=f"{name}: {case['name']} ({place})",
        )
        for name, rows in SCENARIOS.items()
        for case in rows["cases"]
        for place in PLACES[case["applies"]]
    ]


def expected(name: str, value: Any) -> Any:
    """Return what JSON says, with instants read."""
    if name == "arrived_at" and value is not None:
        return datetime.fromisoformat(value)
    if name in {"first_use", "elsewhere"} and value is not None:
        return value | {"at": datetime.fromisoformat(value["at"])}
    return value


def wrong(step: Row, answer: Answer) -> dict[str, Any]:
    """Return what the answer says, wherever that is not what the step expects."""
    wanted = step.get("expect", {})
    if "problem" not in wanted and "problem" in answer:
        return answer
    return {
        name: answer.get(name)
        for name, value in wanted.items()
        if answer.get(name) != expected(name, value)
    }


@pytest.mark.parametrize(("scenario", "steps", "online"), scenarios())
def test_scenario(scenario: Row, steps: list[Row], online: bool) -> None:
    paper = Paper(scenario, online=online)

    for step in steps:
        answer = paper.play(step)

        assert wrong(step, answer) == {}, step


@pytest.mark.parametrize("place", ["online", "offline"])
def test_every_reason_occurs(place: str) -> None:
    steps = [
        step
        for rows in SCENARIOS.values()
        for case in rows["cases"]
        if place in PLACES[case["applies"]]
        for step in case["steps"]
    ]
    reasons = {
        step.get("expect", {}).get("reason")
        for step in steps
        if "scan" in step or "override" in step
    }

    elsewhere = {Reason.PROVISIONAL} if place == "online" else {Reason.OVERRIDDEN}
    # How many arrive within a minute only a ledger or a journal knows: test_bulk_arrivals.py.
    elsewhere.add(Reason.BULK_ARRIVALS)
    assert set(Reason) - elsewhere == reasons - {None}


def test_no_two_scenarios_have_one_name() -> None:
    names = [case["name"] for rows in SCENARIOS.values() for case in rows["cases"]]

    assert len(names) == len(set(names))


def test_time_never_runs_backwards_in_a_scenario() -> None:
    backwards = [
        case["name"]
        for rows in SCENARIOS.values()
        for case in rows["cases"]
        if (times := [datetime.fromisoformat(step["at"]) for step in case["steps"]])
        != sorted(times)
    ]

    assert backwards == []
