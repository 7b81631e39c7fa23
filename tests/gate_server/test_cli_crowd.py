"""`gate-server crowd`, `occupancy set` and `queue count`, without a server."""

from __future__ import annotations

import pytest

from tests.gate_server.test_cli import answer, run
from tests.server import Park


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    return tmp_path / "var"


def test_queue_is_counted_and_the_crowd_shown(venue):
    told = run(venue, "queue", "count", 120, "--gate", "G1").stdout
    set_to = run(venue, "occupancy", "set", 800, "--reason", "counted at opening").stdout
    shown = run(venue, "crowd").stdout
    crowd = answer(venue, "crowd")

    assert told.startswith("park (G1): 120 wait at ")
    assert set_to == "800 inside from now on; the counters said 0\n"
    assert "inside 800; today 0" in shown
    assert "G1: 120 wait, from counts of the queue 0 min old" in shown
    assert "valley: Nobody has counted this queue today" in shown
    assert crowd["occupancy"]["entered_by_hand"]["people"] == 800


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ((), "area: say which queue"),
        (("--gate", "G9"), "gate_id: there is no such gate"),
        (("--area", "park", "--at", "2001-01-01 12:00"), "counted_at: more than an hour ago"),
    ],
)
def test_count_that_cannot_be_is_refused(venue, options, problem):
    assert problem in run(venue, "queue", "count", 5, *options, status=1).stderr
