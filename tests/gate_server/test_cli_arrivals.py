"""`gate-server queue` and `gate-server slip`: closing, handing out, and the sheets of slips."""

from __future__ import annotations

import pypdfium2
import pytest

from admission.codes import read_code
from admission.tokens import Purpose
from gate_server import attesting
from gate_server.slip_sheets import A_PAGE, write_sheets
from scanner_client.decode import read_all
from scanner_client.rescue import ZXING_STAGES
from tests.gate_server.test_cli import answer, run
from tests.server import Park


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    return tmp_path / "var"


def test_a_queue_is_closed_listed_and_reopened(venue):
    told = run(venue, "queue", "close", "--gate", "G1", "--reason", "long tail").stdout
    open_one = run(venue, "queue", "list").stdout
    (listed,) = answer(venue, "queue", "list")
    ended = run(venue, "queue", "reopen", listed["queue_id"], "--reason", "short again").stdout
    shown = run(venue, "queue", "list").stdout

    assert told.startswith(f"{listed['queue_id']}: park (G1) closed at ")
    assert "no stamp counts as it any more" in ended
    assert "long tail" in shown
    assert " open " in open_one
    assert " over " in shown
    assert not answer(venue, "queue", "list")[0]["open"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--gate", "G9"), "gate_id: there is no such gate"),
        (("--gate", "G1", "--at", "2099-01-01 12:00"), "closed_at: lies ahead"),
        (("--gate", "G1", "--at", "soon"), "--at"),
        ((), "area: say where"),
    ],
)
def test_a_closing_that_cannot_be_is_refused(venue, options, problem):
    said = run(venue, "queue", "close", "--reason", "-", *options, status=1).stderr

    assert problem in said


def test_slips_are_printed_handed_out_and_listed(venue, tmp_path):
    sheet = tmp_path / "slips.pdf"
    made = answer(venue, "slip", "print", "--count", 12, "--out", sheet)
    span = made["first"], made["last"]
    told = run(venue, "slip", "hand-out", *span, "--gate", "G1", "--operator", "4711").stdout
    again = run(venue, "slip", "hand-out", *span, "--gate", "G1", status=1).stderr
    (listed,) = answer(venue, "slip", "list")

    assert sheet.read_bytes().startswith(b"%PDF-")
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert made["last"] - made["first"] == 11
    assert told.startswith(f"slips {made['first']} to {made['last']}: handed out by ")
    assert "were handed out before" in again
    assert (listed["operator"], listed["made_by"].split(" (")[0]) == ("4711", "command line")


def test_no_sheet_takes_the_place_of_another(venue, tmp_path):
    sheet = tmp_path / "slips.pdf"
    sheet.write_text("keep me")

    run(venue, "slip", "print", "--count", 1, "--out", sheet, status=2)
    assert sheet.read_text() == "keep me"


def test_a_sheet_has_ten_slips_a_page_each_with_its_number_and_code(tmp_path):
    park = Park(tmp_path / "var")
    slips = attesting.print_slips(park.ledger, park.keys, A_PAGE + 1, by="test")
    reads = [read_code(each.code, park.keys.reader) for each in slips]
    data = write_sheets(slips, "Venue 测试")
    park.close()

    assert {read.token.purpose for read in reads} == {Purpose.NUMBERED_SLIP}
    assert [read.token.voucher_number for read in reads] == [each.number for each in slips]
    sheets = pypdfium2.PdfDocument(data)
    pages = [sheet.render(scale=3).to_numpy() for sheet in sheets]
    found = [{each.text for each in read_all(page, ZXING_STAGES)} for page in pages]
    texts = [sheet.get_textpage().get_text_range() for sheet in sheets]
    assert found == [{each.code for each in slips[:A_PAGE]}, {slips[-1].code}]
    assert all(f"{each.number}" in texts[0] for each in slips[:A_PAGE])
    assert "到场号码单" in texts[1]
    assert data == write_sheets(slips, "Venue 测试")
