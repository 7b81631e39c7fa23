"""Files of deals and vouchers: each line by itself, and the file refused whole before any row."""

import pytest

from admission.errors import FeedRejected, InvalidInput
from admission.rows import VOUCHER_COLUMNS, VOUCHER_NEEDS
from gate_server.feeds.files import LONGEST_LINE, RowFile

HEADER = b"code,deal_id,order_ref\n"


def read(tmp_path, content, name="vouchers.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return list(RowFile(path, VOUCHER_COLUMNS, VOUCHER_NEEDS))


def refused(tmp_path, content, name="vouchers.csv"):
    with pytest.raises(FeedRejected) as caught:
        read(tmp_path, content, name)
    return caught.value


def problems(lines):
    return {number: row.problem for number, row in lines if isinstance(row, FeedRejected)}


def good(lines):
    return [(number, row) for number, row in lines if not isinstance(row, FeedRejected)]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_csv_file_is_read_by_its_header(tmp_path, bom, end):
    content = bom + HEADER + b"AAAA-0001,D,O1\n" + b'"AAAA,0002",D,"say ""hi"""'

    lines = read(tmp_path, content.replace(b"\n", end))

    assert lines == [
        (2, {"code": "AAAA-0001", "deal_id": "D", "order_ref": "O1"}),
        (3, {"code": "AAAA,0002", "deal_id": "D", "order_ref": 'say "hi"'}),
    ]


@pytest.mark.parametrize("name", ["vouchers.ndjson", "vouchers.jsonl", "vouchers.txt"])
def test_ndjson_is_known_by_its_name_or_by_its_first_character(tmp_path, name):
    lines = read(tmp_path, b'{"code": "AAAA-0001", "deal_id": "D", "admits": 2}\n', name)

    assert lines == [(1, {"code": "AAAA-0001", "deal_id": "D", "admits": 2})]


def test_an_unknown_column_is_refused_by_name_before_any_row(tmp_path):
    assert refused(tmp_path, b"code,deal_id,colour\nA,D,red\n").field == "colour"
    assert refused(tmp_path, b"code\nA\n").field == "deal_id"
    assert refused(tmp_path, b"code,deal_id,code\nA,D,A\n").field == "code"


def test_an_unknown_key_in_the_last_line_of_ndjson_is_refused_before_any_row(tmp_path):
    rows = b'{"code": "AAAA-0001", "deal_id": "D"}\n' * 3

    problem = refused(tmp_path, rows + b'{"code": "A", "deal_id": "D", "colour": 1}', "v.ndjson")

    assert problem.field == "colour"
    assert "line 4" in problem.problem


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"AAAA-0001,D", "2 values"),
        (b"AAAA-0001,D,O1,more", "4 values"),
        (b'"AAAA-0001,D,O1', "quotes"),
        (b'"AAAA"0001,D,O1', "quotes"),
        (b'"two\nlines",D,O1', "quotes"),
        (b"\xc3\x28AAAA,D,O1", "byte 1 is not UTF-8"),
        ("成人票".encode("gbk") + b",D,O1", "not UTF-8"),
        (b"x" * (LONGEST_LINE * 3), "longer than"),
    ],
)
def test_a_wrong_line_is_named_and_spoils_no_other(tmp_path, line, says):
    lines = read(tmp_path, HEADER + b"AAAA-0001,D,O1\n" + line + b"\nAAAA-0003,D,O3\n")

    assert says in problems(lines)[3]
    assert [row["code"] for _, row in good(lines)] == ["AAAA-0001", "AAAA-0003"]


@pytest.mark.parametrize("line", [b"[1]", b'"text"', b"{", b'{"code": []}', b'{"a": ' * 5000])
def test_a_line_that_is_no_object_is_named(tmp_path, line):
    content = b'{"code": "AAAA-0001", "deal_id": "D"}\n' + line + b"\n"

    assert list(problems(read(tmp_path, content))) == [2]


def test_empty_rows_of_a_spreadsheet_are_passed_over(tmp_path):
    lines = read(tmp_path, HEADER + b"\n,,\nAAAA-0001,D,O1\n , ,\n\n")

    assert [number for number, _ in lines] == [4]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf",
        "code,deal_id\n".encode("utf-16"),
        b"PK\x03\x04rest",
        b"\xff,a",
    ],
)
def test_what_is_no_text_with_a_header_is_refused_whole(tmp_path, content):
    assert refused(tmp_path, content).problem


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput):
        RowFile(tmp_path / "none.csv", VOUCHER_COLUMNS, VOUCHER_NEEDS)
    with pytest.raises(InvalidInput):
        RowFile(tmp_path, VOUCHER_COLUMNS, VOUCHER_NEEDS)


def test_a_reader_says_how_far_it_is(tmp_path):
    path = tmp_path / "vouchers.csv"
    path.write_bytes(HEADER + b"AAAA-0001,D,O1\n" * 100)
    file = RowFile(path, VOUCHER_COLUMNS, VOUCHER_NEEDS)

    positions = [file.position for _ in file]

    assert positions == sorted(positions)
    assert positions[-1] == file.size
