"""Cells that are safe to open, and tables that are the same bytes each time."""

import csv
import io

import pytest

from admission.settlement import settle
from admission.settlement_terms import Proof, Remedy, Sold
from gate_server.settlement_tables import AT, COLUMNS, csv_parts, row_cells, safe_text
from tests.builders import a_record, a_void, a_voucher
from tests.settlements import a_basis


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("ORDER-1", "ORDER-1"),
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("\t=1", "' =1"),
        ("a\x1b[31mred", "a [31mred"),
        ("a\r\nb", "a  b"),
        ("left\u202eright", "left right"),
        ("票 1", "票 1"),
        ("", ""),
    ],
)
def test_a_platforms_text_is_text(text, cell):
    assert safe_text(text) == cell


def cells_of(*, buyer_no=1, blocked=False, **voucher):
    remedy = Remedy(compensation_per_buyer_minor=1000)
    basis = a_basis(voids=(a_void(),), remedy=remedy)
    sold = Sold(voucher=a_voucher(**voucher), buyer_no=buyer_no, buyer_blocked=blocked)
    return row_cells(settle(sold, basis), basis)


def table(*rows):
    text = b"".join(csv_parts(rows)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_every_column_has_its_cell():
    record = a_record("16:00", people=1)
    basis = a_basis(voids=(a_void(),))
    used = settle(Sold(voucher=a_voucher(), proofs=[Proof(record=record, scan_id=7)]), basis)

    assert len(cells_of()) == len(COLUMNS) == len(row_cells(used, basis))
    assert row_cells(used, basis)[AT["scan_ids"]] == "7"


def test_a_buyers_compensation_stands_in_one_row():
    rows = table(cells_of(), cells_of(), cells_of(buyer_no=2), cells_of(buyer_no=None))

    assert [row["compensation_minor"] for row in rows] == ["1000", "0", "1000", "0"]


def test_a_blocked_buyers_compensation_stands_in_none():
    assert table(cells_of(blocked=True))[0]["compensation_minor"] == "0"


def test_an_unknown_price_is_empty_and_not_nought():
    known, unknown = table(cells_of(price_paid_minor=0), cells_of())

    assert (known["price_paid_minor"], unknown["price_paid_minor"]) == ("0", "")


def test_thousands_of_rows_are_the_same_bytes():
    first = b"".join(csv_parts(cells_of() for _ in range(2000)))

    assert first == b"".join(csv_parts(cells_of() for _ in range(2000)))
    assert first.count(b"\r\n") == 2001
