"""What scanners say, and what is said of those that do not."""

import pytest

from drill.calls import Caller, DrillFailed, Platform
from drill.cast import Step
from drill.evening import STAY
from drill.lanes import FEW_HOSTS, HOSTS, Lanes, read_shown
from drill.plug import Plug
from drill.story import LANES
from drill.venue import Device, free_port
from gate_server.feeds.signatures import new_secret

STEP = Step(0.0, "L01", "9K3F-22AX-8K2F")
SAID = {
    "nonce": "n1",
    "outcome": "admit",
    "reason": "honoured",
    "people": 2,
    "at": "2015-02-12T08:00:00+00:00",
    "offline": True,
    "took_s": 0.02,
    "ended_s": 12.5,
}


def test_verdict_is_read_as_it_was_shown():
    shown = read_shown(STEP, "D1", SAID, due_s=12.0)

    assert (shown.place, shown.device_id, shown.reason, shown.people) == (
        "L01",
        "D1",
        "honoured",
        2,
    )
    assert shown.offline
    assert shown.late_s == pytest.approx(0.5)
    assert STEP.code not in repr(shown)


def test_code_without_a_verdict_says_why():
    shown = read_shown(STEP, "D1", {"problem": "cannot record"}, due_s=0.0)

    assert (shown.reason, shown.problem) == ("", "cannot record")


@pytest.mark.parametrize("hosts", [HOSTS, FEW_HOSTS])
def test_scanners_that_stay_are_in_one_process(hosts):
    assert len({LANES.index(name) % hosts for name in STAY}) == 1


def test_scanner_that_ends_by_itself_ends_the_drill(tmp_path):
    stranger = Device("L01", "D1", tmp_path, Plug(1))
    lanes = Lanes([stranger], tmp_path / "scanners.log")

    try:
        with pytest.raises(DrillFailed, match="has ended"):
            lanes.await_ready(30, lambda _: None)
    finally:
        lanes.close()


def test_server_that_does_not_answer_is_told():
    port = free_port()

    with pytest.raises(DrillFailed, match="does not answer"):
        Caller(port).get("/stats")
    with pytest.raises(DrillFailed, match="does not answer"):
        Platform(port, new_secret()).push("vouchers", [])
