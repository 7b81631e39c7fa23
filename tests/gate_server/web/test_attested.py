"""Closed queues over HTTP: who stood in one had arrived, by the word of whoever says so."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gate_server.replay import replay_recorded
from tests.arrived import (
    CODE,
    NOON,
    OTHER,
    a_stamp_line,
    close,
    later,
    stamp,
    told,
    void,
)
from tests.offline_lines import beat, check, conflicts, send
from tests.server import Park, an_app, slug_of


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", now=NOON)
    park.sell(CODE, OTHER)
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


@pytest.fixture
def marshal(park):
    return park.enrol("marshal")


@pytest.fixture
def lane(park):
    return park.enrol()


def test_a_stamp_in_a_closed_queue_says_since_when_and_by_whose_word(park, site, boss, marshal):
    queue = close(site, boss)
    later(park, minutes=50)

    answer = stamp(site, marshal, queue=queue["queue_id"], operator="4711", nonce="stamp-0001")
    again = stamp(site, marshal, queue=queue["queue_id"], operator="4711", nonce="stamp-0001")

    attested = {"at": told(NOON), "by": "4711", "queue": queue["queue_id"], "slip": None}
    assert answer["attested"] == again["attested"] == attested
    assert answer["voucher"]["arrived_at"] == told(NOON)
    assert again["replayed"]
    check(park)


def test_whoever_stood_in_the_closed_queue_is_honoured_after_the_cut_off(
    park, site, boss, marshal, lane
):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    stamp(site, marshal, queue=queue["queue_id"], operator="4711")
    later(park, minutes=40)

    honoured, late = site.scan(lane, CODE), site.scan(lane, OTHER)

    assert (honoured["reason"], late["reason"]) == ("honoured", "deal_voided")
    assert replay_recorded(park.ledger, int(honoured["scan_id"])).agreement == "agrees"
    made = site.get("/deals/DAY/settlement", boss).json()
    assert made["evidence"] == {"server": 0, "device_bounded": 0, "device": 0, "attested": 1}
    table = site.get("/deals/DAY/settlement?format=csv", boss).text
    assert f"{NOON.astimezone(park.ledger.venue.zone):%Y-%m-%dT%H:%M:%S}.000+08:00" in table
    assert ",attested," in table
    assert made["balanced"]


def test_an_arrival_in_time_by_itself_needs_nobodys_word(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(hours=1))
    later(park, minutes=5)
    stamp(site, marshal, queue=queue["queue_id"], operator="4711")
    later(park, hours=2)
    site.scan(lane, CODE)

    evidence = site.get("/deals/DAY/settlement", boss).json()["evidence"]
    assert evidence == {"server": 1, "device_bounded": 0, "device": 0}


def test_nobody_attests_without_a_name(site, boss, marshal):
    queue = close(site, boss)

    answer = site.try_scan(marshal, CODE, mode="arrive", queue=queue["queue_id"])

    assert (answer.status_code, slug_of(answer)) == (403, "operator-required")


def test_only_a_stamp_may_name_a_queue(site, boss, lane):
    queue = close(site, boss)

    answer = site.try_scan(lane, CODE, queue=queue["queue_id"], operator="4711")

    assert answer.json()["errors"][0]["field"] == "queue"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"closed_at": (NOON + timedelta(seconds=1)).isoformat()}, "closed_at"),
        ({"closed_at": (NOON - timedelta(days=1)).isoformat()}, "closed_at"),
        ({"until": NOON.isoformat()}, "until"),
        ({"gate_id": "G9"}, "gate_id"),
        ({"gate_id": "G1", "area": "valley"}, "area"),
        ({"gate_id": None, "area": "moon"}, "area"),
        ({"gate_id": None}, "area"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_closing_that_cannot_be_is_refused(site, boss, fields, field):
    answer = site.post("/queues", boss, {"reason": "tail", "gate_id": "G1"} | fields)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_closing_that_was_recorded_late_says_so_and_stays_so(park, site, boss):
    late = close(site, boss, closed_at=(NOON - timedelta(minutes=20)).isoformat())
    soon = close(site, boss)

    listed = site.get("/queues", boss).json()["queues"]
    assert "20 minutes" in late["warning"]
    assert soon["warning"] is None
    assert [each["queue_id"] for each in listed] == [soon["queue_id"], late["queue_id"]]
    assert late["ends_at"] == told(NOON + timedelta(minutes=100))
    check(park)


def test_a_queue_is_reopened_once(park, site, boss, marshal):
    queue_id = close(site, boss)["queue_id"]
    later(park, minutes=5)

    ended = site.post(f"/queues/{queue_id}/reopen", boss, {"reason": "gone"})
    later(park, seconds=1)
    again = site.post(f"/queues/{queue_id}/reopen", boss, {"reason": "gone"})

    assert not ended.json()["open"]
    assert slug_of(again) == "queue-over"
    late = stamp(site, marshal, queue=queue_id, operator="4711")
    assert late["reason"] == "queue_over"
    assert late["arrival_number"]
    assert "按现在到场计" in late["message"]["zh"]
    assert "counts as of now" in late["message"]["en"]
    assert slug_of(site.post("/queues/Q0/reopen", boss, {"reason": "-"})) == "not-found"


def test_an_offline_stamp_counts_as_the_closing_that_it_names(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    line = a_stamp_line(park, queue=queue["queue_id"], attested_at=NOON.isoformat())

    (answer,) = send(site, marshal, line)

    assert (answer["status"], answer["conflicts"]) == ("accepted", [])
    assert site.scan(lane, CODE)["reason"] == "honoured"
    assert site.get("/deals/DAY/settlement", boss).json()["evidence"]["device"] == 1
    check(park)


@pytest.mark.parametrize(
    "fields",
    [
        {"queue": "Q1"},  # nobody closed it
        {},  # a time that the scanner made up
        {"slip_key": "AAEAACMo"},  # a token that is no slip
        {"slip_key": "AAEAACMoAAAA"},  # no token at all
    ],
)
def test_an_invented_arrival_counts_as_of_its_own_time(park, site, boss, marshal, lane, fields):
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)

    (answer,) = send(site, marshal, a_stamp_line(park, attested_at=NOON.isoformat(), **fields))

    assert answer["conflicts"] == ["not_attested"]
    assert site.scan(lane, CODE)["reason"] == "deal_voided"
    assert [each["kind"] for each in conflicts(site, park)] == ["not_attested"]
    check(park)


def test_a_skewed_stamp_online_counts_as_of_the_servers_time(park, site, boss, marshal, lane):
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)

    answer = stamp(site, marshal, scanned_at=NOON.isoformat())

    assert (answer["reason"], answer["clock_skew_s"]) == ("deal_voided", -3000.0)
    assert site.scan(lane, CODE)["reason"] == "deal_voided"


def test_a_skewed_stamp_offline_makes_nobody_early(park, site, boss, marshal, lane):
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    beat(site, marshal)
    later(park, minutes=1)

    (answer,) = send(site, marshal, a_stamp_line(park, ago_s=3000))

    assert answer["conflicts"] == ["clock_skew"]
    assert site.scan(lane, CODE)["reason"] == "deal_voided"


def test_a_device_alone_attests_nothing(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    line = a_stamp_line(park, queue=queue["queue_id"], attested_at=NOON.isoformat())
    del line["operator"]

    (answer,) = send(site, marshal, line)

    assert answer["conflicts"] == ["not_attested"]
    assert site.scan(lane, CODE)["reason"] == "deal_voided"


def test_a_stamp_kept_by_a_hand_scanner_counts_as_the_closing(park, site, boss, marshal, lane):
    queue = close(site, boss)
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, minutes=50)
    at = (park.now - timedelta(seconds=30)).isoformat()
    line = {"stamp": "stamp-0001", "code": CODE, "scanned_at": at, "operator": "4711"}

    (answer,) = send(site, marshal, line | {"queue": queue["queue_id"]})

    assert answer["status"] == "accepted"
    assert site.scan(lane, CODE)["reason"] == "honoured"


def test_a_stamp_answers_with_its_proof_where_that_is_wanted(park, site, boss, marshal, lane):
    queue = close(site, boss)
    later(park, minutes=50)
    said = {"queue": queue["queue_id"], "operator": "4711"}

    answer = stamp(site, marshal, want=["slip"], party=1, **said)

    slip = answer["slip"]
    assert (slip["number"], slip["arrived_at"]) == (answer["arrival_number"], told(NOON))
    assert (slip["local_time"], slip["attested"]) == ("2040-05-01 12:00", True)
    assert site.scan(lane, slip["code"])["reason"] == "admitted"
    assert stamp(site, marshal, "NOBODY-KNOWS", want=["slip"])["slip"] is None
