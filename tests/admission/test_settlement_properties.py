"""What must hold of every settlement: over random histories, voids, statuses and moments."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from admission.deals import Closure, Reentry, Right
from admission.history import Record
from admission.scans import Direction, Mode
from admission.settlement import settle
from admission.settlement_sums import Sums, row_fits
from admission.settlement_terms import (
    ADMITTED,
    Basis,
    Proof,
    Remedy,
    Row,
    SettlementClass,
    Sold,
)
from admission.verdicts import Reason
from admission.voids import CostBearer, Honour, Void
from admission.vouchers import Status
from tests.builders import VENUE, a_deal, a_record, a_voucher, at

FIXED = settings(derandomize=True, database=None, deadline=None, max_examples=40)
NINE = at("09:00")
LAST = NINE + timedelta(days=3)

instants = st.integers(0, 3 * 24 * 12).map(lambda steps: NINE + timedelta(minutes=5 * steps))
few = st.integers(1, 3)
RIGHTS = (
    (Right("park"),),
    (Right("park", 2),),
    (Right("park", 1, per_day=True),),
    (Right("park"), Right("canyon")),
    (Right("park", 1, per_day=True), Right("canyon")),
)
deals = st.builds(
    a_deal,
    rights=st.sampled_from(RIGHTS),
    reentry=st.sampled_from(list(Reentry)),
    settle_price_minor=st.sampled_from([None, 18000]),
)
vouchers = st.builds(
    a_voucher,
    admits=few,
    price_paid_minor=st.sampled_from([None, 0, 1, 100, 26000]),
    status=st.sampled_from([Status.VALID, Status.VALID, *Status]),
    status_at=instants,
    refund_listed=st.sampled_from([False, False, False, True]),
)


@st.composite
def proofs(draw: Any, *, plain: bool = False) -> list[Proof]:
    """Draw recorded scans; `plain`: entries of one or several people and nothing else."""
    made = []
    for number in range(draw(st.integers(0, 5))):
        scan_at, people = draw(instants), draw(few)
        changes: dict[str, Any] = {
            "device_id": draw(st.sampled_from(["D1", "D2"])),
            "nonce": f"nonce-{number:04}",
            "scan_at": scan_at,
            "area": draw(st.sampled_from(["park", "canyon"])),
            "people": people,
        }
        if not plain:
            changes |= draw(_kinds(scan_at, people))
        reason = changes.pop("reason", Reason.ADMITTED)
        made.append(
            Proof(
                record=a_record(**changes, reason=reason),
                scan_id=number + 1,
                offline=reason is not Reason.HONOURED and draw(st.booleans()),
                bounded_at=draw(st.none() | instants),
                void_version=1 if reason is Reason.HONOURED else None,
                cost_bearer=draw(st.sampled_from([None, *CostBearer])),
                confirmed=draw(st.booleans()),
            )
        )
    return made


@st.composite
def _kinds(draw: Any, scan_at: Any, people: int) -> dict[str, Any]:
    later = scan_at + timedelta(minutes=draw(st.sampled_from([1, 20])))
    return dict(
        draw(
            st.sampled_from(
                [
                    {},
                    {"reason": Reason.HONOURED},
                    {"annulled": people, "annuls": 1, "annulled_at": later},
                    {"annulled": 1, "annuls": 1, "annulled_at": later},
                    {"people": 0, "reason": Reason.USED_UP, "overridden": people,
                     "overridden_at": later},
                    {"people": 0, "mode": Mode.ARRIVE, "party": people},
                    {"people": 0, "reason": Reason.DEAL_VOIDED},
                    {"direction": Direction.EXIT, "reason": Reason.EXIT_RECORDED},
                    {"turned": 0},
                    {"turned": people},
                ]
            )
        )
    )  # fmt: skip


@st.composite
def versions(draw: Any) -> tuple[Void, ...]:
    """Draw the versions of a void, restores among them, oldest first."""
    times = sorted(draw(st.lists(instants, max_size=3, unique=True)))
    return tuple(draw(_version(number, time)) for number, time in enumerate(times, 1))


@st.composite
def _version(draw: Any, number: int, committed_at: Any) -> Void:
    by = draw(st.none() | instants)
    return Void(
        version=number,
        committed_at=committed_at,
        reason="limit failed",
        honour=None if by is None else Honour.of(by, VENUE),
        cost_bearer=draw(st.sampled_from(list(CostBearer))),
        statuses_since=committed_at,
        settlement_unit_minor=draw(st.sampled_from([None, 20000])),
        restored=number > 1 and draw(st.sampled_from([False, False, True])),
    )


def a_basis(deal: Any, voids: tuple[Void, ...], as_of: Any = LAST) -> Basis:
    known = tuple(void for void in voids if void.committed_at <= as_of)
    return Basis(deal=deal, venue=VENUE, as_of=as_of, voids=known, remedy=Remedy())


@FIXED
@given(deal=deals, voucher=vouchers, scans=proofs(), voids=versions(), as_of=instants)
def test_every_row_is_of_one_class_and_fits(
    deal: Any, voucher: Any, scans: list[Proof], voids: tuple[Void, ...], as_of: Any
) -> None:
    basis = a_basis(deal, voids, as_of)
    row = settle(Sold(voucher=voucher, proofs=scans), basis)
    sums = Sums(basis)
    sums.add(row)

    assert row_fits(row)
    assert sums.balanced(1)
    assert sum(sums.counts.values()) == 1
    assert (row.first is not None) is (row.settled in ADMITTED)


@FIXED
@given(
    rows=st.lists(st.tuples(vouchers, proofs()), max_size=6),
    deal=deals,
    voids=versions(),
    as_of=instants,
)
def test_sums_are_those_of_the_rows(rows: Any, deal: Any, voids: Any, as_of: Any) -> None:
    sums = Sums(a_basis(deal, voids, as_of))
    settled = [settle(Sold(voucher=voucher, proofs=scans), sums.basis) for voucher, scans in rows]
    for row in settled:
        sums.add(row)

    assert sums.balanced(len(rows))
    assert sums.owed_minor == sum(
        charge.charged * charge.price_minor
        for row in settled
        for charge in row.charges
        if charge.settled is not SettlementClass.USED_AFTER_VOID
    )
    assert sum(sums.people.values()) + sums.over_admitted == sum(
        charge.people + charge.over for row in settled for charge in row.charges
    )


@FIXED
@given(deal=deals, voucher=vouchers, scans=proofs(), voids=versions())
def test_money_follows_people(deal: Any, voucher: Any, scans: Any, voids: Any) -> None:
    row = settle(Sold(voucher=voucher, proofs=scans), a_basis(deal, voids))
    days = {VENUE.day_of(charge.at) for charge in row.charges}
    most = voucher.admits * (len(days) if any(right.per_day for right in deal.rights) else 1)
    within = sum(
        charge.people for charge in row.charges if charge.settled is not SettlementClass.OVERRIDDEN
    )

    assert within <= most
    assert sum(charge.charged for charge in row.charges) <= most
    assert row.owed_minor + row.disputed_minor <= most * 26000
    for charge in row.charges:
        assert charge.people or charge.over or charge is row.charges[0]
        assert charge.charged in {0, charge.people} or charge.settled is SettlementClass.OVERRIDDEN
    price = voucher.price_paid_minor or 0
    assert 0 <= row.refund_minor <= price
    assert row.refund_minor == 0 or row.reverse_minor == 0


@FIXED
@given(voucher=vouchers, scans=proofs(plain=True))
def test_people_are_the_most_in_any_area_and_day(voucher: Any, scans: list[Proof]) -> None:
    deal = a_deal(rights=(Right("park"), Right("canyon")))
    row = settle(Sold(voucher=voucher, proofs=scans), a_basis(deal, ()))
    entered: dict[object, int] = defaultdict(int)
    for proof in scans:
        entered[proof.record.area, VENUE.day_of(proof.record.scan_at)] += proof.record.people
    most = max(entered.values(), default=0)

    assert row.people(SettlementClass.USED) == min(most, voucher.admits)
    assert row.over == max(0, most - voucher.admits)


@FIXED
@given(deal=deals, voucher=vouchers, scans=proofs(), voids=versions(), order=st.randoms())
def test_order_of_arrival_changes_nothing(
    deal: Any, voucher: Any, scans: list[Proof], voids: Any, order: Any
) -> None:
    basis, others = a_basis(deal, voids), list(scans)
    order.shuffle(others)

    assert _told(settle(Sold(voucher=voucher, proofs=scans), basis)) == _told(
        settle(Sold(voucher=voucher, proofs=others), basis)
    )


OPEN = frozenset(
    {SettlementClass.OUTSTANDING, SettlementClass.HONOUR_OPEN, SettlementClass.REFUND_DUE}
)


@FIXED
@given(
    deal=deals, voucher=vouchers, scans=proofs(), voids=versions(), later=_version(4, LAST),
    restored=st.booleans(),
)  # fmt: skip
def test_a_later_version_moves_only_who_has_not_come(
    deal: Any, voucher: Any, scans: list[Proof], voids: Any, later: Void, restored: bool
) -> None:
    sold = Sold(voucher=voucher, proofs=scans)
    before = settle(sold, a_basis(deal, voids))
    after = settle(sold, a_basis(deal, (*voids, replace(later, restored=restored))))

    assert before.settled == after.settled or {before.settled, after.settled} <= OPEN
    assert _charged(before) == _charged(after)
    assert (before.owed_minor, before.disputed_minor) == (after.owed_minor, after.disputed_minor)


@FIXED
@given(voucher=vouchers, scans=proofs(plain=True), used_too=st.booleans(), declared=instants)
def test_a_closure_charges_nobody_twice_and_nobody_more(
    voucher: Any, scans: list[Proof], used_too: bool, declared: Any
) -> None:
    deal = a_deal(rights=(Right("park", 1, per_day=True),), valid_until=NINE + timedelta(hours=15))
    closure = Closure(
        closure_id="1",
        version=1,
        committed_at=declared,
        closed_from=NINE - timedelta(hours=9),
        closed_until=NINE + timedelta(hours=14),
        extend_until=LAST,
        used_too=used_too,
    )
    sold, basis = Sold(voucher=voucher, proofs=scans), a_basis(deal, ())
    without, under = settle(sold, basis), settle(sold, replace(basis, closures=(closure,)))

    assert without.settled is under.settled
    assert row_fits(under)
    assert under.owed_minor <= without.owed_minor
    assert under.owed_minor > 0 or without.owed_minor == 0


def _charged(row: Row) -> list[tuple[object, ...]]:
    return [
        (each.proof.scan_id, each.settled, each.people, each.over, each.charged, each.price_minor)
        for each in row.charges
    ]


def _told(row: Row) -> tuple[object, ...]:
    names: list[Record | None] = [each and each.record for each in (row.first, row.arrival)]
    return (
        row.settled, row.left, row.refund_minor, row.reverse_minor, row.evidence, row.compensates,
        _charged(row), names,
    )  # fmt: skip
