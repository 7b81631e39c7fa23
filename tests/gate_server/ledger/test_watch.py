"""What is sold is looked at in the transaction that writes it; what is odd is recorded and held."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from admission.calendar import to_ms
from admission.deals import AtGate, HoldScope
from admission.errors import LedgerConflict, LedgerUnavailable
from admission.findings import FindingKind, FindingState
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire_staff import VoidRequest
from benchmarks.sales import VENUE, DealRow, Sale, new_deal
from benchmarks.sales_feed import FedVenue
from gate_server.ledger import actions, findings, sales
from gate_server.ledger.incidents import list_open
from tests.builders import at

DAY = at("00:00")
FIRST, LAST = VENUE.day_of(DAY), VENUE.day_of(DAY + timedelta(days=20))
DEAL = new_deal(
    "FLASH", "lvtu", FIRST, LAST, quota=200, sale_price_minor=23800, updated_at=DAY
)  # fmt: skip


def when(minute: float) -> datetime:
    return DAY + timedelta(hours=12, minutes=minute)


def a_sale(number: int, minute: float, price: int = 23800, **changes) -> Sale:
    """A voucher sold so many minutes after noon, told of at once."""
    ms = to_ms(when(minute))
    fields = {"code": f"CODE-{number:06}-{number * 7919 % 99_991:05}X", "deal_id": "FLASH"}
    fields |= {"buyer": f"buyer-{number}", "price_minor": price}
    return Sale(ms, ms, **(fields | changes))


def some(count: int, minute: float, price: int = 23800, *, first: int = 0, **changes):
    return [a_sale(first + n, minute + n / 100, price, **changes) for n in range(count)]


@pytest.fixture
def venue(tmp_path):
    with_deal = FedVenue(tmp_path / "var")
    with_deal.tell([DealRow(to_ms(DAY), DEAL)])
    yield with_deal
    with_deal.close()


def found(venue) -> dict[str, findings.Recorded]:
    return {f"{each.finding.kind}": each for each in venue.findings()}


def change(venue, work):
    return venue.ledger.write(work, alone=True, urgent=True)


def release(venue):
    now = venue.ledger.clock()
    change(venue, lambda tx: actions.release_deal(tx, "FLASH", reason="ok", by="ann", now=now))


def hold(venue, scope: HoldScope, at_gate: AtGate = AtGate.REFER):
    now = venue.ledger.clock()
    change(
        venue,
        lambda tx: actions.hold_deal(
            tx, "FLASH", reason="by hand", scope=scope, at_gate=at_gate, by="ann", now=now
        ),
    )


def void(venue):
    terms = VoidRequest(reason="limit failed", honour=None, cost_bearer=CostBearer.PLATFORM)
    now = venue.ledger.clock()
    change(venue, lambda tx: actions.void_deal(tx, "FLASH", terms, by="ann", now=now))


def test_absurd_sale_is_held_with_an_incident_and_honest_buyers_are_let_in(venue):
    honest, absurd = some(100, 0), some(60, 30, price=1, first=1000)

    venue.take(honest)
    venue.take(absurd)

    (recorded,) = venue.findings()
    assert (recorded.finding.kind, recorded.finding.vouchers) == (FindingKind.PRICE_LOW, 60)
    scope = HoldScope(sold_from=when(30), price_at_most_minor=1)
    assert venue.hold("FLASH").scope == recorded.finding.scope == scope
    (incident,) = venue.ledger.read(list_open)
    assert incident.incident_id == recorded.incident_id
    # Rows come in slices of milliseconds; whatever they were, it has the figures of the last.
    assert (incident.figures.vouchers, incident.figures.lowest_minor) == (60, 1)
    assert "60" in incident.figures.what_en
    said = venue.verdicts([sale.code for sale in honest], when(120))
    assert said == {Reason.ADMITTED: 100}
    assert venue.verdicts([sale.code for sale in absurd], when(120)) == {Reason.DEAL_HELD: 60}


def test_hold_goes_on_as_the_sale_does_without_a_second_incident(venue):
    venue.take(some(30, 0, price=1))
    before = venue.hold("FLASH")

    venue.take(some(100, 60, price=1, first=100))

    assert venue.hold("FLASH") == before
    assert found(venue)["price_low"].finding.vouchers == 130
    assert len(venue.ledger.read(list_open)) == 1
    said = venue.verdicts([a_sale(number, 0).code for number in range(100, 200)], when(120))
    assert said == {Reason.DEAL_HELD: 100}


def test_same_rows_again_count_nothing_and_find_nothing_new(venue):
    rows = [*some(60, 0), *some(60, 30, price=1, first=1000)]
    venue.take(rows)
    before = venue.findings(), venue.ledger.revision

    venue.take(rows)

    assert (venue.findings(), venue.ledger.revision) == before
    assert venue.ledger.read(sales.differences) == []


def test_counters_follow_vouchers_that_change_or_are_cancelled(venue):
    venue.tell([DealRow(to_ms(DAY), replace(DEAL, deal_id="OTHER"))])
    venue.take(some(50, 0))
    late = to_ms(when(600))
    changed = [
        replace(a_sale(0, 0), at_ms=late, price_minor=1),
        replace(a_sale(1, 0), at_ms=late, admits=3, buyer="else"),
        replace(a_sale(2, 0), at_ms=late, deal_id="OTHER"),
        replace(a_sale(3, 0), at_ms=late, status="refunded"),
        replace(a_sale(4, 0), at_ms=late, status="cancelled"),
        replace(a_sale(5, 0), at_ms=late, status="blocked"),
        replace(a_sale(6, 0), at_ms=late, valid_on=LAST),
    ]

    venue.take(changed)
    venue.take([replace(a_sale(4, 0), at_ms=late + 1, status="valid")])

    assert venue.ledger.read(sales.differences) == []
    sums = venue.ledger.read(
        lambda db: db.execute("SELECT SUM(vouchers), SUM(vouchers * admits) FROM sale_prices")
    ).fetchone()
    assert sums == (49, 51)


def test_counters_follow_a_refund_of_some_of_a_group(venue):
    venue.take([a_sale(0, 0, 71400, admits=3), a_sale(1, 0)])

    def refund(tx):
        with sales.recounted(tx.db, 1):
            tx.db.execute("UPDATE vouchers SET admits = 1, price_paid_minor = 23800")
        with sales.recounted(tx.db, 2):
            tx.db.execute("UPDATE vouchers SET status = 'refunded' WHERE voucher_id = 2")

    change(venue, refund)

    assert venue.ledger.read(sales.differences) == []


def test_quota_holds_from_where_it_was_passed_and_before_it_nobody(venue):
    rows = some(260, 0)

    venue.take(rows[:150])
    venue.take(rows[150:])

    recorded = found(venue)["over_quota"]
    assert (recorded.finding.vouchers, recorded.finding.since) == (60, when(2.0))
    assert venue.verdicts([sale.code for sale in rows[:200]], when(90)) == {Reason.ADMITTED: 200}
    assert venue.verdicts([sale.code for sale in rows[200:]], when(90)) == {Reason.DEAL_HELD: 60}


def test_price_and_quota_share_one_hold_that_spares_honest_buyers_within_the_quota(venue):
    within, absurd = some(190, 0), some(100, 60, price=1, first=1000)
    more = some(40, 120, first=2000)

    for part in (within, absurd, more):
        venue.take(part)

    assert found(venue).keys() == {"price_low", "over_quota"}
    assert len(venue.ledger.read(list_open)) == 1
    free = [sale.code for sale in (*within, *more[:10])]
    held = [sale.code for sale in (*absurd, *more[10:])]
    assert venue.verdicts(free, when(200)) == {Reason.ADMITTED: 200}
    assert venue.verdicts(held, when(200)) == {Reason.DEAL_HELD: 130}


def test_earlier_sales_that_arrive_late_move_the_quotas_instant(venue):
    rows = some(260, 0)

    venue.take(rows[60:])
    venue.take(rows[:60])

    assert found(venue)["over_quota"].finding.scope == HoldScope(sold_from=when(2.0))


def test_released_finding_is_held_again_only_when_it_has_doubled(venue):
    venue.take(some(50, 0, price=1))
    release(venue)

    venue.take(some(49, 60, price=1, first=100))
    between = venue.hold("FLASH"), found(venue)["price_low"].state
    venue.take(some(1, 90, price=1, first=500))

    assert between == (None, FindingState.RELEASED)
    assert venue.hold("FLASH").scope.price_at_most_minor == 1
    recorded = found(venue)["price_low"]
    assert (recorded.state, recorded.decided) == (FindingState.OPEN, None)
    (incident,) = venue.ledger.read(list_open)
    assert incident.decided_at is None


def test_hold_by_hand_is_neither_narrowed_nor_followed_until_the_finding_doubles(venue):
    venue.take(some(50, 0, price=1))
    by_hand = HoldScope(sold_until=when(10))
    hold(venue, by_hand, AtGate.ADMIT_AND_MARK)

    venue.take(some(49, 60, price=1, first=100))
    between = venue.hold("FLASH").scope
    venue.take(some(30, 90, price=1, first=500))

    assert between == by_hand
    after = venue.hold("FLASH")
    assert after.at_gate is AtGate.ADMIT_AND_MARK
    assert after.scope.covers(sold_at=when(95), price_minor=1, admits=1)
    assert after.scope.covers(sold_at=when(5), price_minor=23800, admits=1)


def test_voided_deal_is_not_held_and_what_is_found_is_still_recorded(venue):
    void(venue)

    venue.take(some(80, 0, price=1))

    recorded = found(venue)["price_low"]
    assert (recorded.state, recorded.finding.vouchers) == (FindingState.VOIDED, 80)
    assert (venue.hold("FLASH"), venue.ledger.read(list_open)) == (None, [])


def test_void_and_restore_decide_about_findings(venue):
    venue.take(some(50, 0, price=1))
    void(venue)
    voided = found(venue)["price_low"].state
    now = venue.ledger.clock()
    change(venue, lambda tx: actions.restore_deal(tx, "FLASH", reason="ok", by="ann", now=now))

    venue.take(some(20, 60, price=1, first=100))

    assert (voided, found(venue)["price_low"].state) == (
        FindingState.VOIDED,
        FindingState.RELEASED,
    )
    assert venue.hold("FLASH") is None


def test_finding_that_holds_is_decided_at_its_deal_and_a_warning_is_closed(venue):
    venue.take(some(50, 0, price=1))
    held = found(venue)["price_low"].finding_id
    venue.tell([DealRow(to_ms(when(5)), replace(DEAL, valid_until=when(3000), updated_at=when(5)))])
    warned = found(venue)["deal_changed"]

    def close(finding_id):
        now = venue.ledger.clock()
        return change(
            venue,
            lambda tx: findings.close_finding(tx, finding_id, note="seen", by="ann", now=now),
        )

    with pytest.raises(LedgerConflict, match="on hold"):
        close(held)
    assert warned.finding.subject == "days_taken"
    assert close(warned.finding_id).state is FindingState.CLOSED
    with pytest.raises(LedgerConflict, match="closed before"):
        close(warned.finding_id)


def test_code_of_two_platforms_is_a_warning_for_both_deals(venue):
    venue.tell([DealRow(to_ms(DAY), replace(DEAL, deal_id="ZOU", platform="zouba"))])
    venue.take(some(3, 0))

    venue.take([replace(a_sale(1, 0), deal_id="ZOU")])

    twice = [each for each in venue.findings() if each.finding.kind is FindingKind.CODE_TWICE]
    assert sorted(venue.deal_id(each) for each in twice) == ["FLASH", "ZOU"]
    assert [each.finding.vouchers for each in twice] == [1, 1]


def test_thin_codes_add_up_over_small_deliveries(venue):
    for start in range(0, 24, 4):
        venue.take(
            [a_sale(n, n, code=f"{n * 79_193 % 999_983:06}") for n in range(start, start + 4)]
        )

    assert found(venue)["guessable_codes"].finding.measure["space"] == 10**6


def test_running_codes_are_found_however_slowly_they_come(venue):
    for number in range(25):
        venue.take([a_sale(number, number, code=f"LVTU-2015-{number + 4000:08}")])

    assert "running" in {each.finding.subject for each in venue.findings()}


def test_full_day_is_told_once_and_holds_nothing(tmp_path):
    venue = FedVenue(tmp_path / "var", capacity=100)
    venue.tell([DealRow(to_ms(DAY), replace(DEAL, quota=None))])

    venue.take(some(101, 0, valid_on=LAST))
    venue.take(some(40, 60, first=500, valid_on=LAST))

    (recorded,) = venue.findings()
    assert (recorded.finding.kind, recorded.finding.subject) == (
        FindingKind.DAY_OVER_CAPACITY,
        LAST.isoformat(),
    )
    assert (recorded.finding.people, venue.hold("FLASH")) == (141, None)
    venue.close()


def test_rows_findings_and_hold_commit_together_or_not_at_all(venue):
    rows = some(60, 0, price=1)
    broken = "CREATE TRIGGER broken BEFORE INSERT ON holds BEGIN SELECT RAISE(ABORT, 'no'); END"
    venue.ledger.write(lambda tx: tx.db.execute(broken))

    with pytest.raises(LedgerUnavailable, match="no"):
        venue.take(rows)
    empty = venue.findings(), venue.ledger.read(sales.differences)
    venue.ledger.write(lambda tx: tx.db.execute("DROP TRIGGER broken"))
    venue.take(rows)

    assert empty == ([], [])
    assert venue.hold("FLASH") is not None
    assert venue.ledger.read(sales.differences) == []


def test_nobody_looks_where_nobody_is_to(tmp_path):
    venue = FedVenue(tmp_path / "var", watched=False)
    venue.tell([DealRow(to_ms(DAY), DEAL)])

    venue.take(some(60, 0, price=1))

    assert venue.findings() == []
    assert venue.ledger.read(sales.differences) == []
    venue.close()


MIXED = [
    *some(120, 0),
    *some(90, 10, price=1, first=1000),
    *some(110, 40, first=2000),
    *some(30, 50, price=47600, first=3000, admits=2),
]


def told(venue):
    return sorted(
        (each.finding.kind, each.finding.size, str(each.finding.scope), each.state)
        for each in venue.findings()
        if each.finding.kind in (FindingKind.PRICE_LOW, FindingKind.OVER_QUOTA)
    )


@pytest.fixture(scope="module")
def in_order(tmp_path_factory):
    return whole(tmp_path_factory.mktemp("order"), [MIXED])


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.lists(st.integers(1, 349), max_size=6))
def test_order_of_arrival_and_cuts_change_no_price_or_quota_finding(
    tmp_path_factory, in_order, chance, cuts
):
    mixed = [replace(sale, at_ms=to_ms(when(90))) for sale in MIXED]
    chance.shuffle(mixed)
    bounds = [0, *sorted(set(cuts)), len(mixed)]
    parts = [mixed[one:other] for one, other in pairwise(bounds)]

    assert whole(tmp_path_factory.mktemp("mixed"), parts) == in_order
    assert len(in_order[0]) == 2


def whole(directory, parts):
    """Return what is found and what is held in the end."""
    venue = FedVenue(directory / "var")
    venue.tell([DealRow(to_ms(DAY), DEAL)])
    for part in parts:
        venue.take(part)
    kept = told(venue), venue.hold("FLASH").scope, venue.ledger.read(sales.differences)
    venue.close()
    return kept
