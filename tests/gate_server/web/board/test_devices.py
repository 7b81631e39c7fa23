"""The page of devices: invite one, move it, look at what is suspended, revoke it."""

from __future__ import annotations

import re

import pytest

from gate_server.serving_place import Invitation, Serving
from tests.desk import a_desk, told_once
from tests.server import a_nonce


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    with a_desk(tmp_path_factory.mktemp("devices")) as desk:
        yield desk


def beat(desk, member):
    body = {"epoch": "", "replica_revision": 0, "replica_age_s": 0, "outbox_depth": 3}
    return desk.site.post("/devices/self/heartbeat", member, body).json()


def test_invitation_on_the_screen_enrols_a_device(desk):
    answer = desk.do("device-enrol", gate_id="G2", name="Gate lane 7", profile="gate")
    code, command, address = told_once(answer)

    assert code in command
    assert address.startswith("https://")
    assert len(re.findall(r'<path d="M\d', answer.text)) == 1
    assert code not in desk.see("/devices")
    enrolled = desk.site.post("/devices/enrol", None, {"code": code, "nonce": a_nonce()})
    assert enrolled.json()["gate_id"] == "G2"
    assert "Gate lane 7" in desk.see("/devices")
    assert desk.audited("enrolment")[-1]["by"] == "anne"


def test_invitation_over_plain_http_says_the_code_beside_the_address(desk):
    made = Invitation.make(desk.park.directory, Serving("127.0.0.1", 8080, http=True), "CODE")

    assert made.scanned == "http://127.0.0.1:8080/enrol#CODE"
    assert made.command == "scanner-client enrol 'http://127.0.0.1:8080' CODE"
    assert "CODE" not in repr(made)


def test_moved_device_learns_its_gate_by_its_next_heartbeat(desk):
    member = desk.park.enrol(gate_id="G1")
    assert "must sign in there" not in desk.ask("device-move", device_id=member.name)

    desk.do("device-move", device_id=member.name, gate_id="G2")

    told = beat(desk, member)
    assert (told["gate_id"], told["party_default"]) == ("G2", "all")
    assert desk.site.get("/devices/self", member).json()["gate_id"] == "G2"
    moved = desk.audited("move_device")[-1]
    assert (moved["from_gate_id"], moved["gate_id"], moved["by"]) == ("G1", "G2", "anne")


def test_device_cannot_be_moved_to_a_gate_that_is_not_there(desk):
    member = desk.park.enrol()

    assert desk.try_to("device-move", device_id=member.name, gate_id="G9").status_code == 404
    assert desk.park.ledger.catalogue.devices[member.name].gate_id == "G1"


def test_revoked_device_is_listed_apart_and_cannot_be_moved(desk):
    member = desk.park.enrol()
    beat(desk, member)
    assert "3 scans of it have not come in yet" in desk.ask("device-revoke", device_id=member.name)

    desk.do("device-revoke", device_id=member.name)

    assert f'id="device-{member.name}"' not in desk.see("/devices")
    assert desk.try_to("device-move", device_id=member.name, gate_id="G2").status_code == 409
    assert desk.site.get("/devices/self", member).status_code == 403


def test_suspended_device_stands_first_until_somebody_has_looked(desk):
    code = desk.park.invite(name="lane with a double")
    token = desk.site.post("/devices/enrol", None, {"code": code, "nonce": a_nonce()}).json()
    desk.site.post("/devices/enrol", None, {"code": code, "nonce": a_nonce()})
    page, device_id = desk.see("/devices"), token["device_id"]
    assert page.index("lane with a double is suspended") < page.index("<table")

    desk.do("device-clear", device_id=device_id, reason="seen at the lane, serial number is ours")

    assert "is suspended" not in desk.see("/devices")
    assert not desk.park.ledger.catalogue.devices[device_id].suspended
    assert desk.audited("clear_device")[-1]["by"] == "anne"
    assert desk.try_to("device-clear", device_id=device_id, reason="again").status_code == 409


def test_party_default_is_changed_at_the_page(desk):
    member = desk.park.enrol()

    desk.do("device-party", device_id=member.name, party="ask")

    assert beat(desk, member)["party_default"] == "ask"


@pytest.mark.parametrize("role", ["steward", "partner", "auditor"])
def test_others_change_no_device(desk, role):
    other, member = desk.beside(role), desk.park.enrol()

    assert other.try_to("device-revoke", device_id=member.name).status_code == 403
    assert other.open("/devices").status_code == (200 if role == "auditor" else 403)
    assert not desk.park.ledger.catalogue.devices[member.name].revoked
