"""The timeline of an incident has all that touched it, gathered, told once, and nothing else's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.incidents import IncidentKind
from gate_server.duty_calls import DutyCalls
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Form
from gate_server.ledger.incidents import open_incident
from tests.builders import at, new_incident
from tests.night import URL
from tests.robots import SECRET

NOW = at("09:00").replace(year=2099)
VOID = {"reason": "flash-sale limit failed", "honour": None, "cost_bearer": "platform"}


@pytest.fixture(autouse=True)
def clock(park):
    park.now = NOW


@pytest.fixture
def boss(park):
    return park.hire("supervisor", name="chen")


def find(park):
    deal = park.ledger.catalogue.deal("DAY")
    incident = new_incident(
        deal_no=deal.deal_no,
        platform="lvtu",
        figures=None,
        kind=IncidentKind.CROWD,
        subject="crowd 1",
    )
    now = park.ledger.clock()
    return park.change(lambda tx: open_incident(tx, incident, by="finding", now=now))


def timeline(site, boss, incident_id):
    return site.get(f"/incidents/{incident_id}", boss).json()["timeline"]


def kinds(entries):
    return [entry["kind"] for entry in entries]


def test_what_was_done_to_its_deal_before_and_after_stands_once(site, park, boss):
    site.post("/deals/DAY/hold", boss, {"reason": "odd price"})
    park.now += timedelta(hours=1)
    incident_id = find(park)
    park.now += timedelta(minutes=5)
    site.post("/deals/DAY/release", boss, {"reason": "right after all"})
    park.now += timedelta(minutes=5)
    site.post("/deals/DAY/void", boss, VOID)
    park.now += timedelta(minutes=5)
    site.post("/deals/DAY/restore", boss, {"reason": "agreed"})

    told = timeline(site, boss, incident_id)
    assert kinds(told) == ["held", "opened", "released", "voided", "restored"]
    assert told[0]["text"] == "odd price"
    assert told[0]["by"] == "chen"


def test_void_from_before_it_opened_has_its_reason(site, park, boss):
    site.post("/deals/DAY/void", boss, VOID)
    park.now += timedelta(hours=1)
    (voided, _) = timeline(site, boss, find(park))

    assert (voided["kind"], voided["text"]) == ("voided", "flash-sale limit failed")


def test_gates_and_an_evacuation_stand_in_it(site, park, boss):
    incident_id = find(park)
    site.post("/gates/G1/state", boss, {"state": "paused", "reason": "queue"})
    park.now += timedelta(minutes=1)
    site.post("/venue/emergency", boss, {"on": True, "reason": "smoke"})

    told = timeline(site, boss, incident_id)
    assert kinds(told) == ["opened", "gate_state", "emergency"]
    assert told[1]["refs"] == {"gate_id": "G1", "state": "paused"}
    assert told[1]["says"] == {"zh": "检票口状态", "en": "gate state"}
    assert (told[2]["refs"], told[2]["text"]) == ({"on": 1}, "smoke")


def test_incident_at_a_gate_has_its_own_gate_only(site, park, boss):
    made = site.post("/incidents", boss, {"kind": "help", "title": "fell", "gate_id": "G1"}).json()
    site.post("/gates/G1/state", boss, {"state": "paused", "reason": "stretcher"})
    site.post("/gates/G2/state", boss, {"state": "paused", "reason": "other"})

    told = timeline(site, boss, made["incident_id"])
    assert [each["text"] for each in told if each["kind"] == "gate_state"] == ["stretcher"]


def test_another_deal_and_another_time_are_not_in_it(site, park, boss):
    park.offer("OTHER")
    site.post("/deals/DAY/hold", boss, {"reason": "long ago"})
    site.post("/deals/DAY/release", boss, {"reason": "long ago"})
    park.now += timedelta(days=8)
    incident_id = find(park)
    site.post("/deals/OTHER/hold", boss, {"reason": "another"})
    site.post(f"/incidents/{incident_id}/close", boss, {"summary": "over"})
    park.now += timedelta(minutes=1)
    site.post("/deals/DAY/hold", boss, {"reason": "later"})

    assert kinds(timeline(site, boss, incident_id)) == ["opened", "closed"]


def test_overrides_and_conflicts_of_its_deal_are_counted_by_the_quarter(site, park, boss):
    park.offer("OTHER")
    park.sell("CODE-1000", "CODE-2000", "CODE-3000")
    park.sell("CODE-4000", deal_id="OTHER")
    first, second = park.enrol(), park.enrol()
    incident_id = find(park)
    park.now += timedelta(minutes=7)
    site.post("/deals/DAY/hold", boss, {"reason": "odd"})
    site.post("/deals/OTHER/hold", boss, {"reason": "odd"})
    for number, code in enumerate(("CODE-1000", "CODE-2000", "CODE-4000")):
        nonce = f"nonce-{number}000"
        site.scan(first, code, nonce=nonce)
        body = {"device_id": first.name, "reason": "family"}
        assert site.post(f"/scans/{nonce}/override", boss, body).status_code == 200
    verdict = {"outcome": "admit", "reason": "admitted", "admitted": 1}
    for device in (first, second):
        line = {
            "nonce": "offline-1",
            "code": "CODE-3000",
            "scanned_at": park.now.isoformat(),
            "verdict": verdict,
        }
        site.call("POST", "/scans/batch", device, line)

    told = {each["kind"]: each for each in timeline(site, boss, incident_id)}
    assert told["overrides"]["refs"] == {"overrides": 2, "people": 2}
    assert told["conflicts"]["refs"] == {"double_use": 1}
    assert {told[kind]["at"] for kind in ("overrides", "conflicts")} == {told["held"]["at"]}


def test_calls_and_who_has_shown_a_broadcast_are_in_it(site, park, boss, device):
    DutyList(park.ledger, park.keys, park.settings).add(
        "shift", Form.STANDARD, URL, SECRET, by="test"
    )
    calls = DutyCalls(park.ledger, park.keys, park.settings)
    made = site.post("/incidents", device, {"kind": "help"}).json()
    for _ in range(3):
        calls.due("feeder")
        park.now += timedelta(minutes=5)
    body = {"message": {"zh": "让路", "en": "Way"}, "incident_id": made["incident_id"]}
    sent = site.post("/broadcasts", boss, body).json()
    site.post(f"/broadcasts/{sent['broadcast_id']}/seen", device)

    told = {each["kind"]: each for each in timeline(site, boss, made["incident_id"])}
    assert told["rung"]["refs"] == {"rings": 3}
    assert told["shown"]["refs"] == {"broadcast_id": sent["broadcast_id"], "devices": 1}
