"""Every scenario that applies offline, by real scanners from real replicas of a real ledger."""

from __future__ import annotations

import pytest

from tests.admission.test_vectors import SCENARIOS, scenarios, wrong
from tests.offline_player import OfflinePlayer

OFFLINE = [pytest.param(*each.values[:2], id=each.id) for each in scenarios() if not each.values[2]]

# What a scanner's answer does not say: it is the ledger's own note.
UNTOLD = {"marked"}

# Why a scenario has no other way: moves that are the server's alone, or a token's own word, which
# only a scanner takes. Everything else has to give the same reasons both ways.
SERVER_MOVES = {"record", "override", "strike"}
SERVER_ONLY = {
    "a supervisor lets nobody in on a scan of the exchange desk": "a supervisor's call",
    "a voided deal cannot be held": "a supervisor's call, no scan",
    "later than fifteen minutes only a supervisor annuls": "a supervisor's call",
    "a good token that the ledger does not hold is unknown to the server": "provisional offline",
    "a good token that the ledger does not hold is referred while a feed is stale": (
        "provisional offline"
    ),
    "a token of an unknown key is refused by the server, whose key list is never old": (
        "a scanner's list of keys is as old as its replica"
    ),
}


@pytest.mark.parametrize(("scenario", "steps"), OFFLINE)
def test_scenario_through_replicas(tmp_path, scenario, steps):
    player = OfflinePlayer(tmp_path, scenario)
    try:
        for step in steps:
            answer = player.play(step)
            found = wrong(step, answer)

            assert {name: value for name, value in found.items() if name not in UNTOLD} == {}, step
    finally:
        player.close()


def test_the_few_scenarios_that_go_one_way_only_say_why():
    unexplained = []
    for rows in SCENARIOS.values():
        for case in rows["cases"]:
            moves = {move for step in case["steps"] for move in step}
            by_token = any("token" in step.get("scan", {}) for step in case["steps"])
            explained = (
                case["applies"] == "both"
                or (case["applies"] == "online" and moves & SERVER_MOVES)
                or (case["applies"] == "online" and case["name"] in SERVER_ONLY)
                or (case["applies"] == "offline" and by_token)
            )
            if not explained:
                unexplained.append(case["name"])

    assert unexplained == []
