"""Numbered slips over HTTP: handed out by an instant, bound to one voucher at the gate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.replica_columns import key_text
from gate_server.replay import replay_recorded
from tests.arrived import (
    CODE,
    NOON,
    OTHER,
    hand_out,
    later,
    slips_of,
    told,
    void,
)
from tests.offline_lines import a_line, check, send
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


def test_a_slip_is_handed_out_by_a_marshal_and_bound_at_the_gate(park, site, boss, marshal, lane):
    slips = slips_of(park)
    handed = hand_out(site, marshal, slips, operator="4711").json()
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, hours=1)

    alone = site.scan(lane, slips[1].code)
    bound = site.scan(lane, CODE, slip=slips[1].code)
    found = site.scan(lane, slips[1].code)
    taken = site.scan(lane, OTHER, slip=slips[1].code)

    assert (handed["operator"], handed["made_by"], handed["gate_id"]) == (
        "4711",
        marshal.name,
        "G1",
    )
    assert (alone["outcome"], alone["reason"]) == ("wait", "slip_alone")
    assert (bound["reason"], bound["voucher"]["arrived_at"]) == ("honoured", told(NOON))
    assert bound["attested"] == {
        "at": told(NOON),
        "by": "4711",
        "queue": None,
        "slip": slips[1].number,
    }
    assert (found["reason"], taken["reason"]) == ("used_up", "slip_bound")
    assert replay_recorded(park.ledger, int(bound["scan_id"])).agreement == "agrees"
    assert site.get("/deals/DAY/settlement", boss).json()["evidence"]["attested"] == 1
    check(park)


def test_slips_are_handed_out_once_and_only_those_printed(park, site, marshal):
    slips = slips_of(park)
    hand_out(site, marshal, slips[:2])

    again = hand_out(site, marshal, slips[1:])
    unknown = site.post("/slips/handouts", marshal, {"first": 901, "last": 902})
    backwards = hand_out(site, marshal, slips[::-1])

    assert slug_of(again) == "slips-handed-before"
    assert unknown.json()["errors"][0] == {
        "field": "first",
        "problem": "slip 901 was never printed",
    }
    assert backwards.json()["errors"][0]["field"] == "last"


def test_slips_of_printings_that_follow_each_other_are_handed_out_together(park, site, marshal):
    slips = [*slips_of(park, 2), *slips_of(park, 2)]

    assert hand_out(site, marshal, slips).status_code == 201


def test_a_marshal_tells_it_at_once_and_a_supervisor_later(park, site, boss, marshal):
    slips = slips_of(park)
    at = (NOON - timedelta(minutes=30)).isoformat()

    early = hand_out(site, marshal, slips, handed_at=at)
    nowhere = hand_out(site, boss, slips, handed_at=at)
    told_late = hand_out(site, boss, slips, handed_at=at, gate_id="G1")
    ahead = hand_out(site, boss, slips, handed_at=(NOON + timedelta(1)).isoformat(), gate_id="G1")

    assert early.json()["errors"][0]["field"] == "handed_at"
    assert nowhere.json()["errors"][0]["field"] == "gate_id"
    assert "30 minutes" in told_late.json()["warning"]
    assert ahead.json()["errors"][0]["field"] == "handed_at"
    assert len(site.get("/slips/handouts", boss).json()["handouts"]) == 1


@pytest.mark.parametrize("code", [CODE, "GH1:" + "A" * 117, "short", ""])
def test_what_is_no_slip_is_none(site, lane, code):
    answer = site.try_scan(lane, CODE, slip=code)

    assert answer.json()["errors"][0]["field"] == "slip"


def test_a_slip_that_was_bound_offline_stays_with_its_first_voucher(park, site, boss, lane):
    slips = slips_of(park)
    hand_out(site, boss, slips, gate_id="G1")
    void(site, boss, NOON + timedelta(minutes=10))
    later(park, hours=1)
    site.scan(lane, OTHER, slip=slips[0].code)
    key = park.ledger.read(
        lambda db: db.execute("SELECT key FROM credentials WHERE kind = 'slip'").fetchone()[0]
    )
    honoured = {"outcome": "admit", "reason": "honoured", "admitted": 1}
    line = a_line(CODE, slip_key=key_text(key), attested_at=NOON.isoformat(), void_version=1)
    at = (park.now - timedelta(seconds=10)).isoformat()
    (answer,) = send(site, lane, line | {"verdict": honoured, "scanned_at": at})

    assert set(answer["conflicts"]) == {"not_attested", "used_after_void"}
    check(park)
