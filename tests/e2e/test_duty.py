"""A real server calls whoever is on duty: at once, once, and whatever is killed meanwhile."""

from __future__ import annotations

import os
import signal
import time

import pytest

from gate_server import control
from gate_server.commands.duty import AddContact
from gate_server.commands.venue import Named
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Form
from tests.e2e.processes import children_of, gate_server, lives, wait_until
from tests.night import Night
from tests.robots import SEC, SECRET, robots, silent
from tests.server import Park, a_running_server

HELP = {"kind": "help", "title": "南门求助 help at the south gate", "gate_id": "G1"}


@pytest.fixture
def server():
    with robots() as server:
        yield server


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


def listed(park, **contacts):
    """Put contacts on the list before the server starts."""
    duty_list = DutyList(park.ledger, park.keys, park.settings)
    for name, url in contacts.items():
        duty_list.add(name, Form.STANDARD, url, SECRET, by="test")


def feeder_of(running):
    found = [pid for pid in children_of(running.worker()) if lives(pid)]
    assert len(found) == 1
    return found[0]


def wait_taken(directory, incident_id):
    """Wait until the server knows that all messages about an incident were taken."""

    def taken():
        shown = control.call(directory, "incident show", Named(name=incident_id))
        states = {call["state"] for call in shown["calls"]}
        return (
            states == {"taken"} and (shown["stop_sale"] or {"state": "taken"})["state"] == "taken"
        )

    wait_until(taken, 10, "the messages' end")


def test_everybody_is_called_in_their_own_form(park, server):
    boss = park.hire()
    park.close()
    with a_running_server(park.directory) as running:
        for name, form, url, secret in (
            ("shift", Form.STANDARD, server.standard, SECRET),
            ("群", Form.WECOM, server.wecom, None),
            ("ding", Form.DINGTALK, server.dingtalk, SEC),
        ):
            contact = AddContact(name=name, form=form, url=url, secret=secret)
            control.call(park.directory, "duty add", contact)
        told = gate_server(park.directory, "duty", "test", "ding")
        opened = running.post("/incidents", boss, HELP).json()
        for form, count in (("standard", 1), ("wecom", 1), ("dingtalk", 2)):
            server.wait_for(count, form)
        wait_until(
            lambda: (
                {
                    call["state"]
                    for call in running.get(f"/incidents/{opened['incident_id']}", boss).json()[
                        "calls"
                    ]
                }
                == {"taken"}
            ),
            5,
            "the calls' end",
        )

    assert "试呼" in server.of("dingtalk")[0]["markdown"]["text"]
    assert "南门求助" in server.of("wecom")[0]["markdown"]["content"]
    assert server.of("standard")[0]["data"]["gate_id"] == "G1"
    for hidden in (server.wecom, server.dingtalk, server.standard, SECRET, SEC):
        assert hidden not in told + running.log


def test_feeder_that_is_killed_in_mid_call_repeats_it_once_under_its_id(park, server):
    boss = park.hire()
    listed(park, shift=server.standard)
    park.close()
    server.troubles["standard"].append(silent(30))
    with a_running_server(park.directory) as running:
        running.post("/incidents", boss, HELP)
        wait_until(lambda: server.seen, 15, "the first call")
        os.kill(feeder_of(running), signal.SIGKILL)
        server.wait_for(1)
        time.sleep(1)

    assert len(server.seen) == 2
    assert len(set(server.seen)) == 1


def test_server_that_is_killed_neither_forgets_nor_doubles(tmp_path, server):
    with Night(tmp_path / "var") as night:
        night.park.now = None
        night.connect(notify_url=f"{server.base}/stop")
        listed(night.park, shift=server.standard)
        incident_id = night.find()
    with a_running_server(night.park.directory) as running:
        server.wait_for(2)
        wait_taken(night.park.directory, incident_id)
        worker = running.worker()
        running.stop(signal.SIGKILL)
        wait_until(lambda: not lives(worker), 5, "the worker's end")
    with a_running_server(night.park.directory):
        time.sleep(3)

    # Each start signs a head of the audit, and the platform is sent it.
    told = [body["type"] for body in server.of("standard") if body["type"] != "audit.head"]
    assert sorted(told) == ["incident.opened", "stop_sale"]
