"""Calls for help from a lane: one press is one incident that rings, and the lane hears of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate_server.duty_calls import DutyCalls
from gate_server.duty_list import DutyList
from gate_server.ledger.duty import Form
from tests.builders import at
from tests.night import URL
from tests.robots import SECRET
from tests.server import slug_of

NOW = at("10:40").replace(year=2099)
HELP = {"kind": "help", "nonce": "help-00001"}


@pytest.fixture
def boss(park):
    return park.hire("supervisor", name="chen")


@pytest.fixture(autouse=True)
def clock(park):
    park.now = NOW


def beat(site, park, device):
    word = {
        "epoch": park.ledger.epoch,
        "replica_revision": 0,
        "replica_age_s": None,
        "outbox_depth": 0,
        "device_time": park.now.isoformat(),
    }
    return site.post("/devices/self/heartbeat", device, word).json()["help"]


@pytest.mark.parametrize("profile", ["gate", "marshal", "exchange", "kiosk"])
def test_any_lane_calls_with_one_press(site, park, profile):
    device = park.enrol(profile)
    made = site.post("/incidents", device, HELP)

    shown = made.json()
    assert made.status_code == 201, made.text
    assert (shown["kind"], shown["gate_id"], shown["device_id"]) == ("help", "G1", device.name)
    assert shown["title"] == {"zh": "现场求助：South gate", "en": "Help wanted at South gate"}
    assert shown["opened_by"] == device.name


def test_lane_hears_who_sees_to_it_until_it_is_over(site, park, device, boss):
    before = beat(site, park, device)
    made = site.post("/incidents", device, HELP).json()
    waiting = beat(site, park, device)
    site.post(f"/incidents/{made['incident_id']}/acknowledge", boss)
    seen = beat(site, park, device)
    site.post(f"/incidents/{made['incident_id']}/close", boss, {"summary": "walks again"})

    assert before is None
    assert (waiting["incident_id"], waiting["acknowledged_by"]) == (made["incident_id"], None)
    assert (seen["acknowledged_by"], seen["called_at"]) == ("chen", waiting["called_at"])
    assert beat(site, park, device) is None


def test_lane_hears_that_nobody_is_called_until_somebody_is_on_the_list(site, park, device):
    made = site.post("/incidents", device, HELP).json()
    alone = beat(site, park, device)
    DutyList(park.ledger, park.keys, park.settings).add(
        "shift", Form.STANDARD, URL, SECRET, by="test"
    )

    assert (made["nobody_called"], alone["nobody_called"]) == (True, True)
    assert beat(site, park, device)["nobody_called"] is False


def test_other_lanes_hear_nothing_of_it(site, park, device, other):
    site.post("/incidents", device, HELP)

    assert beat(site, park, other) is None


def test_lost_answer_opens_no_second_even_after_the_first_was_closed(site, device, boss):
    made = site.post("/incidents", device, HELP).json()
    site.post(f"/incidents/{made['incident_id']}/close", boss, {"summary": "over"})
    again = site.post("/incidents", device, HELP).json()
    other = site.post("/incidents", device, HELP | {"nonce": "help-00002"}).json()

    assert again["incident_id"] == made["incident_id"] != other["incident_id"]


def test_second_press_is_the_same_call_and_rings_anew_where_nobody_came(site, park, device, boss):
    DutyList(park.ledger, park.keys, park.settings).add(
        "shift", Form.STANDARD, URL, SECRET, by="test"
    )
    calls = DutyCalls(park.ledger, park.keys, park.settings)
    made = site.post("/incidents", device, HELP).json()
    (message,) = calls.due("feeder")
    again = site.post("/incidents", device, HELP | {"nonce": "help-00002"}).json()
    site.post(f"/incidents/{made['incident_id']}/acknowledge", boss)
    at_once = site.post("/incidents", device, HELP | {"nonce": "help-00003"}).json()
    quiet = calls.due("feeder 2")
    park.now += timedelta(minutes=1)
    late = site.post("/incidents", device, HELP | {"nonce": "help-00004"}).json()

    ids = {made["incident_id"], *(each["incident_id"] for each in (again, at_once, late))}
    assert len(ids) == 1
    assert "South gate" in message.told.zh
    assert quiet == []
    assert len(calls.due("feeder 2")) == 1
    assert [entry["kind"] for entry in late["timeline"]].count("raised") == 1


def test_call_that_could_not_be_sent_has_its_time(site, park, device):
    called_at = (NOW - timedelta(minutes=8)).isoformat()
    made = site.post("/incidents", device, HELP | {"called_at": called_at}).json()

    assert made["called_at"] == "2099-02-12T02:32:00Z"
    assert made["opened_at"] == "2099-02-12T02:40:00Z"
    assert beat(site, park, device)["called_at"] == made["called_at"]


@pytest.mark.parametrize(
    ("hours", "told"), [(3, "2099-02-12T02:40:00Z"), (-100, "2099-02-11T02:40:00Z")]
)
def test_wrong_clock_of_a_device_moves_its_call_neither_ahead_nor_far_back(
    site, device, hours, told
):
    called_at = (NOW + timedelta(hours=hours)).isoformat()
    made = site.post("/incidents", device, HELP | {"called_at": called_at}).json()

    assert made["called_at"] == told


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "crowd"},
        {"kind": "surge"},
        {"title": "x"},
        {"note": "x"},
        {"gate_id": "G2"},
        {"deal_id": "DAY"},
        {"called_at": "2099-02-12T10:40:00"},
    ],
)
def test_device_says_nothing_but_that_it_needs_help(site, device, changes):
    assert slug_of(site.post("/incidents", device, HELP | changes)) == "invalid"


def test_device_is_told_nothing_of_who_is_called(site, park, device):
    DutyList(park.ledger, park.keys, park.settings).add(
        "night shift", Form.STANDARD, URL, SECRET, by="test"
    )
    site.post("/incidents", device, HELP)
    DutyCalls(park.ledger, park.keys, park.settings).due("feeder")
    again = site.post("/incidents", device, HELP)

    assert again.json()["calls"] == []
    assert URL not in again.text


def test_revoked_device_calls_nobody(site, park, device):
    park.revoke(device.name)

    assert slug_of(site.post("/incidents", device, HELP)) == "device-revoked"


def test_closed_incident_stays_closed_and_another_goes_on_from_it(site, boss):
    first = site.post("/incidents", boss, {"kind": "crowd", "title": "queue"}).json()["incident_id"]
    body = {"kind": "crowd", "title": "queue again", "follows": first}
    early = site.post("/incidents", boss, body)
    site.post(f"/incidents/{first}/close", boss, {"summary": "gone"})
    second = site.post("/incidents", boss, body).json()
    shown = site.get(f"/incidents/{first}", boss).json()

    assert slug_of(early) == "invalid"
    assert slug_of(site.post("/incidents", boss, body | {"follows": "I0"})) == "invalid"
    assert second["follows"] == first
    assert shown["state"] == "closed"
    assert shown["timeline"][-1]["kind"] == "followed"
    assert shown["timeline"][-1]["refs"] == {"incident_id": second["incident_id"]}
    assert slug_of(site.post(f"/incidents/{first}/close", boss, {"summary": "x"})) == (
        "incident-closed"
    )


def test_staff_still_need_a_title(site, boss):
    assert slug_of(site.post("/incidents", boss, {"kind": "help"})) == "invalid"
