"""A real server raises an alarm by itself, tells the duty list once, and is killed meanwhile."""

from __future__ import annotations

import signal
import time

import pytest

from gate_server import control
from gate_server.alarms import LOOK_EVERY_S
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Form
from tests.e2e.processes import lives, wait_until
from tests.robots import SECRET, robots
from tests.server import Park, a_running_server

SETTINGS = """
[venue]
limit = 5
[alarms]
calm_minutes = 0.0
"""


@pytest.fixture
def server():
    with robots() as server:
        yield server


def standing(park):
    """Return what stands, by the command beside the server."""
    found = control.call(park.directory, "alarm list")["alarms"]
    return [(each["alarm_id"], each["kind"]) for each in found if each["cleared_at"] is None]


def answered(park):
    """Say whether the server knows that its message was taken."""
    (contact,) = control.call(park.directory, "duty list")
    return contact["answered_at"] is not None


def count(running, device, direction):
    body = {"kind": "walk_in", "people": 5, "nonce": f"count-{direction}", "direction": direction}
    assert running.post("/counts", device, body).status_code == 200


def test_killed_server_raises_nothing_twice_and_clears_what_is_over(tmp_path, server):
    park = Park(tmp_path / "var", settings=SETTINGS)
    lane = park.enrol()
    duty_list = DutyList(park.ledger, park.keys, park.settings)
    duty_list.add("shift", Form.STANDARD, server.standard, SECRET, by="test")
    park.close()
    with a_running_server(park.directory) as running:
        count(running, lane, "entry")
        server.wait_for(1)
        wait_until(lambda: answered(park), 5, "the message's end")
        before, worker = standing(park), running.worker()
        running.stop(signal.SIGKILL)
        wait_until(lambda: not lives(worker), 5, "the worker's end")
    with a_running_server(park.directory) as running:
        time.sleep(LOOK_EVERY_S + 1)
        after, metrics = standing(park), running.http.get("/metrics").text
        count(running, lane, "exit")
        server.wait_for(2)
        over = standing(park)

    assert before == after == [(1, "capacity")]
    assert 'gatehouse_alarm{kind="capacity",severity="critical",subject=""} 1.0' in metrics
    assert over == []
    # The receiver has verified each signature: it takes nothing else.
    first, second = server.of("standard")
    assert (first["type"], second["type"]) == ("alarm.raised", "alarm.cleared")
    assert first["data"]["severity"] == "critical"
    assert len(set(server.ids())) == 2
    assert SECRET not in running.log
