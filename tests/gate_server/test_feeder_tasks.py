"""Tasks of the feeder: each in its own thread, none held up or ended by another."""

import threading
import time

import pytest

from admission.errors import FeedUnavailable, LedgerUnavailable
from gate_server.commands.services import Services
from gate_server.control import ControlServer
from gate_server.feeder_tasks import Link, Runner, tell_defect
from tests.e2e.processes import wait_until
from tests.server import Park


class Counted:
    """A task that does something each time, at once again."""

    def __init__(self, name, work=lambda: None):
        self.name, self.runs, self._work = name, 0, work

    def due_s(self):
        return 0.0

    def run(self, caller):
        self.runs += 1
        self._work()
        time.sleep(0.02)


def fails():
    raise FeedUnavailable("not there")


def breaks():
    raise KeyError("CODE-0001")


@pytest.fixture
def runner():
    runner = Runner(lambda: None, pause_s=0.05)
    yield runner
    runner.keep({})


@pytest.fixture
def quiet():
    before, threading.excepthook = threading.excepthook, tell_defect
    yield
    threading.excepthook = before


def keep(runner, *tasks):
    runner.keep({task.name: task for task in tasks})


def test_task_that_hangs_holds_up_no_other(runner):
    let_go = threading.Event()
    slow, quick = Counted("slow", let_go.wait), Counted("quick")
    keep(runner, slow, quick)
    wait_until(lambda: quick.runs > 5, 5, "many runs")
    runs = slow.runs
    let_go.set()

    assert runs == 1


def test_task_that_fails_is_run_again_and_one_that_goes_ends(runner):
    failing, other = Counted("failing", fails), Counted("other")
    keep(runner, failing, other)
    wait_until(lambda: failing.runs == 2 and other.runs > 1, 5, "its second run")
    keep(runner, failing)
    time.sleep(0.1)
    seen = other.runs
    time.sleep(0.2)

    assert other.runs == seen


def test_task_that_a_defect_ended_is_started_again_and_its_values_are_not_told(
    runner, quiet, caplog
):
    broken = Counted("broken", breaks)
    keep(runner, broken)
    wait_until(lambda: "KeyError" in caplog.text, 5, "the log")
    keep(runner, broken)
    wait_until(lambda: broken.runs == 2, 5, "another run")

    assert "test_feeder_tasks.py" in caplog.text
    assert "CODE-0001" not in caplog.text


def test_calls_go_to_the_server_with_a_connection_each(tmp_path):
    park = Park(tmp_path / "var")
    services = Services(park.ledger, park.keys, park.settings, park.directory)
    link = Link(park.directory, threading.BoundedSemaphore(1))
    for _ in range(2):  # the server is started again in between
        server = ControlServer(park.directory, services)
        server.start()
        for _ in range(3):
            assert [gate["gate_id"] for gate in link.call("gate list")] == ["G1", "G2"]
        server.stop()
    park.close()


def test_without_a_server_nothing_is_done_and_no_lock_taken(tmp_path):
    Park(tmp_path / "var").close()
    link = Link(tmp_path / "var", threading.BoundedSemaphore(1))
    for _ in range(3):  # a place that is not given back would leave the second waiting
        with pytest.raises(LedgerUnavailable, match="no gate server answers"):
            link.call("gate list")

    Park(tmp_path / "var").close()
