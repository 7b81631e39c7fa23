"""Slips of refused visitors at a lane: by itself, on request, and without the server."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from datetime import UTC, datetime

import pypdfium2
import pytest

from admission.verdicts import Reason
from admission.wire import Text
from admission.wire_refusals import RefusalSlipAnswer
from gate_server.qr_rows import qr_rows
from scanner_client.decode import read_all
from scanner_client.printer_layout import lay_out_refusal
from scanner_client.printer_pdf import PdfPrinter
from scanner_client.rescue import ZXING_STAGES
from scanner_client.settings import load_settings
from tests.gate_server.test_cli import run
from tests.scanner_client.test_cli_people import scanner
from tests.scanner_client.test_printer import a_code
from tests.scanner_client.test_slips import code_on, device_of, paper
from tests.server import Park, a_running_server

CODES = ("VOID-CODE-1", "VOID-CODE-2")


def a_slip(**changes):
    fields = {
        "number": "R1-57",
        "copy": 1,
        "code": a_code(57),
        "modules": qr_rows(a_code(57)),
        "came_at": datetime(2015, 2, 12, 10, 5, tzinfo=UTC),
        "local_time": "2015-02-12 18:05",
        "gate_id": "G1",
        "gate_name": "南门 South gate",
        "venue": "Venue",
        "title": "一元联票",
        "tail": "8K2F",
        "people": 2,
        "reason": Reason.DEAL_VOIDED,
        "short": Text(zh="活动已取消", en="deal voided"),
        "message": Text(zh="平台已取消此活动。", en="The platform has withdrawn this offer."),
        "help_desk": Text(zh="游客中心", en="the visitor centre"),
    }
    return RefusalSlipAnswer(**(fields | changes))


@pytest.fixture
def venue(tmp_path):
    """A venue that has withdrawn what it sold, with a lane to be enrolled and a desk."""
    park = Park(tmp_path / "var")
    park.sell(*CODES)
    invitations = park.invite(), park.invite("exchange")
    park.close()
    terms = ("--reason", "price", "--nobody", "--cost-bearer", "platform")
    run(tmp_path / "var", "deal", "void", "DAY", *terms, "--refund", "price_paid")
    return invitations


def enrol(state, server, invitation, more=""):
    scanner(state, "enrol", server.url, invitation)
    printer = f'[printer]\nkind = "escpos-file"\naddress = "{state / "paper"}"\n{more}'
    (state / "scanner.toml").write_text(f"timeout_ms = 5000\n{printer}")


def test_lane_gives_slips_and_a_desk_reads_what_they_prove(tmp_path, venue):
    lane, desk = tmp_path / "lane", tmp_path / "desk"
    with a_running_server(tmp_path / "var") as server:
        enrol(lane, server, venue[0], "refusal_slips = true\n")
        enrol(desk, server, venue[1])
        refused = json.loads(scanner(lane, "read", "--code", CODES[0], "--json", status=1).stdout)
        first = paper(lane)
        scanner(desk, "refusal-slip", refused["nonce"], "--device", device_of(lane))
        copy = paper(desk)
        looked = scanner(
            desk, "read", "--code", code_on(first), "--mode", "check", "--json", status=1
        )
        server.stop(signal.SIGKILL)
        away = scanner(lane, "refusal-slip", refused["nonce"], status=1).output
        seen = json.loads(looked.stdout)

    assert refused["reason"] == "deal_voided"
    assert "到场凭条 PROOF OF COMING" in first.lines
    assert "尾号 tail DE-1" in first.text
    assert "票款由平台自动原路退回" in first.text.replace("\n", "")
    assert "COPY" not in first.text
    assert "补打第 2 份 COPY 2" in copy.text
    assert code_on(copy) == code_on(first)
    assert seen["reason"] == "refusal_slip"
    assert "因“活动已取消”未入园" in seen["message"]["zh"]
    assert "暂不能打印签名凭条" in away
    assert f"scanner-client refusal-slip {refused['nonce']}" in away


def test_lane_that_prints_none_by_itself_prints_none(tmp_path, venue):
    lane = tmp_path / "lane"
    with a_running_server(tmp_path / "var") as server:
        enrol(lane, server, venue[0])
        read = scanner(lane, "read", "--code", CODES[1], "--json", status=1)
        unasked = (lane / "paper").exists()
        nonce = json.loads(read.stdout)["nonce"]
        settings = (lane / "scanner.toml").read_text()
        (lane / "scanner.toml").write_text("timeout_ms = 5000\n")
        without = scanner(lane, "refusal-slip", nonce, status=1).output
        (lane / "scanner.toml").write_text(settings)
        printed = scanner(lane, "refusal-slip", nonce).output

    assert not unasked
    assert "no printer is set up" in without
    # What was never on paper is no copy.
    assert ", 1\n" in printed
    assert "COPY" not in paper(lane).text


@pytest.mark.parametrize("long", [1, 16])
def test_all_lines_fit_into_its_piece_of_a_page(tmp_path, long):
    message = Text(zh="平台已取消此活动，退款自动。" * long, en="It refunds you by itself. " * long)
    slip = a_slip(message=message, copy=2)
    settings = replace(load_settings(tmp_path).printer, kind="pdf", address=str(tmp_path))
    PdfPrinter(settings).print([lay_out_refusal(slip)])
    page = pypdfium2.PdfDocument(tmp_path / "R1-57.pdf")[0]
    text = page.get_textpage()
    boxes = [text.get_charbox(place) for place in range(text.count_chars())]
    shot = page.render(scale=3).to_numpy()
    [reading] = read_all(shot, ZXING_STAGES)

    # An eighth of a page, less its edges.
    assert min(box[1] for box in boxes) > 841.9 - 34.1 - (841.9 - 68.1) / 4
    assert "COPY 2" in text.get_text_range()
    assert reading.text == slip.code


def test_paper_holds_what_a_platform_wrote_as_text():
    slip = a_slip(title="\x1b[2J票\u202e", gate_name="南门\x07")

    lines = [line.text for line in lay_out_refusal(slip).above]

    assert not any(ord(char) < 0x20 or char == "\u202e" for line in lines for char in line)
