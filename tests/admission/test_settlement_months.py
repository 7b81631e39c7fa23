"""Ordinary months: who belongs to which, and how a platform's file differs."""

from datetime import date

import pytest

from admission.errors import InvalidInput
from admission.settlement import settle
from admission.settlement_months import (
    Difference,
    Months,
    Used,
    compare,
    month_of,
    read_month,
    sum_up,
    used_in,
)
from admission.settlement_terms import Proof, Row, Sold
from admission.vouchers import Status
from tests.builders import VENUE, a_deal, a_record, a_venue, a_voucher, at
from tests.settlements import a_basis

LAST, FIRST = date(2015, 2, 28), date(2015, 3, 1)


def a_row(*days: date, clock: str = "10:00", **voucher: object) -> Row:
    records = [a_record(scan_at=at(clock, day), nonce=f"n-{day}") for day in days]
    deal = a_deal(rights=())
    proofs = [Proof(record=record) for record in records]
    return settle(
        Sold(voucher=a_voucher(**voucher), proofs=proofs),
        a_basis("2015-12-31 00:00", deal=deal),
    )


def test_a_person_belongs_to_the_month_they_came_in() -> None:
    months = Months(VENUE)
    for day in (LAST, LAST, FIRST):
        months.add(a_row(day))

    assert {name: sums.owed_minor for name, sums in months.sums.items()} == {
        "2015-02": 52000,
        "2015-03": 26000,
    }
    assert months.sums["2015-02"].people == {"used": 2}


def test_a_night_belongs_to_the_venue_day_that_it_began_in() -> None:
    night = a_venue(day_starts_at="04:00")

    assert month_of(at("02:00", FIRST), night) == "2015-02"
    assert month_of(at("04:00", FIRST), night) == "2015-03"


def test_refunds_and_annulments_belong_to_the_month_they_were_made_in() -> None:
    annulled = a_record(
        scan_at=at("10:00", LAST), annulled=1, annuls=1, annulled_at=at("09:00", FIRST)
    )
    months = Months(VENUE)
    months.add(settle(Sold(voucher=a_voucher(), proofs=[Proof(record=annulled)]), a_basis()))
    months.add(a_row(status=Status.REFUNDED, status_at=at("08:00", FIRST), price_paid_minor=100))

    march = months.sums["2015-03"]
    assert (march.annulled, march.refunded, march.refunds_minor) == (1, 1, 100)
    assert march.owed_minor == 0


def test_what_a_voucher_was_used_for_in_a_month() -> None:
    assert used_in(a_row(LAST), "2015-02", VENUE) == Used(1, 26000)
    assert used_in(a_row(LAST), "2015-03", VENUE) is None
    assert used_in(a_row(), "2015-02", VENUE) is None


def test_orders_are_summed_and_differences_told_from_both_sides() -> None:
    ours = sum_up([(("D", "O1"), Used(1, 100)), (("D", "O1"), Used(2, 200)),
                   (("D", "O2"), Used(1, 100))])  # fmt: skip
    theirs = {("D", "O1"): Used(3, 300), ("D", "O3"): Used(1, 100)}

    assert list(compare(ours, theirs)) == [
        Difference("D", "O2", Used(1, 100), None),
        Difference("D", "O3", None, Used(1, 100)),
    ]


@pytest.mark.parametrize("text", ["2015", "2015-2", "2015-13", "", "2015-02-01", "二月"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_month(text)


def test_a_month_is_read_as_it_is_stored() -> None:
    assert read_month("2015-02") == "2015-02"
