"""Incidents over HTTP: opened by people and by themselves, followed, acknowledged, closed."""

from __future__ import annotations

import re

import pytest

from gate_server.duty_calls import DutyCalls
from gate_server.duty_forms import Outcome
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Form
from gate_server.ledger.incidents import open_incident
from tests.boards import sit_down
from tests.builders import new_incident
from tests.server import slug_of

FALL = {"kind": "help", "title": "游客摔倒 visitor fell", "gate_id": "G1"}


@pytest.fixture
def boss(park):
    return park.hire("supervisor", name="chen")


def find(park, **changes):
    """Have a finding hold the deal and open an incident."""
    deal = park.ledger.catalogue.deal("DAY")
    incident = new_incident(**({"deal_no": deal.deal_no, "platform": "lvtu"} | changes))
    now = park.ledger.clock()
    return park.change(lambda tx: open_incident(tx, incident, by="finding", now=now))


def test_person_opens_one_and_it_has_a_timeline_and_an_end(site, boss):
    made = site.post("/incidents", boss, FALL | {"note": "at the steps"})
    path = f"/incidents/{made.json()['incident_id']}"
    site.post(f"{path}/notes", boss, {"note": "first aid is there"})
    site.post(f"{path}/acknowledge", boss)
    site.post(f"{path}/close", boss, {"summary": "walks again"})

    shown = site.get(path, boss).json()
    assert (made.status_code, made.json()["state"]) == (201, "open")
    assert [(entry["kind"], entry["text"]) for entry in shown["timeline"]] == [
        ("opened", "at the steps"),
        ("noted", "first aid is there"),
        ("acknowledged", ""),
        ("closed", "walks again"),
    ]
    assert {entry["by"] for entry in shown["timeline"]} == {"chen"}
    assert shown["timeline"][2]["says"] == {"zh": "已有人处理", "en": "acknowledged"}
    assert (shown["state"], shown["summary"], shown["closed_by"]) == (
        "closed",
        "walks again",
        "chen",
    )
    assert shown["next_ring_at"] is None
    (listed,) = site.get("/incidents", boss).json()["incidents"]
    assert listed["timeline"] == shown["timeline"]


