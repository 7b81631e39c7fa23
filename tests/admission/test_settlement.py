"""The row of one voucher: every case of tests/vectors/settlement.json, in any order of arrival."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from admission.settlement import settle
from admission.settlement_sums import Sums, row_fits
from admission.settlement_terms import ADMITTED, Remedy, Row, SettlementClass, Sold
from tests.builders import a_void, a_voucher
from tests.settlements import Case, a_basis, read_basis, read_sold

VECTORS = Path(__file__).parents[1] / "vectors" / "settlement.json"
CASES: list[Case] = json.loads(VECTORS.read_text("utf-8"))["settlements"]


def told(row: Row) -> dict[str, Any]:
    """Return a row in the words of the cases."""
    people = {each.value: row.people(each) for each in ADMITTED}
    return {
        "class": row.settled.value,
        "people": {name: count for name, count in people.items() if count},
        "over": row.over,
        "owed": row.owed_minor,
        "disputed": row.disputed_minor,
        "refund": row.refund_minor,
        "reverse": row.reverse_minor,
        "left": row.left,
        "compensates": row.compensates,
        "void_version": row.void_version,
        "evidence": None if row.evidence is None else row.evidence.value,
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_row(case: Case) -> None:
    row = settle(read_sold(case), read_basis(case))

    assert told(row) | case["expect"] == told(row)
    assert row_fits(row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_order_of_arrival_changes_nothing(case: Case) -> None:
    sold, basis = read_sold(case), read_basis(case)
    row = settle(sold, basis)
    sold.proofs = list(reversed(sold.proofs))

    assert told(settle(sold, basis)) == told(row)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_row_alone_is_balanced(case: Case) -> None:
    sums = Sums(read_basis(case))
    sums.add(settle(read_sold(case), sums.basis))

    assert sums.balanced(1)
    assert not sums.balanced(2)


@pytest.mark.parametrize(("each_minor", "buyers"), [(1000, 1), (0, 0)])
@pytest.mark.parametrize("blocked", [False, True])
def test_no_buyer_is_compensated_with_nothing(
    each_minor: int, buyers: int, *, blocked: bool
) -> None:
    remedy = Remedy(compensation_per_buyer_minor=each_minor)
    sums = Sums(a_basis(voids=(a_void(arrived_by=None),), remedy=remedy))
    sums.add(settle(Sold(voucher=a_voucher(), buyer_no=1, buyer_blocked=blocked), sums.basis))

    told = (sums.buyers_withheld, sums.buyers_compensated)
    assert told == ((buyers, 0) if blocked else (0, buyers))


def test_every_class_occurs() -> None:
    assert {case["expect"]["class"] for case in CASES} == {each.value for each in SettlementClass}


def test_no_two_cases_have_one_name() -> None:
    names = [case["name"] for case in CASES]

    assert len(names) == len(set(names))
