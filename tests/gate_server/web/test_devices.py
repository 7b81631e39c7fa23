"""Enrolment, self and heartbeat: how a scanner becomes a device and stays one."""

from datetime import timedelta

import pytest

from admission.keys import read_code_keys
from admission.wire import at
from gate_server.ledger.ledger import utc_now
from tests.server import Member, slug_of


def enrol(site, code, **fields):
    return site.post("/devices/enrol", None, {"code": code, **fields})


def test_enrolment_makes_a_device(site, park):
    answer = enrol(site, park.invite("kiosk", "G2"), nonce="enrol-nonce")
    made = answer.json()
    device = Member(made["device_id"], made["token"])
    known = site.get("/devices/self", device).json()

    assert answer.status_code == 201
    assert made["epoch"] == park.ledger.epoch
    assert read_code_keys(made["code_key"]) == park.keys.code_keys
    assert answer.headers["x-gatehouse-epoch"] == park.ledger.epoch
    assert known["device_id"] == made["device_id"]
    assert (known["gate_id"], known["gate_name"], known["area"]) == ("G2", "Valley lane", "valley")
    assert (known["profile"], known["staffed"], known["party_default"]) == ("kiosk", False, "one")


def test_lost_answer_is_asked_for_again(site, park):
    code = park.invite()
    first = enrol(site, code, nonce="enrol-nonce").json()
    again = enrol(site, code, nonce="enrol-nonce").json()

    assert again["device_id"] == first["device_id"]
    assert site.get("/devices/self", Member("", again["token"])).status_code == 200


@pytest.mark.parametrize("fields", [{}, {"nonce": "other-nonce"}], ids=["none", "other"])
def test_second_use_is_gone_and_suspends_the_first(site, park, fields):
    code = park.invite()
    first = enrol(site, code, nonce="enrol-nonce").json()
    second = enrol(site, code, **fields)
    stopped = site.get("/devices/self", Member("", first["token"]))

    assert (second.status_code, slug_of(second)) == (410, "enrolment-gone")
    assert (stopped.status_code, slug_of(stopped)) == (403, "device-suspended")
    assert stopped.json()["device_id"] == first["device_id"]


def test_code_is_good_for_five_minutes(site, park):
    code = park.invite()
    park.now = utc_now() + timedelta(minutes=5, seconds=1)
    answer = enrol(site, code)

    assert (answer.status_code, slug_of(answer)) == (410, "enrolment-gone")


def test_failed_enrolments_are_limited_and_scans_are_not(site, park):
    park.sell("A-VOUCHER-1")
    device = park.enrol()
    failed = [enrol(site, "WRONG").status_code for _ in range(10)]
    stopped = enrol(site, park.invite())

    assert failed == [410] * 10
    assert (stopped.status_code, slug_of(stopped)) == (429, "too-many")
    assert 1 <= int(stopped.headers["retry-after"]) <= 60
    assert {site.try_scan(device, "A-VOUCHER-1").status_code for _ in range(50)} == {200}


def a_word(park, **fields):
    return {
        "epoch": park.ledger.epoch,
        "replica_revision": 5,
        "replica_age_s": 1.5,
        "outbox_depth": 2,
        **fields,
    }


def test_heartbeat_is_answered_with_the_state_of_the_ledger(site, park):
    device = park.enrol()
    answer = site.post("/devices/self/heartbeat", device, a_word(park, battery=88.5)).json()
    stats = site.get("/stats", park.hire()).json()

    assert answer["ledger_revision"] == int(park.ledger.revision) - 1  # the account came after
    assert len(answer["audit_head"]) == 64
    assert answer["messages"] == []
    (seen,) = stats["gates"][0]["devices"]
    assert (seen["outbox_depth"], seen["replica_age_s"], seen["battery"]) == (2, 1.5, 88.5)
    assert seen["last_seen_at"] is not None


def test_heartbeat_measures_the_devices_clock(site, park):
    device = park.enrol()
    behind = at(utc_now() - timedelta(days=3650))
    word = a_word(park, device_time=behind.isoformat())
    answer = site.post("/devices/self/heartbeat", device, word)

    assert answer.status_code == 200
    offset_ms = park.ledger.catalogue.devices[device.name].offset_ms
    assert offset_ms == pytest.approx(-3650 * 86_400_000, abs=60_000)


def test_three_devices_that_agree_accuse_the_servers_clock(site, park):
    ahead = (utc_now() + timedelta(minutes=5)).isoformat()
    for number in range(3):
        before = site.http.get("/readyz").json()["degraded"]
        word = a_word(park, device_time=ahead)
        site.post("/devices/self/heartbeat", park.enrol(), word)
        assert "clock" not in before, number

    assert "clock" in site.http.get("/readyz").json()["degraded"]
    assert "gatehouse_clock_alarm 1.0" in site.http.get("/metrics").text


def test_devices_that_disagree_among_themselves_accuse_nobody(site, park):
    for minutes in (5, 5, -5, -5):
        device_time = (utc_now() + timedelta(minutes=minutes)).isoformat()
        word = a_word(park, device_time=device_time)
        site.post("/devices/self/heartbeat", park.enrol(), word)

    assert "clock" not in site.http.get("/readyz").json()["degraded"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("replica_revision", 2**63), ("outbox_depth", -1), ("battery", 101), ("replica_age_s", "1")],
)
def test_heartbeat_of_nonsense_is_refused_by_field(site, park, field, value):
    answer = site.post("/devices/self/heartbeat", park.enrol(), a_word(park, **{field: value}))

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
