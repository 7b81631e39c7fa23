"""The lines of a ledger's changes: whole, in order, and the same however they are cut."""

from __future__ import annotations

import random

import pytest

from admission.errors import LedgerConflict
from admission.keys import buyer_hash
from admission.replica_columns import read_line, unpack
from admission.scans import GateState
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire_outage import BlockLine, DealLine, ScanLine, VouchersLine
from admission.wire_staff import VoidRequest
from gate_server.ledger import actions, corrections
from gate_server.ledger.corrections import Actor
from gate_server.ledger.replica_lines import make_lines, read_range
from tests.replica_copy import Copy, should_be
from tests.server import Park, an_app

TERMS = VoidRequest(reason="limit failed", honour=None, cost_bearer=CostBearer.PLATFORM)


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var")
    park.offer("NIGHT")
    yield park
    park.close()


def lines_of(park, after=0, until=None):
    rows = park.ledger.read(lambda db: read_range(db, after, until))
    return make_lines(rows, park.keys.code_key(park.ledger.clock()))


def data_of(park, after=0, until=None):
    return b"".join(line.data for line in lines_of(park, after, until))


def told(park, after=0, until=None):
    return [read_line(line.data) for line in lines_of(park, after, until)]


def expected(park):
    key = park.keys.code_key(park.ledger.clock())
    return park.ledger.read(lambda db: should_be(db, park.ledger.catalogue, key))


def block(park, ref, expires_at=None):
    buyer = buyer_hash("lvtu", ref, park.keys.buyer_key())
    return park.change(
        lambda tx: actions.block_buyer(
            tx, "lvtu", buyer, reason="x", expires_at=expires_at, by="b", now=tx.clock()
        )
    )


def lift(park, number):
    park.change(lambda tx: actions.lift_block(tx, number, reason="x", by="b", now=tx.clock()))


def void(park, deal_id="DAY"):
    park.change(lambda tx: actions.void_deal(tx, deal_id, TERMS, by="b", now=tx.clock()))


def restore(park, deal_id="DAY"):
    park.change(lambda tx: actions.restore_deal(tx, deal_id, reason="x", by="b", now=tx.clock()))


def furnish(park):
    """Have something of every kind in the ledger, some of it changed later."""
    park.sell("CODE-001", "CODE-002", order_ref="ORDER-1", buyer_ref="b1", admits="2")
    park.sell("CODE-003", deal_id="NIGHT", price_paid_minor="19900", buyer_ref="b2")
    member = park.enrol()
    with an_app(park) as (_, site):
        site.scan(member, "CODE-001", nonce="nonce-01")
        site.scan(member, "CODE-001", nonce="nonce-02")
        site.scan(member, "CODE-UNKNOWN", nonce="nonce-03")
        site.scan(park.enrol("marshal"), "CODE-002", mode="arrive", nonce="nonce-04")
        site.post("/scans/nonce-01/annul", member, {"reason": "x", "people": 1})
    lift(park, block(park, "b1"))
    block(park, "b2")
    park.sell("CODE-002", status="cancelled")
    park.sell("CODE-UNKNOWN", deal_id="NIGHT")
    void(park)
    return member


def test_everything_that_decisions_need_is_told(park):
    furnish(park)

    assert Copy().take(data_of(park)).content == expected(park)


def test_ranges_one_after_the_other_tell_the_same_as_all_at_once(park):
    furnish(park)
    head = park.ledger.revision
    for size in (1, 2, 3, 7):
        copy = Copy()
        for after in range(0, head, size):
            copy.take(data_of(park, after, after + size))
        assert copy.content == expected(park)


def test_what_changes_between_two_ranges_comes_with_its_newest_revision(park):
    member = furnish(park)
    middle = park.ledger.revision // 2
    copy = Copy().take(data_of(park, 0, middle))
    park.sell("CODE-001", status="refunded")
    restore(park)
    with an_app(park) as (_, site):
        site.scan(member, "CODE-003")
    copy.take(data_of(park, middle))

    assert copy.content == expected(park)


def test_break_after_any_line_loses_nothing(park):
    furnish(park)
    lines = lines_of(park)
    for broken in range(len(lines) + 1):
        copy = Copy().take(b"".join(line.data for line in lines[:broken]))
        copy.take(data_of(park, copy.revision))
        assert copy.content == expected(park), broken


def test_vouchers_of_deals_that_alternate_share_lines_and_survive_any_break(park):
    codes = [f"CODE-{number:04}" for number in range(300)]
    chance = random.Random(3)
    for start in range(0, 300, 3):
        deal_id = chance.choice(["DAY", "NIGHT"])
        park.sell(*codes[start : start + 3], deal_id=deal_id)
    lines = lines_of(park)
    vouchers = [line for line in map(read_line, [each.data for each in lines])
                if isinstance(line, VouchersLine)]  # fmt: skip

    assert len(vouchers) < 10
    assert sum(len(unpack(line)) for line in vouchers) == 300
    for broken in range(len(lines) + 1):
        copy = Copy().take(b"".join(line.data for line in lines[:broken]))
        assert copy.take(data_of(park, copy.revision)).content == expected(park)


def test_deal_that_changed_after_its_vouchers_is_told_before_them(park):
    park.sell("CODE-001")
    park.offer("DAY", title="另一个", updated_at="2099-01-01T00:00:00Z")
    kinds = [type(line) for line in told(park)]

    assert kinds.index(DealLine) < kinds.index(VouchersLine)
    assert Copy().take(data_of(park)).content == expected(park)


