"""The hand-over sheet: who did what at which lane, from counters that add up to the scans."""

from __future__ import annotations

import pytest

from gate_server.ledger import lanes
from gate_server.ledger.doctor import Patient, examine
from gate_server.ledger.ledger import utc_now
from tests.desk import PASSWORD
from tests.offline_lines import CODE
from tests.people import an_operator, sheet, sign_in
from tests.server import Park, an_app, slug_of

OFFLINE = (
    '{"nonce": "%s", "verdict": {"outcome": "admit", "reason": "admitted", "admitted": 1},'
    ' "code": "%s", "scanned_at": "%s", "operator": "4712"}'
)


def play_a_day(park, site, device, other):
    """Two operators at a lane, one after the other; a second lane where nobody signed in."""
    first, second = an_operator(park), an_operator(park, "4712", "Li Wei")
    boss = park.hire()
    park.sell("GROUP-0001", admits="9")
    park.sell("SOLO-00001", "SOLO-00002")
    sign_in(site, device, first)
    site.scan(device, "GROUP-0001", nonce="nonce-group", party=5)
    stuck = {"reason": "stuck", "people": 2}
    assert site.post("/scans/nonce-group/annul", device, stuck).status_code == 200
    site.scan(device, "GROUP-0001", direction="exit", party=1)
    site.scan(device, "SOLO-00001")
    site.scan(device, "SOLO-00001", nonce="nonce-used")
    site.scan(device, "NO-SUCH-CODE", nonce="nonce-unknown")
    body = {"device_id": device.name, "reason": "receipt", "party": 2}
    assert site.post("/scans/nonce-unknown/override", boss, body).status_code == 200
    for kind, people, way in (("free_child", 3, "entry"), ("staff", 2, "exit")):
        count = {"kind": kind, "people": people, "nonce": f"count-{kind}", "direction": way}
        assert site.post("/counts", device, count).status_code == 200
    site.post("/scans/count-free_child/annul", device, {"reason": "miscounted", "people": 1})
    sign_in(site, device, second)
    at = utc_now().isoformat()
    lines = [OFFLINE % (f"offline-{code}", code, at) for code in (CODE, "SOLO-00001")]
    assert site.post("/scans/batch", device, "\n".join(lines).encode()).status_code == 200
    site.scan(other, "SOLO-00002")


@pytest.fixture
def day(park, site, device, other):
    play_a_day(park, site, device, other)
    return site, park.hire("steward"), device, other


def test_a_sheet_says_who_did_what_at_which_lane(day):
    site, steward, device, other = day
    first, second, nobody = sheet(site, steward)["rows"]

    assert (first["operator"], first["name"], first["device_id"]) == ("4711", "早班甲", device.name)
    assert first["shifts"][0]["ended_by"] == "sign_in"
    assert first["scans"] == {"admit": 3, "refuse": 2, "refer": 0, "wait": 0}
    assert first["reasons"]["unknown_code"] == 1
    assert (first["people_in"], first["people_out"]) == (5 - 2 + 1 + 2 + 2, 1 + 2)
    assert (first["counted"], first["counted_out"]) == ({"free_child": 2}, {"staff": 2})
    assert (first["overrides"], first["overridden_people"]) == (1, 2)
    assert (first["annulments"], first["taken_back"]) == (1, 3)
    assert (second["operator"], second["offline_scans"], second["people_in"]) == ("4712", 2, 2)
    assert second["conflicts_open"] == 1
    assert first["conflicts_open"] == 1  # the other scan of the double use was theirs
    assert (nobody["operator"], nobody["device_id"], nobody["people_in"]) == (None, other.name, 1)
    assert nobody["shifts"] == []


def test_a_sheet_can_be_of_one_operator_or_gate(day):
    site, steward, *_ = day

    assert [row["operator"] for row in sheet(site, steward, operator="4712")["rows"]] == ["4712"]
    assert len(sheet(site, steward, gate="G1")["rows"]) == 3
    assert sheet(site, steward, gate="G2")["rows"] == []
    assert sheet(site, steward, day="2015-02-12")["rows"] == []


def test_what_was_counted_by_hand_is_compared_with_the_record(day):
    site, steward, *_ = day
    made = sheet(site, steward, operator="4711", counted="9")

    assert (made["people_in"], made["counted_by_hand"], made["difference"]) == (8, 9, 1)
    assert sheet(site, steward)["difference"] is None


@pytest.mark.parametrize(
    "query", [{"day": "yesterday"}, {"counted": "-1"}, {"counted": "٣"}, {"lane": "G1"}]
)
def test_what_cannot_be_asked_for_is_refused(site, park, query):
    answer = site.get("/handover", park.hire("steward"), params=query)

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")


