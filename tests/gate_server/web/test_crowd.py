"""The crowd over HTTP: what staff count, what scans tell, and who is inside by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from admission.errors import InvalidInput
from gate_server.crowd import CrowdBook
from gate_server.ledger import audit, recount
from gate_server.ledger.crowd import enter_occupancy
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.tallies import Delta
from gate_server.settings import read_settings
from tests.arrived import stamp
from tests.offline_lines import a_line, beat, send
from tests.server import Park, a_nonce, an_app

NOON = datetime(2040, 5, 2, 4, 0, 30, tzinfo=UTC)
CLOSED = "[crowd]\nusable_area_m2 = 10.0\narea_a_visitor_m2 = 5.0\n"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", now=NOON)
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def crowd_of(park):
    """Look at the crowd as it stands now, whatever was looked at within the last second."""
    return CrowdBook(park.ledger, park.settings).view()


def queue_of(view, area="park"):
    return next(each.found for each in view.areas if each.area == area)


def let_in(site, device, people, **fields):
    body = {"kind": "walk_in", "people": people, "nonce": a_nonce()} | fields
    assert site.post("/counts", device, body).status_code == 200


def count_queue(site, member, people, **fields):
    return site.post("/queue-counts", member, {"people": people} | fields)


def occupy(site, boss, people):
    return site.post("/occupancy", boss, {"people": people, "reason": "counted by hand"})


def pass_minutes(park, site, device, people=10, minutes=15):
    """Let people in, so many a minute."""
    for _ in range(minutes):
        let_in(site, device, people)
        park.now += timedelta(minutes=1)


# --- queues ---------------------------------------------------------------------------------------


def test_queue_that_staff_count_has_a_wait_with_its_range_and_age(park, site, boss):
    lane, steward = park.enrol(), park.hire("steward")
    pass_minutes(park, site, lane)

    made = count_queue(site, steward, 300, area="park")
    crowd = site.get("/crowd", boss).json()
    queue, other = crowd["queues"]

    assert (made.status_code, made.json()["people"]) == (201, 300)
    assert (queue["area"], queue["waiting"], queue["wait_minutes"]) == ("park", 300, 30)
    assert queue["wait_between"][0] < 30 < queue["wait_between"][1]
    assert (queue["age_s"], queue["basis"]) == (0, "counts")
    assert (other["waiting"], "未知" in other["why"]["zh"]) == (None, True)
    assert site.get("/stats", boss).json()["queue"] == {
        "waiting": 300,
        "wait_minutes": 30,
        "as_of": queue["as_of"],
        "waiting_between": queue["waiting_between"],
        "wait_between": queue["wait_between"],
    }


def test_figures_without_any_count_say_that_nothing_is_known(site, boss):
    crowd, stats = (site.get(path, boss).json() for path in ("/crowd", "/stats"))

    assert stats["queue"]["waiting"] is None
    assert crowd["forecast"] is None
    assert len(crowd["missing"]) == 3
    assert crowd["occupancy"]["why"]["zh"].startswith("没有统计出园人数")


def test_device_counts_the_queue_where_it_stands(park, site):
    marshal = park.enrol("marshal", gate_id="G2")

    assert count_queue(site, marshal, 40).json()["area"] == "valley"
    assert count_queue(site, marshal, 40, gate_id="G1").json() | {"counted_at": ""} == {
        "area": "park",
        "gate_id": "G1",
        "people": 40,
        "counted_at": "",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"area": "moon"},
        {"gate_id": "G9"},
        {"gate_id": "G1", "area": "valley"},
        {"area": "park", "people": -1},
        {"area": "park", "people": 2_000_000},
        {"area": "park", "counted_at": (NOON + timedelta(minutes=2)).isoformat()},
        {"area": "park", "counted_at": (NOON - timedelta(minutes=61)).isoformat()},
    ],
)
def test_count_that_cannot_be_is_refused(site, boss, fields):
    assert count_queue(site, boss, **{"people": 5} | fields).status_code == 400


def test_gates_to_open_are_named_in_the_figures(park, site, boss):
    park.add_gate("G3", "North gate", "park")
    site.post("/gates/G3/state", boss, {"state": "paused", "reason": "quiet"})
    pass_minutes(park, site, park.enrol())
    count_queue(site, boss, 500, area="park")

    (advice,) = site.get("/stats", boss).json()["advice"]

    assert advice["gate_ids"] == ["G3"]
    assert (advice["wait_minutes"], advice["after_minutes"]) == (50, 25)
    assert advice["say"]["en"].startswith("park: open North gate; the wait falls from about 50")


def test_gate_without_a_scanner_is_to_be_manned_and_one_with_a_scanner_is_open(park, site, boss):
    for gate_id, name in (("G3", "North gate"), ("G4", "East gate")):
        park.add_gate(gate_id, name, "park")
    pass_minutes(park, site, park.enrol())
    count_queue(site, boss, 500, area="park")
    for device in (park.enrol(gate_id="G3"), park.enrol("marshal", gate_id="G4")):
        beat(site, device)

    (advice,) = site.get("/stats", boss).json()["advice"]
    gates = {each["gate_id"]: each["open"] for each in site.get("/crowd", boss).json()["gates"]}

    assert (advice["kind"], advice["gate_ids"]) == ("man_gates", ["G4"])
    assert gates == {"G1": True, "G2": False, "G3": True, "G4": False}


def test_stamped_people_wait_until_they_are_let_in(park, site):
    marshal, lane = park.enrol("marshal"), park.enrol()
    codes = [f"STAMPED-{number:04}" for number in range(40)]
    park.sell(*codes)
    for code in codes:
        stamp(site, marshal, code)
        stamp(site, marshal, code)  # shown again, it is no other visitor
        park.now += timedelta(seconds=15)
    park.now += timedelta(minutes=2)
    for code in codes[:30]:
        assert site.scan(lane, code)["outcome"] == "admit"
        park.now += timedelta(seconds=10)
    park.now += timedelta(minutes=1)

    found = queue_of(crowd_of(park))

    assert found.basis == "stamps"
    assert found.waiting.low <= 10 <= found.waiting.high
    with_time = park.ledger.read(lambda db: db.execute(STAMPS).fetchone())
    assert with_time[:2] == (40, 30)
    assert with_time[2] / with_time[1] == 647_500


STAMPS = "SELECT SUM(stamped), SUM(met), SUM(waited_ms) FROM stamp_minutes WHERE area = 'park'"


def test_stamp_that_the_gate_would_refuse_waits_for_nothing(park, site):
    park.sell("CANCELLED-1", status="cancelled")
    stamp(site, park.enrol("marshal"), "CANCELLED-1")

    assert park.ledger.read(lambda db: db.execute(STAMPS).fetchone())[0] is None


# --- occupancy ------------------------------------------------------------------------------------


def inside(site, boss):
    return site.get("/stats", boss).json()["inside"]


def test_occupancy_by_hand_counts_from_then_on_and_through_a_restart(park, site, boss):
    lane = park.enrol()
    let_in(site, lane, 20)
    park.now += timedelta(minutes=1)

    made = occupy(site, boss, 500)
    park.now += timedelta(minutes=1)
    let_in(site, lane, 3)
    let_in(site, lane, 1, direction="exit")

    assert (made.status_code, made.json()["before"]) == (201, 20)
    assert inside(site, boss) == 502
    park.ledger.close()
    park.ledger = Ledger.open(park.directory, park.settings.venue, now=lambda: park.now)
    assert park.ledger.tallies.today.inside == 502
    assert park.ledger.write(lambda tx: tx.inside) == 502
    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []
    entry = crowd_of(park).occupancy.entered_by_hand
    assert (entry.people, entry.by) == (500, boss.name)


def test_scan_that_comes_in_late_was_counted_by_hand_already(park, site, boss):
    lane = park.enrol()
    park.sell("LATE-CODE-1", "LATER-CODE-1")
    occupy(site, boss, 100)
    park.now += timedelta(minutes=10)
    before, after = (park.now - timedelta(minutes=ago) for ago in (15, 5))
    verdict = {"outcome": "admit", "reason": "admitted", "admitted": 1}
    lines = [
        a_line(code, verdict=verdict, scanned_at=at.isoformat())
        for code, at in (("LATE-CODE-1", before), ("LATER-CODE-1", after))
    ]

    answers = send(site, lane, *lines)

    assert [each["status"] for each in answers] == ["accepted", "accepted"]
    assert inside(site, boss) == 101
    park.ledger.close()
    park.ledger = Ledger.open(park.directory, park.settings.venue, now=lambda: park.now)
    assert park.ledger.tallies.today.inside == 101
    assert park.ledger.tallies.today.persons == 2
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []


def test_occupancy_by_hand_ends_with_its_venue_day(park, site, boss):
    occupy(site, boss, 300)
    park.now += timedelta(days=1)

    assert inside(site, boss) == 0
    let_in(site, park.enrol(), 2)
    assert inside(site, boss) == 2


def test_after_an_evacuation_nobody_knows_how_many_are_in_until_somebody_counts(park, site, boss):
    def evacuate(on):
        site.post("/venue/emergency", boss, {"on": on, "reason": "smoke"})

    def uncounted():
        return site.get("/crowd", boss).json()["occupancy"]["uncounted_since"]

    occupy(site, boss, 500)
    evacuate(True)
    during = uncounted()
    park.now += timedelta(minutes=20)
    evacuate(False)
    ended_at = park.now
    park.now += timedelta(minutes=5)
    after, anew = uncounted(), crowd_of(park).occupancy.uncounted_since
    occupy(site, boss, 0)

    assert (during, after, anew) == (None, "2040-05-02T04:20:30Z", ended_at)
    assert uncounted() is None
    assert crowd_of(park).occupancy.uncounted_since is None


def test_evacuation_of_another_venue_day_leaves_nobody_uncounted(park, site, boss):
    for on in (True, False):
        site.post("/venue/emergency", boss, {"on": on, "reason": "smoke"})
    today = crowd_of(park).occupancy.uncounted_since
    park.now += timedelta(days=1)

    assert (today, crowd_of(park).occupancy.uncounted_since) == (NOON, None)


def test_full_venue_by_hand_and_by_area_lets_nobody_in_and_tells_scanners(tmp_path):
    park = Park(tmp_path / "area", settings=CLOSED, now=NOON)
    park.sell("WAITING-CODE-1")
    with an_app(park) as (_, site):
        boss, lane = park.hire("supervisor"), park.enrol()
        occupy(site, boss, 2)
        stats, crowd = (site.get(path, boss).json() for path in ("/stats", "/crowd"))

        assert stats["capacity"] == {"limit": 2, "share": 1.0, "level": "full"}
        assert crowd["capacity"]["source"] == "area"
        assert site.scan(lane, "WAITING-CODE-1")["reason"] == "venue_full"
        replica = site.get("/replica?since=0", lane).text
        assert '"limit":2' in replica
        assert '"inside":2' in replica
    park.close()


# --- days before, and what is sold ----------------------------------------------------------------


def test_forecast_is_of_past_days_and_of_what_is_sold_for_today(park, site):
    park.offer("TODAY", valid_from="2040-05-02", valid_until="2040-05-02")
    park.sell(*(f"DATED-{number:04}" for number in range(50)), deal_id="TODAY")
    park.sell("ANY-DAY-1", admits="4")
    for back in (1, 2, 3):
        at = int((NOON - timedelta(days=back)).timestamp() * 1000)
        park.ledger.write(lambda tx: tx.count(a_minute(at)))  # noqa: B023 - run at once
    site.scan(park.enrol(), "DATED-0001")

    view = crowd_of(park)

    assert view.vouchers_left == 49 + 4
    assert (view.forecast.days, view.occupancy.people_today) == (3, 1)
    assert view.forecast.people.low >= 1
    assert 40 < view.forecast.people.value < 200
    assert view.gates[0].best == 10


def a_minute(at_ms):
    return Delta(at_ms, "G1", "admitted", scans=100, entered=100, people=100, persons=100)


def test_withdrawn_deal_brings_nobody_any_more(park, site, boss):
    park.sell("VOIDED-CODE-1", "VOIDED-CODE-2")
    before = crowd_of(park).vouchers_left
    body = {"reason": "limit failed", "honour": None, "cost_bearer": "platform"}
    site.post("/deals/DAY/void", boss, body)

    assert (before, crowd_of(park).vouchers_left) == (2, 0)


def test_view_is_looked_at_once_a_second_and_anew_after_an_entry(park, site, boss):
    seconds = [0.0]
    book = CrowdBook(park.ledger, park.settings, monotonic=lambda: seconds[0])
    first = book.view()
    let_in(site, park.enrol(), 5)
    same = book.view()
    seconds[0] = 1.0

    assert same is first
    assert book.view().occupancy.inside == 5
    occupy(site, boss, 9)
    assert site.get("/crowd", boss).json()["occupancy"]["inside"] == 9


# --- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ['gate_ceilings = { G1 = "fast" }', "warn_share = 2.0", "gate_ceilings = 3", "area = 1"]
)
def test_settings_that_make_no_sense_are_refused_before_the_start(tmp_path, line):
    (tmp_path / "gate.toml").write_text(f"[crowd]\n{line}\n", "utf-8")

    with pytest.raises(InvalidInput, match="crowd"):
        read_settings(tmp_path)


def test_entry_that_was_not_kept_leaves_everybody_where_they_were(park, site, boss):
    let_in(site, park.enrol(), 20)

    def fails(tx):
        enter_occupancy(tx, 500, reason="counted", by="test", now=park.now)
        raise InvalidInput("people", "the disk was full")

    with pytest.raises(InvalidInput):
        park.change(fails)

    assert inside(site, boss) == 20
    assert park.ledger.write(lambda tx: tx.inside) == 20
    assert crowd_of(park).occupancy.entered_by_hand is None