def test_lost_answer_is_asked_for_again(site, boss):
    first = site.post("/incidents", boss, FALL | {"nonce": "help-00001"}).json()
    again = site.post("/incidents", boss, FALL | {"nonce": "help-00001"}).json()
    other = site.post("/incidents", boss, FALL).json()

    assert again["incident_id"] == first["incident_id"] != other["incident_id"]
    assert len(site.get("/incidents", boss).json()["incidents"]) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "sale_held"}, "kind"),
        ({"kind": "enrolment_used_twice"}, "kind"),
        ({"kind": "fire"}, "kind"),
        ({"title": ""}, "title"),
        ({"title": "\x1b[2J"}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"note": "\u202etxt"}, "note"),
        ({"gate_id": "G9"}, "gate_id"),
        ({"deal_id": "NONE"}, "deal_id"),
        ({"nonce": "short"}, "nonce"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_incident_is_refused(site, boss, changes, field):
    answer = site.post("/incidents", boss, FALL | changes)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    assert site.get("/incidents", boss).json()["incidents"] == []


def test_release_is_seen_in_the_incident_of_its_deal(park, site, boss):
    incident_id = find(park)
    hold = {"reason": "absurd price", "scope": {"price_at_most_minor": 1}}
    site.post("/deals/DAY/hold", boss, hold)
    early = site.post(f"/incidents/{incident_id}/close", boss, {"summary": "s"})
    site.post("/deals/DAY/release", boss, {"reason": "a children's day, declared"})

    shown = site.get(f"/incidents/{incident_id}", boss).json()
    assert (early.status_code, slug_of(early)) == (409, "decision-awaited")
    assert (shown["awaits_decision"], shown["decision"]) == (False, "released")
    assert [(entry["kind"], entry["text"]) for entry in shown["timeline"][2:]] == [
        ("held", "absurd price"),
        ("released", "a children's day, declared"),
    ]
    assert shown["deal_id"] == "DAY"
    assert shown["figures"]["what"]["zh"].startswith("实付")


def test_void_and_restore_are_seen_with_their_version(park, site, boss):
    incident_id = find(park)
    terms = {"reason": "limit failed", "honour": None, "cost_bearer": "platform"}
    site.post("/deals/DAY/void", boss, terms)
    site.post("/deals/DAY/restore", boss, {"reason": "agreed"})

    shown = site.get(f"/incidents/{incident_id}", boss).json()
    assert [(entry["kind"], entry["refs"]) for entry in shown["timeline"][2:]] == [
        ("voided", {"void_version": 1}),
        ("restored", {"void_version": 2}),
    ]
    assert shown["decision"] == "voided"


def test_broadcast_about_an_incident_is_seen_in_it(site, boss):
    made = site.post("/incidents", boss, FALL).json()
    message = {"zh": "请绕行南门台阶。", "en": "Please keep off the south steps."}
    body = {"message": message, "incident_id": made["incident_id"], "nonce": "steps-0001"}
    sent = site.post("/broadcasts", boss, body).json()
    site.post("/broadcasts", boss, body)
    unknown = site.post("/broadcasts", boss, {"message": message, "incident_id": "I0"})

    shown = site.get(f"/incidents/{made['incident_id']}", boss).json()
    told = [entry for entry in shown["timeline"] if entry["kind"] == "broadcast"]
    assert [entry["refs"] for entry in told] == [{"broadcast_id": sent["broadcast_id"]}]
    assert unknown.json()["errors"][0]["field"] == "incident_id"


def test_enrolment_code_used_twice_opens_an_incident(park, site, boss):
    code = park.invite()
    device = site.post("/devices/enrol", None, {"code": code, "nonce": "first-0001"}).json()
    site.post("/devices/enrol", None, {"code": code, "nonce": "other-0001"})
    site.post("/devices/enrol", None, {"code": code, "nonce": "other-0002"})

    (found,) = site.get("/incidents?state=open", boss).json()["incidents"]
    assert (found["kind"], found["device_id"]) == ("enrolment_used_twice", device["device_id"])
    assert (found["gate_id"], found["opened_by"]) == ("G1", "gate server")
    assert device["device_id"] in found["title"]["zh"]


def test_incidents_are_listed_by_state_and_page(park, site, boss):
    made = [find(park, subject=f"finding {number}") for number in range(101)]
    site.post(f"/incidents/{made[3]}/close", boss, {"summary": "nothing"})
    first = site.get("/incidents", boss).json()
    rest = site.get(f"/incidents?before={first['next']}", boss).json()

    assert [each["incident_id"] for each in first["incidents"] + rest["incidents"]] == made[::-1]
    assert rest["next"] is None
    closed = site.get("/incidents?state=closed", boss).json()["incidents"]
    assert [each["incident_id"] for each in closed] == [made[3]]
    assert site.get("/incidents?state=open", boss).json()["next"] is None
    wrong = site.get("/incidents?state=ajar", boss)
    assert wrong.json()["errors"][0]["field"] == "state"


def test_closed_incident_takes_notes_and_nothing_else(site, boss):
    made = site.post("/incidents", boss, FALL).json()
    path = f"/incidents/{made['incident_id']}"
    site.post(f"{path}/close", boss, {"summary": "over"})

    again = [
        site.post(f"{path}/acknowledge", boss),
        site.post(f"{path}/close", boss, {"summary": "x"}),
    ]
    assert {slug_of(each) for each in again} == {"incident-closed"}
    assert site.post(f"{path}/notes", boss, {"note": "the report came"}).status_code == 201


def test_unknown_incident_is_not_found(site, boss):
    for answer in (
        site.get("/incidents/I0", boss),
        site.post("/incidents/I0/notes", boss, {"note": "x"}),
        site.post("/incidents/I0/acknowledge", boss),
        site.post("/incidents/I0/close", boss, {"summary": "x"}),
    ):
        assert (answer.status_code, slug_of(answer)) == (404, "not-found")


def test_board_is_told_how_many_are_open_and_unanswered(park, site, boss):
    made = site.post("/incidents", boss, FALL).json()
    find(park)
    site.post(f"/incidents/{made['incident_id']}/acknowledge", boss)

    figures = site.get("/stats", boss).json()
    assert (figures["incidents_open"], figures["incidents_unanswered"]) == (2, 1)


def test_failing_duty_list_shows_where_machines_watch(park, site, boss):
    DutyList(park.ledger, park.keys, park.settings).add(
        "night", Form.WECOM, "https://qyapi.example/send?key=0123456789abcdef", None, by="test"
    )
    find(park)
    calls = DutyCalls(park.ledger, park.keys, park.settings)
    (message,) = calls.due("feeder")
    calls.settle([Outcome(message_id=message.message_id, problem="errcode 93000")])

    assert site.http.get("/readyz").json()["degraded"] == ["duty_failing"]
    figures = site.http.get("/metrics").text
    assert "gatehouse_duty_failures 1.0" in figures
    assert "gatehouse_incidents_open 1.0" in figures
    assert "0123456789abcdef" not in figures


def test_board_shows_what_nobody_has_answered_yet(park, site, boss):
    incident_id = find(park)
    seat = sit_down(site, park)
    before = seat.see()
    site.post(f"/incidents/{incident_id}/acknowledge", boss)
    after = seat.see()

    assert re.search(
        r"<b>1</b> <span>.*incidents open.*</span> <small>1 unanswered</small>", before
    )
    open_ones = r"<b>1</b> <span>.*incidents open.*</span>"
    assert re.search(open_ones + " <small>1 unanswered</small>", before)
    assert re.search(open_ones + "</li>", after)
    assert f"{boss.name} sees to it" in after