def test_counters_of_lanes_are_what_the_scans_add_up_to(day, park):
    _ = day
    both = [
        f"SELECT * FROM {each} ORDER BY 1, 2, 3, 4, 5"
        for each in ("lane_counters", f"({lanes.RECOUNT})")
    ]

    assert park.ledger.read(lanes.differences) == []
    found = [park.ledger.read(lambda db, sql=sql: db.execute(sql).fetchall()) for sql in both]
    assert found[0] == found[1]


def test_doctor_finds_a_lanes_counter_that_was_changed(tmp_path):
    park = Park(tmp_path / "var")
    device = park.enrol()
    with an_app(park) as (_, site):
        site.scan(device, "NO-SUCH-CODE", operator="4711")
    park.change(lambda tx: tx.db.execute("UPDATE lane_counters SET scans = 7"))
    park.close()

    found = [each.line for each in examine(Patient(park.directory, utc_now(), answers=False))]
    [line] = [line for line in found if line.startswith("PROBLEM")]
    assert "operator 4711, unknown_code" in line
    assert "scans 7, not 1" in line


def test_a_sheet_shows_tickets_faults_and_who_came_in_by_another_lane(park, site, device, other):
    boss, desk = park.hire(), park.enrol("exchange")
    first, second = an_operator(park), an_operator(park, "4712", "Li Wei")
    park.sell("GROUP-0001", admits="3")
    sign_in(site, device, first)
    sign_in(site, desk, second)
    site.scan(device, CODE, nonce="lane-00001", passage=True)
    site.scan(other, CODE, passage=True)
    jam = {"nonce": "report-0001", "kind": "jammed", "at": utc_now().isoformat()}
    site.post("/devices/self/reports", device, jam)
    site.post("/devices/self/reports", device, jam | {"nonce": "report-0002", "kind": "cleared"})
    made = site.scan(desk, "GROUP-0001", mode="exchange", nonce="desk-00001")["tickets"]
    site.post(f"/tickets/{made[0]['ticket']}/reprint", desk, {"reason": "jam"})
    site.post("/scans/desk-00001/annul", desk, {"reason": "came back", "people": 2})
    rows = {row["device_id"]: row for row in sheet(site, boss)["rows"]}
    page = sheet_page(park, site)

    assert rows[device.name]["operator"] == "4711"
    assert (rows[device.name]["people_in"], rows[device.name]["taken_back"]) == (0, 1)
    assert (rows[device.name]["annulments"], rows[other.name]["people_in"]) == (0, 1)
    assert rows[device.name]["faults"] == {"jammed": 1}
    assert (rows[desk.name]["operator"], rows[desk.name]["annulments"]) == ("4712", 1)
    assert rows[desk.name]["tickets"] == {"annulled": 2, "issued": 3, "reprinted": 1}
    assert [word for word in ("闸机卡住", "补打", "printed anew") if word not in page] == []
    assert park.ledger.read(lanes.differences) == []


def test_who_turned_late_is_counted_at_the_lane_again(park, site, device):
    site.scan(device, CODE, nonce="lane-00001", passage=True, operator="4711")
    site.post("/scans/lane-00001/annul", device, {"reason": "did not turn", "people": 1})
    site.post("/scans/lane-00001/passage", device, {"people": 1})
    [row] = sheet(site, park.hire())["rows"]

    assert (row["people_in"], row["taken_back"], row["annulments"]) == (1, 0, 1)
    assert park.ledger.read(lanes.differences) == []


def test_an_answer_that_was_lost_keeps_the_lanes_counters_right(site, park, device):
    site.scan(device, "SOLO-00009", nonce="nonce-lost", operator="4711")
    line = OFFLINE % ("nonce-lost", "SOLO-00009", utc_now().isoformat())
    site.post("/scans/batch", device, line.encode())
    site.post("/scans/nonce-lost/annul", device, {"reason": "stuck"})

    assert park.ledger.read(lanes.differences) == []


def sheet_page(park, site):
    """Return the sheet to be printed, as a steward at the board gets it."""
    name = park.hire("steward", password=PASSWORD).name
    assert site.log_in(name, PASSWORD).status_code == 303
    return site.http.get("/handover/sheet").text


# --- on paper ------------------------------------------------------------------------------------


def test_what_people_are_called_cannot_write_into_the_page(site, park, device):
    sign_in(site, device, an_operator(park, name="<b>Eve</b>"))
    site.scan(device, "NO-SUCH-CODE", operator="<script>alert(1)</script>")
    text = sheet_page(park, site)

    assert "<b>Eve" not in text
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_is_for_staff_who_have_logged_in(park, site):
    asked = site.http.get("/handover/sheet")

    assert asked.headers["location"].startswith("/login")
