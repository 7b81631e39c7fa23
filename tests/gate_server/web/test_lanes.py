"""Lanes that work: open, with a scanner heard of just now that lets people in."""

from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from tests.gate_server.web.test_broadcasts import beat
from tests.server import Park, an_app


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.now = utc_now() + timedelta(minutes=1)
    park.add_gate("G0", "North gate", "valley")
    park.add_gate("G3", "East lane", "park")
    yield park
    park.close()


@pytest.fixture
def boss(park):
    return park.hire()


def lanes(site, by):
    return {each["gate_id"]: each for each in site.get("/lanes", by).json()["lanes"]}


def working(site, by):
    return [name for name, lane in lanes(site, by).items() if lane["working"]]


def test_own_area_comes_first_then_the_order_of_the_gates(site, park, boss):
    valley = park.enrol(gate_id="G2")

    assert [*lanes(site, valley)] == ["G0", "G2", "G1", "G3"]
    assert [lane["same_area"] for lane in lanes(site, valley).values()] == [True] * 2 + [False] * 2
    assert [*lanes(site, boss)] == ["G0", "G1", "G2", "G3"]


def test_lane_works_while_a_scanner_of_it_beats(site, park, boss):
    device = park.enrol(gate_id="G3")
    before = working(site, boss)
    beat(site, device)
    now, park.now = working(site, boss), park.now + timedelta(seconds=30)
    last, park.now = working(site, boss), park.now + timedelta(seconds=1)

    assert (before, now, last, working(site, boss)) == ([], ["G3"], ["G3"], [])


def test_scanner_that_never_beats_works_for_two_minutes_after_a_scan(site, park, boss):
    device = park.enrol(gate_id="G1")
    site.scan(device, "NO-SUCH-CODE")
    park.now += timedelta(minutes=2)
    last, park.now = working(site, boss), park.now + timedelta(seconds=1)

    assert (last, working(site, boss)) == (["G1"], [])


@pytest.mark.parametrize(
    ("profile", "lets_in"), [("gate", 1), ("kiosk", 1), ("marshal", 0), ("exchange", 0)]
)
def test_only_scanners_that_let_people_in_count(site, park, boss, profile, lets_in):
    beat(site, park.enrol(profile))

    assert lanes(site, boss)["G1"]["scanners"] == lets_in


def test_closed_gate_emergency_and_revoked_scanner_do_not_work(site, park, boss):
    device = park.enrol()
    beat(site, device)
    paused = site.post("/gates/G1/state", boss, {"state": "exit_only", "reason": "x"})
    while_paused = lanes(site, boss)["G1"]
    site.post("/gates/G1/state", boss, {"state": "open", "reason": "x"})
    site.post("/venue/emergency", boss, {"on": True, "reason": "drill"})
    evacuated = working(site, boss)
    site.post("/venue/emergency", boss, {"on": False, "reason": "drill"})
    again = working(site, boss)
    park.revoke(device.name)

    assert paused.status_code == 200
    assert (while_paused["state"], while_paused["working"], while_paused["scanners"]) == (
        "exit_only",
        False,
        1,
    )
    assert (evacuated, again, working(site, boss)) == ([], ["G1"], [])


def test_people_of_the_last_whole_minute_are_told(site, park, boss):
    park.sell("FAMILY-1", admits="3")
    park.now = park.now.replace(second=30)
    site.scan(park.enrol(), "FAMILY-1")
    during = lanes(site, boss)["G1"]["last_minute_people"]
    park.now += timedelta(minutes=1)
    after = lanes(site, boss)["G1"]["last_minute_people"]
    park.now += timedelta(minutes=1)

    assert (during, after, lanes(site, boss)["G1"]["last_minute_people"]) == (0, 3, 0)


def test_nothing_is_read_from_the_ledger(park, boss):
    device = park.enrol()
    with an_app(park) as (_, site):
        beat(site, device)
        park.ledger.close()
        answer = site.get("/lanes", device)

    assert answer.status_code == 200
