"""A surge opens an incident by itself, rings, and tells every scanner; from counters alone."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from gate_server.duty_calls import DutyCalls
from gate_server.duty_list import DutyList
from gate_server.incidents import IncidentDesk
from gate_server.ledger.duty import Form
from gate_server.ledger.reports import DealBook
from gate_server.ledger.tallies import Delta
from gate_server.settings import read_why_words
from gate_server.surges import SurgeWatch
from gate_server.why import WhyBook
from tests.builders import at
from tests.night import URL
from tests.robots import SECRET
from tests.server import Park, a_running_server, an_app

MORNING = at("09:02").replace(year=2099)
VOID = {
    "reason": "flash-sale limit failed",
    "honour": {"arrived_by": at("17:00").replace(year=2099).isoformat()},
    "cost_bearer": "platform",
}


class Morning:
    """A park with two deals, the look at its counters, and somebody on duty."""

    def __init__(self, directory):
        self.park = Park(directory)
        self.park.now = MORNING
        self.park.offer("FLASH", title="谷=SUM(1)<b>特惠")
        self.look_anew()
        self.desk = IncidentDesk(self.park.ledger, self.park.settings)
        self.calls = DutyCalls(self.park.ledger, self.park.keys, self.park.settings)

    def look_anew(self):
        """Look as a server does that was just started."""
        ledger, settings = self.park.ledger, self.park.settings
        why = WhyBook(ledger, DealBook(ledger), read_why_words(ledger.venue))
        self.watch = SurgeWatch(ledger, why, settings)

    def come(self, deal_id, scans, outcome="admit", *, ago_min=0):
        park = self.park
        deal_no = park.ledger.catalogue.deal_nos[deal_id]
        at_ms = int((park.now - timedelta(minutes=ago_min)).timestamp() * 1000)
        reason = {"admit": "admitted", "refuse": "deal_voided", "refer": "deal_held"}[outcome]
        delta = Delta(at_ms, "G1", reason, scans=scans, deal_no=deal_no, outcome=outcome)
        park.ledger.write(lambda tx: tx.count(delta))

    def told(self):
        """Return the incidents, and the broadcasts in force."""
        page = self.desk.page(None, None).incidents
        known = self.park.ledger.catalogue.broadcasts.values()
        return page, [each for each in known if each.in_force(self.park.now)]


@pytest.fixture
def morning(tmp_path):
    morning = Morning(tmp_path / "var")
    yield morning
    morning.park.close()


def test_ordinary_scans_open_nothing(morning):
    morning.come("DAY", 300)
    morning.come("DAY", 6, "refuse")
    morning.come("FLASH", 50)

    assert morning.watch.look() == []
    assert morning.told() == ([], [])


def test_surge_opens_one_with_its_card_and_tells_scanners(morning):
    morning.park.sell("CODE-1000", "CODE-2000", deal_id="FLASH", admits="2")
    morning.come("DAY", 100)
    morning.come("FLASH", 75, "refuse")
    (incident_id,) = morning.watch.look()

    (incident,), (broadcast,) = morning.told()
    card = incident.surge
    assert (incident.incident_id, incident.kind, incident.deal_id) == (
        incident_id,
        "surge",
        "FLASH",
    )
    assert "谷=SUM(1)<b>特惠" in incident.title.zh
    assert (card.measure, card.count, card.share) == ("refused", 75, 1.0)
    assert (card.card.sold, card.card.people_sold, card.card.still_to_come_today) == (2, 4, 4)
    assert card.card.say.zh == broadcast.zh
    assert card.card.state == "busy"
    assert [entry.kind for entry in incident.timeline] == ["opened", "broadcast"]


def test_same_surge_opens_no_second_until_it_fell_and_rose_again(morning):
    morning.come("FLASH", 75, "refuse")
    (first,) = morning.watch.look()
    again = morning.watch.look()
    morning.park.now += timedelta(minutes=30)
    quiet = morning.watch.look()
    (incident,), broadcasts = morning.told()
    morning.park.now += timedelta(minutes=90)
    morning.come("FLASH", 75, "refuse")

    assert again == quiet == broadcasts == []
    assert incident.timeline[-1].kind == "eased"
    assert incident.timeline[-1].says.zh == "已回落"
    assert morning.watch.look() == [first]
    (incident,), broadcasts = morning.told()
    assert [entry.kind for entry in incident.timeline][-2:] == ["raised", "broadcast"]
    assert len(broadcasts) == 1


def test_duty_list_is_called_again_for_the_second_wave(morning):
    DutyList(morning.park.ledger, morning.park.keys, morning.park.settings).add(
        "shift", Form.STANDARD, URL, SECRET, by="test"
    )
    morning.come("FLASH", 75, "refuse")
    (incident_id,) = morning.watch.look()
    (message,) = morning.calls.due("feeder 1")
    morning.desk.acknowledge(incident_id, by="li")
    morning.park.now += timedelta(minutes=30)
    morning.watch.look()
    quiet = morning.calls.due("feeder 1")
    morning.park.now += timedelta(minutes=90)
    morning.come("FLASH", 75, "refuse")
    morning.watch.look()

    assert "谷=SUM(1)<b>特惠" in message.told.zh
    assert "Sold: 0 vouchers" in message.told.en
    assert quiet == []
    assert len(morning.calls.due("feeder 1")) == 1


def test_void_meanwhile_is_told_anew_with_its_terms(morning):
    morning.come("FLASH", 60, "refer")
    morning.watch.look()
    boss = morning.park.hire()
    with an_app(morning.park) as (_, site):
        assert site.post("/deals/FLASH/void", boss, VOID).status_code == 200
        morning.park.now += timedelta(seconds=10)
        morning.watch.look()
        (card,) = site.get("/why", boss).json()["cards"]

    (incident,), (broadcast,) = morning.told()
    assert card["state"] == incident.surge.card.state == "voided"
    assert incident.surge.card.terms.arrived_by == at("17:00").replace(year=2099)
    assert "17:00" in broadcast.zh


def test_surge_outlives_the_server(morning):
    morning.come("FLASH", 75, "refuse")
    morning.watch.look()
    morning.look_anew()

    assert morning.watch.look() == []


def test_card_is_on_every_scanner_while_the_deal_surges(morning):
    device = morning.park.enrol()
    morning.come("FLASH", 75, "refuse")
    morning.watch.look()
    with an_app(morning.park) as (_, site):
        (card,) = site.get("/why", device).json()["cards"]
        told = site.get("/devices/self/broadcasts", device).json()["broadcasts"]
        beat = {
            "epoch": morning.park.ledger.epoch,
            "replica_revision": 0,
            "replica_age_s": None,
            "outbox_depth": 0,
        }
        heard = site.post("/devices/self/heartbeat", device, beat).json()["messages"]

    assert (card["deal_id"], card["state"]) == ("FLASH", "busy")
    assert told == heard
    assert told[0]["message"]["zh"] == card["say"]["zh"]


def test_exits_are_no_surge(morning):
    deal_no = morning.park.ledger.catalogue.deal_nos["FLASH"]
    at_ms = int(morning.park.now.timestamp() * 1000)
    delta = Delta(at_ms, "G1", "not_inside", scans=90, deal_no=deal_no, outcome="refer")
    morning.park.ledger.write(lambda tx: tx.count(delta))

    assert morning.watch.look() == []


def test_real_scans_are_counted_by_slot(tmp_path):
    park = Park(tmp_path / "var", settings="[surges]\nrefused = 10\n")
    park.now = MORNING
    park.sell(*(f"CODE-{number}000" for number in range(1, 4)))
    device = park.enrol()
    with an_app(park) as (app, site):
        for number in range(1, 4):
            for _ in range(5):
                site.scan(device, f"CODE-{number}000")
        watch = SurgeWatch(park.ledger, app.services.why, park.settings)
        (incident_id,) = watch.look()
        shown = site.get(f"/incidents/{incident_id}", park.hire()).json()
    park.close()

    assert (shown["surge"]["measure"], shown["surge"]["count"]) == ("refused", 12)
    assert shown["opened_by"] == "surge watch"


def test_server_that_is_started_again_looks_at_once(tmp_path):
    park = Park(tmp_path / "var")
    park.offer("FLASH")
    boss, deal_no = park.hire(), park.ledger.catalogue.deal_nos["FLASH"]
    at_ms = int(park.ledger.clock().timestamp() * 1000)
    delta = Delta(at_ms, "G1", "deal_voided", scans=75, deal_no=deal_no, outcome="refuse")
    park.ledger.write(lambda tx: tx.count(delta))
    park.close()
    with a_running_server(park.directory) as server:
        until = time.monotonic() + 8
        while not (found := server.get("/incidents", boss).json()["incidents"]):
            assert time.monotonic() < until, "no incident was opened"
            time.sleep(0.05)

    assert [each["kind"] for each in found] == ["surge"]