def test_hold_release_void_and_restore_tell_their_deal_again(park):
    steps = (
        lambda tx: actions.hold_deal(
            tx, "DAY", reason="x", scope=actions.HoldScope(), at_gate=actions.AtGate.REFER,
            by="b", now=tx.clock(),
        ),
        lambda tx: actions.release_deal(tx, "DAY", reason="x", by="b", now=tx.clock()),
        lambda tx: actions.void_deal(tx, "DAY", TERMS, by="b", now=tx.clock()),
        lambda tx: actions.restore_deal(tx, "DAY", reason="x", by="b", now=tx.clock()),
    )  # fmt: skip
    seen = []
    for step in steps:
        before = park.ledger.revision
        park.change(step)
        (line,) = told(park, before)
        assert isinstance(line, DealLine)
        assert line.revision == park.ledger.revision
        seen.append((line.hold is not None, line.void is not None))

    assert seen == [(True, False), (False, False), (False, True), (False, False)]


def test_later_void_of_a_deal_replaces_the_earlier(park):
    void(park)
    void(park)
    (line,) = [line for line in told(park) if isinstance(line, DealLine) and line.void]

    assert line.void.version == 2
    assert line.void.cost_bearer is CostBearer.PLATFORM


def test_lifted_block_leaves_a_tombstone_and_another_of_its_buyer_in_force(park):
    first, _ = block(park, "b1"), block(park, "b1")
    before = park.ledger.revision
    lift(park, first)
    (still,) = told(park, before)
    lift(park, first + 1)
    (line,) = told(park, park.ledger.revision - 1)

    assert still == BlockLine(revision=before + 1, buyer=1, until_ms=None, lifted=False)
    assert line == BlockLine(revision=park.ledger.revision, buyer=1, lifted=True)
    with pytest.raises(LedgerConflict):
        lift(park, first)


def test_gate_is_told_when_its_state_changes(park):
    before = park.ledger.revision
    park.change(lambda tx: actions.set_gate_state(tx, "G1", GateState.PAUSED, reason="x", by="b"))

    assert [line.gate.state for line in told(park, before)] == [GateState.PAUSED]


def test_emergency_has_no_line_but_is_read_with_the_range(park):
    before = park.ledger.revision
    park.change(lambda tx: actions.set_emergency(tx, True, reason="x", by="b"))
    rows = park.ledger.read(lambda db: read_range(db, before))

    assert rows.venue.emergency is True
    assert rows.head == park.ledger.revision
    assert make_lines(rows, park.keys.code_key(park.ledger.clock())) == []


def test_annulment_strike_and_override_tell_the_scan_again(park):
    member, boss = park.enrol(), Actor("boss", supervisor=True)
    park.sell("CODE-001", admits="2")
    with an_app(park) as (_, site):
        site.scan(member, "CODE-001", nonce="nonce-01")
        site.scan(member, "CODE-NONE", nonce="nonce-02")
    before = park.ledger.revision
    park.change(
        lambda tx: corrections.annul_scan(
            tx, member.name, "nonce-01", people=1, reason="x", by=boss, now=tx.clock()
        )
    )
    park.change(
        lambda tx: corrections.override_scan(
            tx, member.name, "nonce-02", party=None, reason="x", cost_bearer=CostBearer.VENUE,
            by=boss, now=tx.clock(),
        )
    )  # fmt: skip
    annulled, overridden = told(park, before)

    assert isinstance(annulled, ScanLine)
    assert (annulled.annulled, annulled.annuls, annulled.people) == (1, 1, 2)
    assert (overridden.overridden, overridden.reason) == (1, Reason.UNKNOWN_CODE)
    assert [line.revision for line in (annulled, overridden)] == [before + 1, before + 2]
    # In the whole it stands once, where it changed last.
    scans = [line.nonce for line in told(park) if isinstance(line, ScanLine)]
    assert scans == ["nonce-01", "nonce-02"]


def test_what_an_exchange_desk_does_is_told_as_it_stands(park):
    park.sell("FAMILY-001", admits="4")
    desk, lane, other = park.enrol("exchange"), park.enrol(), park.enrol()
    copy, reached = Copy(), 0

    def reads_on():
        nonlocal reached
        copy.take(data_of(park, reached))
        reached = park.ledger.revision
        return copy.content == expected(park)

    with an_app(park) as (_, site):
        made = site.scan(desk, "FAMILY-001", mode="exchange", party=3, nonce="desk-0001")
        told = [reads_on()]
        site.scan(lane, made["tickets"][0]["code"], passage=True)
        site.scan(other, made["tickets"][0]["code"], passage=True)
        told.append(reads_on())
        site.post(f"/tickets/{made['tickets'][1]['ticket']}/reprint", desk, {"reason": "jam"})
        told.append(reads_on())
        site.post("/scans/desk-0001/annul", desk, {"reason": "came back", "people": 1})
        told.append(reads_on())

    assert told == [True] * 4
    assert Copy().take(data_of(park)).content == expected(park)
    assert sum(voucher.desk is not None for _, voucher in copy.vouchers.values()) == 5


def test_scans_of_nothing_are_not_told(park):
    member = park.enrol()
    with an_app(park) as (_, site):
        site.scan(member, "x", nonce="malformed-1")
        site.scan(member, "134567890123456789", nonce="payment-1")

    assert [line for line in told(park) if isinstance(line, ScanLine)] == []


def test_reading_leaves_no_transaction_open(park):
    park.ledger.read(lambda db: read_range(db, 0))

    assert park.ledger.read(lambda db: db.in_transaction) is False
