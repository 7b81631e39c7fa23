"""Two lanes and one voucher over HTTP: who passed, who moved on, what a lane reports."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from admission.wire_passage import ReportKind
from gate_server.ledger import audit
from gate_server.ledger.ledger import utc_now
from tests.boards import sit_down
from tests.offline_lines import a_line, check, send
from tests.server import Park, an_app, slug_of

CODE = "9K3F-22AX-8K2F"


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


@pytest.fixture
def device(park):
    park.sell(CODE)
    return park.enrol()


def passage(site, by, nonce, people=1):
    return site.post(f"/scans/{nonce}/passage", by, {"people": people})


def annul(site, by, nonce, people=1):
    return site.post(f"/scans/{nonce}/annul", by, {"reason": "did not turn", "people": people})


def report(site, by, kind, nonce="report-0001", **fields):
    body = {"nonce": nonce, "kind": kind, "at": utc_now().isoformat(), **fields}
    return site.post("/devices/self/reports", by, body)


def conflicts(site, boss):
    return [
        (each["kind"], each["status"]) for each in site.get("/conflicts", boss).json()["conflicts"]
    ]


def test_passage_is_monotone_and_may_be_repeated(site, park, device):
    park.sell("FAMILY-001", admits="3")
    site.scan(device, "FAMILY-001", nonce="family-01", passage=True)
    told = [passage(site, device, "family-01", people).json() for people in (1, 2, 1, 2)]

    assert [each["turned"] for each in told] == [1, 2, 2, 2]
    assert [each["admitted"] for each in told] == [3, 3, 3, 3]
    check(park)


def test_passage_of_nobody_too_many_and_a_stranger_is_refused(site, device, other):
    site.scan(device, "NO-SUCH-CODE", nonce="refused-01", passage=True)
    site.scan(device, CODE, nonce="scan-00001", passage=True)

    assert slug_of(passage(site, device, "refused-01")) == "not-admitted"
    assert slug_of(passage(site, device, "scan-00001", 2)) == "invalid"
    assert slug_of(passage(site, other, "scan-00001")) == "not-found"


def test_lane_that_does_not_watch_has_nothing_to_tell(site, device):
    site.scan(device, CODE, nonce="scan-00001")

    assert passage(site, device, "scan-00001").json() == {
        "nonce": "scan-00001",
        "turned": None,
        "admitted": 1,
        "ledger_revision": passage(site, device, "scan-00001").json()["ledger_revision"],
    }


def test_visitor_whose_turnstile_did_not_turn_comes_in_by_the_next_lane(site, park, device, boss):
    other = park.enrol()
    site.scan(device, CODE, nonce="scan-00001", passage=True)
    moved = site.scan(other, CODE, nonce="scan-00002", passage=True)
    stats = site.get("/stats", boss).json()
    again = site.try_scan(device, CODE, nonce="scan-00001", passage=True)
    late = annul(site, device, "scan-00001")
    listed = park.ledger.read(
        lambda db: db.execute("SELECT body FROM audit WHERE kind = 'move'").fetchall()
    )

    assert (moved["reason"], moved["admitted"]) == ("admitted", 1)
    assert (stats["inside"], stats["people_today"]) == (1, 1)
    assert slug_of(again) == "annulled"
    assert late.json()["admitted"] == 0
    assert len(listed) == 1
    assert "scan-00002" in listed[0][0]
    assert conflicts(site, boss) == []
    check(park)


def test_first_lane_that_turned_after_all_is_a_double_use(site, park, device, boss):
    other = park.enrol()
    site.scan(device, CODE, nonce="scan-00001", passage=True)
    site.scan(other, CODE, nonce="scan-00002", passage=True)
    passage(site, other, "scan-00002")
    before = conflicts(site, boss)
    passage(site, device, "scan-00001")

    assert before == []
    assert conflicts(site, boss) == [("double_use", "open")]
    assert site.get("/stats", boss).json()["inside"] == 2
    check(park)


def test_both_lanes_at_once_let_in_one_person(site, park, device):
    other, reasons = park.enrol(), []

    def scan(by, nonce):
        reasons.append(site.scan(by, CODE, nonce=nonce, passage=True)["reason"])

    lanes = [
        threading.Thread(target=scan, args=(device, "scan-00001")),
        threading.Thread(target=scan, args=(other, "scan-00002")),
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    passed = park.ledger.read(
        lambda db: db.execute("SELECT SUM(people - moved) FROM scans").fetchone()[0]
    )

    assert reasons == ["admitted", "admitted"]
    assert passed == 1
    check(park)


# --- offline: the same in any order of arrival ------------------------------------------------


def lines_of(ago_s, nonce, *, turned, annulled=0):
    lines = [a_line(CODE, ago_s=ago_s, nonce=nonce, watched=True)]
    at = (utc_now() - timedelta(seconds=ago_s - 8)).isoformat()
    if turned:
        lines.append({"passage": nonce, "people": turned, "scanned_at": at})
    if annulled:
        lines.append({"annul": nonce, "people": annulled, "reason": "-", "scanned_at": at})
    return lines


@pytest.mark.parametrize("first_comes_first", [True, False])
@pytest.mark.parametrize(
    ("turned", "annulled", "found", "inside"),
    [(0, 0, [], 1), (0, 1, [], 1), (1, 0, [("double_use", "open")], 2)],
)
def test_offline_lanes_come_to_the_same_in_any_order(
    site, park, device, boss, first_comes_first, turned, annulled, found, inside
):
    other = park.enrol()
    batches = [
        (device, lines_of(60, "scan-00001", turned=turned, annulled=annulled)),
        (other, lines_of(40, "scan-00002", turned=1)),
    ]
    for by, lines in batches if first_comes_first else reversed(batches):
        taken = send(site, by, *lines)
        assert {each["status"] for each in taken} == {"accepted"}
        assert {each["status"] for each in send(site, by, *lines)} == {"replayed"}

    assert [each for each in conflicts(site, boss) if each[1] == "open"] == found
    assert site.get("/stats", boss).json()["inside"] == inside
    check(park)


def test_conflict_of_a_late_passage_is_told_to_the_lane_that_reports_it(site, park, device):
    other = park.enrol()
    scan, turn = lines_of(60, "scan-00001", turned=1)
    send(site, device, scan)
    send(site, other, *lines_of(40, "scan-00002", turned=1))

    assert send(site, device, turn)[0]["conflicts"] == ["double_use"]


def test_passage_before_its_scan_is_rejected_and_keeps_nothing_back(site, device):
    scan, turn = lines_of(60, "scan-00001", turned=1)

    statuses = [each["status"] for each in send(site, device, turn, scan)]
    assert statuses == ["rejected", "accepted"]


# --- reports ----------------------------------------------------------------------------------


def fault(site, boss):
    found = site.get("/stats", boss).json()["gates"][0]["devices"][0]["fault"]
    return None if found is None else (found["kind"], found["people"], found["detail"])


def test_report_is_kept_audited_and_shown_until_it_is_cleared(site, park, device, boss):
    first = report(site, device, "jammed", detail="motor")
    other = report(site, device, "jammed", detail="arm")
    shown = fault(site, boss)
    report(site, device, "late_passage", nonce="report-0002", people=1)
    still = fault(site, boss)
    board = sit_down(site, park, language="zh").see()
    report(site, device, "cleared", nonce="report-0003")

    assert first.status_code == 200
    assert slug_of(other) == "nonce-reused"
    assert shown == still == ("jammed", None, "motor")
    assert "闸机卡住" in board
    assert fault(site, boss) is None
    assert park.ledger.read(audit.verify).findings == ()


def test_report_is_idempotent_by_its_nonce(site, park, device):
    body = {"nonce": "report-0001", "kind": "forced", "at": utc_now().isoformat(), "people": 1}
    first = site.post("/devices/self/reports", device, body)
    again = site.post("/devices/self/reports", device, body)
    other = site.post("/devices/self/reports", device, body | {"people": 2})
    kept = park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM reports").fetchone()[0])

    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    assert slug_of(other) == "nonce-reused"
    assert kept == 1


def test_report_outlives_a_restart_of_the_server(tmp_path):
    park = Park(tmp_path / "var")
    device, boss = park.enrol(), park.hire("supervisor")
    with an_app(park) as (_, site):
        report(site, device, "barrier_lost")
    park.close()
    park = Park(tmp_path / "var")
    with an_app(park) as (_, site):
        assert fault(site, boss) == ("barrier_lost", None, None)
    park.close()


@pytest.mark.parametrize("kind", list(ReportKind))
def test_every_kind_is_taken(site, device, kind):
    assert report(site, device, kind).json()["kind"] == kind
