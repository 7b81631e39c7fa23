"""A ledger of an earlier version is brought up to date when it is opened, and keeps what it has."""

from __future__ import annotations

import sqlite3

import pytest

from admission.refunds import RefundReason
from gate_server.ledger import audit, flow, lanes, peaks, recount, schema
from gate_server.ledger.incidents import list_open, open_incident
from gate_server.ledger.ledger import utc_now
from gate_server.ledger.migrations import migrate
from gate_server.ledger.peaks import find_records
from gate_server.ledger.redemption_places import begin_place, note_offer
from gate_server.ledger.redemptions import plan
from tests.builders import new_incident
from tests.pushers import Pusher, connect
from tests.refund_requests import request
from tests.server import Park, an_app

LANES = "SELECT * FROM lane_counters ORDER BY reason, device_id"


def make_old(path, before):
    """Make a ledger as a version before a step made it, out of what a new one holds."""
    new = sqlite3.connect(path)
    old_path = path.with_name("old.db")
    old = sqlite3.connect(old_path, isolation_level=None)
    old.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    migrate(old, stop_before=before)
    for (table,) in old.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        " AND name NOT LIKE '%migrations%'"
    ).fetchall():
        names = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        rows = new.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
        marks = ", ".join("?" * len(names))
        old.execute("PRAGMA foreign_keys = OFF")
        old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    new.close()
    old.close()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    old_path.rename(path)


@pytest.mark.parametrize(
    "before",
    ["002_outage", "003_tickets", "004_passage", "013_evidence", "015_arrivals", "022_figures"],
)
def test_ledger_of_an_earlier_version_is_opened_with_all_it_holds(tmp_path, before):
    park = Park(tmp_path / "var")
    park.sell("USED-CODE-1", "FRESH-CODE-1", "OTHER-CODE-1")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "USED-CODE-1", operator="4711")
        site.post("/counts", device, {"kind": "staff", "people": 2, "nonce": "count-one"})
        counted = park.ledger.read(lambda db: db.execute(LANES).fetchall())
    park.close()
    make_old(park.directory / "ledger.db", before)

    park = Park(park.directory)

    assert park.ledger.read(audit.verify).findings == ()
    assert park.ledger.read(lambda db: recount.differences(db, park.ledger.venue)) == []
    assert park.ledger.read(lanes.differences) == []
    assert len(counted) == 2
    assert park.ledger.read(lambda db: db.execute(LANES).fetchall()) == counted
    with an_app(park) as (_, site):
        assert site.scan(device, "USED-CODE-1")["reason"] == "used_up"
        assert site.scan(device, "FRESH-CODE-1")["reason"] == "admitted"
        desk = park.enrol("exchange")
        assert len(site.scan(desk, "OTHER-CODE-1", mode="exchange")["tickets"]) == 1
        assert site.post("/scans/batch", device, b"").status_code == 200
    park.close()


