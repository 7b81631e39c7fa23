"""The task that carries messages: each by itself, and nothing lost while the server is away."""

from __future__ import annotations

import time

import pytest

from admission.errors import LedgerUnavailable
from admission.incidents import IncidentKind
from gate_server.commands import table
from gate_server.commands.services import Services
from gate_server.duty import LOOK_AGAIN_S, LOOK_S, DutyTask
from gate_server.ledger.duty import Form
from tests.night import Night
from tests.robots import SECRET, robots, silent


class Near:
    """Runs commands in this process, by the bytes that they travel in; may be told to fail."""

    def __init__(self, night):
        park = night.park
        self._services = Services(park.ledger, park.keys, park.settings, park.directory)
        self.away = set()

    def call(self, name, params=None):
        if name in self.away:
            raise LedgerUnavailable("the gate server ended")
        return table.read_reply(table.answer(self._services, table.write_request(name, params)))


@pytest.fixture
def night(tmp_path):
    with Night(tmp_path / "var") as night:
        yield night


@pytest.fixture
def server():
    with robots() as server:
        yield server


def run_until(task, caller, so, within_s=10.0):
    """Run a task when it is due, until something is so."""
    until = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < until
        if task.due_s() <= 0:
            task.run(caller)
        time.sleep(0.02)


def call_state(night, incident_id):
    return [call.state for call in night.desk.show(incident_id).calls]


def ask_for_help(night, number):
    return night.find(kind=IncidentKind.HELP, subject=f"help {number}", figures=None)


def test_contact_that_says_nothing_keeps_no_other_waiting(night, server):
    with robots() as dead:
        dead.always["standard"] = silent(2)
        night.list.add("dead", Form.STANDARD, dead.standard, SECRET, by="test")
        night.list.add("well", Form.STANDARD, server.standard, SECRET, by="test")
        for number in range(3):
            ask_for_help(night, number)
        started = time.monotonic()
        run_until(DutyTask(), Near(night), lambda: len(server.taken) == 3)

    assert time.monotonic() - started < 2 + 1
    assert len(set(server.ids())) == 3
    assert len(dead.seen) == 1


def test_what_came_of_a_message_is_told_once_the_server_is_back(night, server):
    night.list.add("night", Form.STANDARD, server.standard, SECRET, by="test")
    incident_id = ask_for_help(night, 1)
    task, caller = DutyTask(), Near(night)
    task.run(caller)
    server.wait_for(1)
    time.sleep(0.2)
    caller.away.add("duty settle")
    with pytest.raises(LedgerUnavailable):
        task.run(caller)
    before = call_state(night, incident_id)
    caller.away.clear()
    task.run(caller)

    assert (before, call_state(night, incident_id)) == (["waiting"], ["taken"])
    assert len(server.seen) == 1


def test_task_looks_again_soon_only_while_something_is_on_its_way(night, server):
    night.list.add("night", Form.STANDARD, server.standard, SECRET, by="test")
    task, caller = DutyTask(), Near(night)
    first = task.due_s()
    task.run(caller)
    idle = task.due_s()
    ask_for_help(night, 1)
    task.run(caller)
    busy = task.due_s()
    run_until(task, caller, lambda: task.due_s() > LOOK_AGAIN_S)

    assert first <= 0
    assert LOOK_AGAIN_S < idle <= LOOK_S
    assert busy <= LOOK_AGAIN_S
