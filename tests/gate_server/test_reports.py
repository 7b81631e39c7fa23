"""What is read from the ledger for people: counted page by page, right at every page's edge."""

import pytest
from msgspec.structs import replace

from admission.keys import buyer_hash
from admission.voids import CostBearer
from admission.wire_staff import HonourWire, VoidRequest
from gate_server.ledger.actions import block_buyer
from gate_server.ledger.blocks import list_blocks, read_bought
from gate_server.ledger.recent import recent_scans
from gate_server.ledger.reports import DealBook
from gate_server.ledger.void_previews import plan_void, preview_terms
from tests.server import Park, an_app


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    yield park
    park.close()


CODES = [f"VOUCHER-{number:03}" for number in range(250)]


@pytest.fixture
def sold(park):
    """250 vouchers over several pages: 10 cancelled, every deal in between."""
    park.offer("OTHER")
    for start in range(0, 240, 20):
        park.sell(*CODES[start : start + 10], admits="2", price_paid_minor="100", buyer_ref="b1")
        park.sell(*CODES[start + 10 : start + 20], deal_id="OTHER", buyer_ref=f"c{start}")
    park.sell(*CODES[240:], status="cancelled")
    return park


@pytest.mark.parametrize("rows", [1, 7, 130, 250, 100_000])
def test_deals_are_counted_over_all_pages(sold, rows):
    counts = DealBook(sold.ledger, page_rows=rows).counts()
    numbers = sold.ledger.catalogue.deal_nos

    assert counts[numbers["DAY"]].vouchers == 130
    assert counts[numbers["DAY"]].people_sold == 250
    assert counts[numbers["OTHER"]].vouchers == 120


def test_counts_are_kept_until_a_voucher_changes(sold):
    book, number = DealBook(sold.ledger), sold.ledger.catalogue.deal_nos["DAY"]
    before = book.counts()[number].vouchers
    sold.sell("ONE-MORE-1")

    assert (before, book.counts()[number].vouchers) == (130, 131)


def test_admissions_show_at_once(sold):
    book, number = DealBook(sold.ledger), sold.ledger.catalogue.deal_nos["DAY"]
    before = book.counts()[number].people_admitted
    with an_app(sold) as (_, site):
        site.scan(sold.enrol(), CODES[0])

    assert (before, book.counts()[number].people_admitted) == (0, 2)


TERMS = VoidRequest(reason="x", honour=None, cost_bearer=CostBearer.PLATFORM)


def touched_by(park, terms=TERMS):
    deal, now = park.ledger.catalogue.deal("DAY"), park.ledger.clock()
    version = plan_void(park.ledger, deal, terms, now)
    return preview_terms(park.ledger, deal, terms, version, now).touched


def test_preview_counts_what_is_still_valid(sold):
    touched = touched_by(sold)

    assert (touched.vouchers, touched.people, touched.paid_minor) == (120, 240, 12000)
    assert len(touched.buyers) == 1
    assert (touched.arrived, touched.admitted_people, touched.inside) == (0, 0, 0)


def test_preview_counts_who_came_by_the_vouchers_own_histories(sold):
    device, marshal = sold.enrol(), sold.enrol("marshal")
    with an_app(sold) as (_, site):
        site.scan(device, CODES[0])
        site.scan(device, CODES[0], direction="exit", party=1)
        site.scan(marshal, CODES[1], mode="arrive")
        site.scan(device, CODES[2], mode="check")
        site.scan(device, CODES[10])  # another deal's
    now = sold.ledger.clock()
    today = touched_by(sold)
    long_ago = HonourWire(arrived_by=now.replace(year=2016), arrived_from=now.replace(year=2015))
    before = touched_by(sold, replace(TERMS, honour=long_ago))

    assert (today.arrived, today.admitted_people, today.inside) == (2, 2, 1)
    assert before.arrived == 0


def test_blocks_know_their_buyers_vouchers(sold):
    sold.sell("LATER-CODE-1", buyer_ref="b9")
    for ref in ("b1", "b9", "nobody"):
        buyer = buyer_hash("lvtu", ref, sold.keys.buyer_key())
        sold.change(
            lambda tx, buyer=buyer: block_buyer(
                tx,
                "lvtu",
                buyer,
                reason="x",
                expires_at=None,
                by="test",
                now=sold.ledger.clock(),
            )
        )

    buyers = [block.buyer_no for block in list_blocks(sold.ledger)]
    bought = read_bought(sold.ledger, set(buyers))
    vouchers = [bought[number].vouchers if number in bought else 0 for number in buyers]
    assert vouchers == [0, 1, 120]


def test_recent_scans_are_those_since_and_say_which_are_over(sold):
    device, boss = sold.enrol(), sold.hire()
    with an_app(sold) as (_, site):
        for number in range(3):
            site.scan(device, "NO-SUCH-CODE", nonce=f"refusal-{number}")
        body = {"device_id": device.name, "reason": "x"}
        site.post("/scans/refusal-1/override", boss, body)
    now = sold.ledger.clock()

    since = recent_scans(sold.ledger, now.replace(year=2020))
    assert [scan.nonce for scan in since if not scan.over] == ["refusal-0", "refusal-2"]
    assert [scan.nonce for scan in since if scan.over] == ["refusal-1"]
    assert recent_scans(sold.ledger, now.replace(year=2100)) == []
