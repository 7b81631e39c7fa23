"""Settlements from a real ledger: tickets, late vouchers, devices' own records, pages, kills."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta

import pytest

from admission.settlement_terms import SettlementClass
from admission.wire_settlement import ListKind
from benchmarks.seed import seed
from gate_server.ledger import audit
from gate_server.ledger.ledger import OpenDirectory, utc_now
from gate_server.ledger.settlement_lists import make_list
from gate_server.ledger.settlements import make_settlement, settle_page
from gate_server.settings import read_settings
from gate_server.settlement_tables import row_cells
from tests.offline_lines import a_line, beat, chained, send
from tests.server import ROOT, Park, an_app
from tests.settlement_story import a_story


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


@pytest.fixture
def site(park):
    with an_app(park) as (_, site):
        yield site


def void(site, park, **changes):
    until = (utc_now() + timedelta(hours=1)).isoformat()
    body = {"reason": "limit failed", "honour": {"arrived_by": until}, "cost_bearer": "platform"}
    answer = site.post("/deals/DAY/void", park.hire(), body | changes)
    assert answer.status_code == 200, answer.text


def rows(park, deal_id="DAY"):
    made = make_settlement(park.ledger, deal_id)
    assert made.answer.balanced
    return list(made.rows())


def test_tickets_count_at_the_voucher_they_were_printed_for(park, site):
    park.sell("PAIR-CODE-1", admits="2", price_paid_minor="100")
    desk, lane = park.enrol("exchange", "G2"), park.enrol()
    printed = site.scan(desk, "PAIR-CODE-1", mode="exchange")["tickets"]
    assert site.scan(lane, printed[0]["code"])["reason"] == "admitted"
    void(site, park, honour=None)
    (row,) = rows(park)

    assert (row.settled, row.owed_minor, row.left) == (SettlementClass.USED, 26000, 1)
    assert row.refund_minor == 50


def test_a_refund_list_stops_the_tickets_too(park, site):
    park.sell("PAIR-CODE-1", admits="2", price_paid_minor="100")
    desk, lane = park.enrol("exchange", "G2"), park.enrol()
    printed = site.scan(desk, "PAIR-CODE-1", mode="exchange")["tickets"]
    void(site, park, honour=None)
    make_list(park.ledger, "DAY", ListKind.REFUNDS, by="test")
    site.post("/deals/DAY/restore", park.hire(), {"reason": "-"})

    assert site.scan(lane, printed[0]["code"])["reason"] == "refunded"


def test_an_override_on_an_unknown_code_is_the_vouchers_once_it_comes(park, site):
    lane, boss = park.enrol(), park.hire()
    assert site.scan(lane, "LATE-CODE-1", nonce="unknown-0001")["reason"] == "unknown_code"
    body = {"device_id": lane.name, "reason": "seen the order", "cost_bearer": "platform"}
    assert site.post("/scans/unknown-0001/override", boss, body).status_code == 200
    assert rows(park) == []
    park.sell("LATE-CODE-1")
    (row,) = rows(park)
    (told,) = site.get("/deals/DAY/overrides", boss).json()["overrides"]
    site.post(f"/deals/DAY/overrides/{told['scan_id']}/confirm", park.hire("partner"))

    assert (row.settled, row.owed_minor) == (SettlementClass.OVERRIDDEN, 0)
    assert rows(park)[0].owed_minor == 26000


def test_a_devices_record_bounds_what_it_admitted_before_the_void(park, site):
    lane = park.enrol()
    park.sell("SEEN-0001", "UNSEEN-01", "SERVER-01")
    seen = chained(lane, [a_line("SEEN-0001", ago_s=600)])
    beat(site, lane, boot_id="boot-1", outbox_seq=1, outbox_head=seen[0]["head"], outbox_depth=1)
    site.scan(park.enrol(), "SERVER-01")
    time.sleep(0.002)  # a head that is seen in the void's own millisecond bounds nothing
    void(site, park)
    send(site, lane, *seen)
    send(site, park.enrol(), a_line("UNSEEN-01", ago_s=600))
    evidence = [row.evidence and row.evidence.value for row in rows(park)]

    assert evidence == ["device_bounded", "device", "server"]
    assert {row.settled for row in rows(park)} == {SettlementClass.USED}


def test_a_scanner_that_did_not_know_of_the_void_is_judged_by_its_terms(park, site):
    park.sell("AFTER-001", "AFTER-002")
    void(site, park, honour=None)
    send(site, park.enrol(), a_line("AFTER-001", ago_s=0), a_line("AFTER-002", ago_s=600))
    first, second = rows(park)

    assert (first.settled, first.disputed_minor) == (SettlementClass.USED_AFTER_VOID, 26000)
    assert (second.settled, second.owed_minor) == (SettlementClass.USED, 26000)


def test_people_are_honoured_no_further_than_the_terms_say(park, site):
    park.sell("CODE-0001", "CODE-0002", price_paid_minor="5")
    lane, marshal = park.enrol(), park.enrol("marshal")
    until = (utc_now() + timedelta(hours=1)).isoformat()
    void(site, park, honour={"arrived_by": until, "max_people": 1})
    for code in ("CODE-0001", "CODE-0002"):
        site.scan(marshal, code, mode="arrive")
    assert site.scan(lane, "CODE-0001")["reason"] == "honoured"
    assert site.scan(lane, "CODE-0002")["reason"] == "deal_voided"

    assert [row.settled.value for row in rows(park)] == ["honoured", "refund_due"]


def test_pages_of_any_size_are_the_same_rows(tmp_path):
    with a_story(tmp_path / "var") as story:
        made = make_settlement(story.park.ledger, "DAY")
        whole = [row_cells(row, made.basis) for row in made.rows()]
        paged, after = [], -1
        while page := settle_page(
            story.park.ledger, made.basis, newest=made.newest, after=after, rows=2
        ):
            paged += [row_cells(row, made.basis) for row in page]
            after = page[-1].sold.voucher.voucher_id

    assert paged == whole
    assert len(whole) == 9


def test_vouchers_that_come_meanwhile_are_the_next_settlements(tmp_path):
    with a_story(tmp_path / "var") as story:
        made = make_settlement(story.park.ledger, "DAY")
        story.sell("NEW-00001")

        assert len(list(made.rows())) == made.sold == 9
        assert make_settlement(story.park.ledger, "DAY").sold == 10


def test_the_chain_holds_over_lists_confirmations_and_statements(tmp_path):
    with a_story(tmp_path / "var") as story:
        for kind in ("refunds", "compensation"):
            story.post("/lists", {"kind": kind})
        story.post("/statements", None)
        found = story.park.ledger.read(audit.verify)

    assert found.findings == ()


# --- a killed process ----------------------------------------------------------------------------

VOUCHERS = 12_000
_COMMAND = "from gate_server.cli import main; main()"


def entries(directory):
    with closing(sqlite3.connect(f"file:{directory}/ledger.db?mode=ro", uri=True)) as db:
        return db.execute(
            "SELECT COUNT(*), COUNT(DISTINCT e.subject), SUM(v.refund_listed_at IS NOT NULL)"
            " FROM settlement_entries e JOIN vouchers v ON v.voucher_id = e.subject"
        ).fetchone()


def test_a_list_that_was_killed_is_gone_on_with(tmp_path):
    directory = seed(tmp_path / "var", vouchers=VOUCHERS, devices_wanted=1).directory
    gate = [sys.executable, "-c", _COMMAND, "--data", str(directory)]
    terms = ["deal", "void", "BENCH", "--nobody", "--reason", "-", "--cost-bearer", "venue"]
    subprocess.run([*gate, *terms], check=True, cwd=ROOT, capture_output=True)
    making = subprocess.Popen([*gate, "list", "make", "BENCH", "refunds"], cwd=ROOT)
    until = time.monotonic() + 30
    while entries(directory)[0] == 0 and time.monotonic() < until and making.poll() is None:
        time.sleep(0.002)
    making.send_signal(signal.SIGKILL)
    making.wait()
    before = entries(directory)
    with OpenDirectory(directory, read_settings(directory).venue) as ledger:
        made = make_list(ledger, "BENCH", ListKind.REFUNDS, by="test")

    assert 0 < before[0] < VOUCHERS
    assert before[0] == before[1] == before[2]
    assert (made.number, made.entries, made.amount_minor) == (1, VOUCHERS, VOUCHERS)
    assert entries(directory) == (VOUCHERS, VOUCHERS, VOUCHERS)