def test_counters_of_lanes_are_filled_from_moves_tickets_and_faults(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("MOVED-CODE-1")
    park.sell("GROUP-CODE-1", admits="3")
    first, other, desk = park.enrol(), park.enrol(), park.enrol("exchange")
    with an_app(park) as (_, site):
        site.scan(first, "MOVED-CODE-1", nonce="lane-00001", passage=True, operator="4711")
        site.scan(other, "MOVED-CODE-1")
        made = site.scan(desk, "GROUP-CODE-1", mode="exchange", nonce="desk-00001")["tickets"]
        site.post(f"/tickets/{made[0]['ticket']}/reprint", desk, {"reason": "jam"})
        site.post("/scans/desk-00001/annul", desk, {"reason": "came back", "people": 1})
        jam = {"nonce": "report-0001", "kind": "jammed", "at": utc_now().isoformat()}
        site.post("/devices/self/reports", first, jam)
    counted = park.ledger.read(lambda db: db.execute(LANES).fetchall())
    park.close()
    make_old(park.directory / "ledger.db", "005_people")

    park = Park(park.directory)

    assert len(counted) == 7
    assert park.ledger.read(lambda db: db.execute(LANES).fetchall()) == counted
    assert park.ledger.read(lanes.differences) == []
    park.close()


def figures(park):
    reads = (flow.QUARTERS, (0, 1 << 40)), ("SELECT * FROM deal_reasons", ())
    return [park.ledger.read(lambda db, read=read: set(db.execute(*read))) for read in reads]


def test_figures_are_filled_from_minutes_and_scans(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("USED-CODE-1", "OTHER-CODE-1")
    device = park.enrol()
    with an_app(park) as (_, site):
        for code in ("USED-CODE-1", "USED-CODE-1", "USED-CODE-1", "OTHER-CODE-1", "NO-SUCH-1"):
            site.scan(device, code)
    kept = figures(park)
    park.close()
    make_old(park.directory / "ledger.db", before="022_figures")

    park = Park(park.directory)

    filled = figures(park)
    assert filled == kept
    assert {row[2:] for row in filled[1]} == {("used_up", 2)}
    assert park.ledger.read(lambda db: find_records(db, "G1")).hour.people == 2
    assert park.ledger.read(peaks.differences) == park.ledger.read(flow.differences) == []
    park.close()


def test_ledger_without_redemptions_reports_them_from_then_on(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("BEFORE-CODE-1", "AFTER-CODE-01")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "BEFORE-CODE-1")
    park.close()
    make_old(park.directory / "ledger.db", before="010_redemptions")

    park = Park(park.directory)

    assert park.ledger.read(audit.verify).findings == ()
    offered = {"offered": True, "partial": True, "lists": False}
    park.change(lambda tx: begin_place(tx, "lvtu", None))
    park.change(lambda tx: note_offer(tx, "lvtu", **offered))
    with an_app(park) as (_, site):
        site.scan(device, "AFTER-CODE-01")
    plan(park.ledger, "lvtu")
    deeds = "SELECT v.tail FROM deeds d JOIN vouchers v USING (voucher_id)"
    assert park.ledger.read(lambda db: db.execute(deeds).fetchall()) == [("E-01",)]
    park.close()


def test_ledger_without_broadcasts_takes_them(tmp_path):
    park = Park(tmp_path / "var")
    device, boss = park.enrol(), park.hire()
    park.close()
    make_old(park.directory / "ledger.db", before="006_notices")

    park = Park(park.directory)

    assert park.ledger.read(audit.verify).findings == ()
    with an_app(park) as (_, site):
        sent = site.post("/broadcasts", boss, {"message": {"zh": "通知", "en": "Notice"}}).json()
        seen = site.post(f"/broadcasts/{sent['broadcast_id']}/seen", device)
    assert (seen.status_code, sent["unseen"]) == (200, 1)
    park.close()


def test_ledger_without_feeds_takes_pushes(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("SOLD-CODE-1")
    device = park.enrol()
    park.close()
    make_old(park.directory / "ledger.db", before="007_feeds")

    park = Park(park.directory)

    with an_app(park) as (_, site):
        pushed = Pusher(site, connect(park)).vouchers(
            {"code": "SOLD-CODE-1"}, {"code": "NEW-ONE-1"}
        )
        reasons = [site.scan(device, code)["reason"] for code in ("SOLD-CODE-1", "NEW-ONE-1")]
    assert pushed.json()["accepted"] == 2
    assert reasons == ["admitted", "admitted"]
    assert park.ledger.read(audit.verify).findings == ()
    park.close()


def test_ledger_without_incidents_takes_them(tmp_path):
    park = Park(tmp_path / "var")
    park.close()
    make_old(park.directory / "ledger.db", before="009_incidents")

    park = Park(park.directory)

    now = park.ledger.clock()
    park.change(lambda tx: open_incident(tx, new_incident(), by="test", now=now))
    assert len(park.ledger.read(list_open)) == 1
    assert park.ledger.read(audit.verify).findings == ()
    park.close()


def test_broadcast_of_an_earlier_version_is_for_every_profile(tmp_path):
    park = Park(tmp_path / "var")
    boss, kiosk = park.hire(), park.enrol("kiosk")
    text = {"zh": "请走北门", "en": "Use the north gate"}
    with an_app(park) as (_, site):
        sent = site.post("/broadcasts", boss, {"message": text}).json()["broadcast_id"]
    park.close()
    make_old(park.directory / "ledger.db", before="017_templates")

    park = Park(park.directory)

    with an_app(park) as (_, site):
        told = site.get("/devices/self/broadcasts", kiosk).json()["broadcasts"]
        known = site.get(f"/broadcasts/{sent}", boss).json()
    assert [each["broadcast_id"] for each in told] == [sent]
    assert (known["profiles"], known["template"], known["loudspeaker"]) == ([], None, None)
    assert park.ledger.read(audit.verify).findings == ()
    park.close()


def test_ledger_without_refunds_takes_requests_for_them(tmp_path):
    park = Park(tmp_path / "var")
    park.sell("OLD-CODE-0001", voucher_ref="V-1")
    device = park.enrol()
    park.close()
    make_old(park.directory / "ledger.db", before="011_refunds")

    park = Park(park.directory)

    assert request(park, ref="V-1").reason is RefundReason.UNUSED
    with an_app(park) as (_, site):
        assert site.scan(device, "OLD-CODE-0001")["reason"] == "refunded"
    assert park.ledger.read(audit.verify).findings == ()
    park.close()
