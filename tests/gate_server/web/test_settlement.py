"""A deal's settlement over HTTP: figures to the fen, and tables that both sides can check."""

import csv
import io
import zipfile

import pytest
from openpyxl import load_workbook

from gate_server.cli.settlements import settlement_text
from tests.refund_requests import request
from tests.server import slug_of
from tests.settlement_story import DAY, a_story
from tests.sheets import recompute


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def rows(answer):
    assert answer.headers["content-type"].startswith("text/csv")
    return {
        row["order_ref"] or row["voucher"]: row for row in csv.DictReader(io.StringIO(answer.text))
    }


def test_figures_are_those_of_the_contract(story):
    made = story.settle()

    assert made == {
        "deal_id": "DAY",
        "currency": "CNY",
        "as_of": "2015-05-02T01:00:00Z",
        "void_version": 1,
        "balanced": True,
        "counts": {"sold": 9, "used_before_void": 1, "honoured": 2, "overridden": 1,
                   "used_after_void": 0, "cancelled": 1, "refunded": 1, "outstanding": 0,
                   "honour_open": 0, "refund_due": 3},
        "people": {"used_before_void": 1, "honoured": 2, "overridden": 1, "used_after_void": 0,
                   "over_admitted": 0},
        # Of the party's price of 100 two of three people are paid back: 66.67 and up.
        "amounts_minor": {"owed_to_venue": 78000, "disputed": 0, "refunds": 3 + 67,
                          "compensation": 3000, "refunds_to_reverse": 0},
        "buyers_compensated": 3,
        "buyers_withheld": 1,
        "evidence": {"server": 4, "device_bounded": 0, "device": 0},
    }  # fmt: skip


def test_without_a_void_used_is_called_so(tmp_path, story):
    story.park.offer("PLAIN")
    story.sell("PLAIN-001", deal_id="PLAIN")
    story.scan("PLAIN-001")
    made = story.site.get("/deals/PLAIN/settlement", story.boss).json()

    assert (made["counts"]["used"], made["people"]["used"]) == (1, 1)
    assert "used_before_void" not in made["counts"] | made["people"]
    assert (made["void_version"], made["amounts_minor"]["owed_to_venue"]) == (None, 26000)


@pytest.mark.parametrize(
    ("as_of", "counts"),
    [
        ("08:00:00", {"outstanding": 7, "used": 1, "cancelled": 1}),
        ("12:00:00", {"refund_due": 6, "used_before_void": 1, "cancelled": 1, "refunded": 1}),
        ("17:30:00", {"refund_due": 4, "honour_open": 1, "honoured": 1, "used_before_void": 1}),
        ("23:59:59.999", {"refund_due": 3, "honour_open": 0, "honoured": 2, "overridden": 1}),
    ],
)
def test_a_moment_has_its_own_settlement(story, as_of, counts):
    made = story.settle(f"?as_of={DAY}T{as_of}%2B08:00")

    assert made["counts"] | counts == made["counts"]
    assert made["balanced"]


def test_partner_sees_its_own_platforms_deals_only(story):
    story.park.offer("OTHER", platform="ctrip")
    other = story.site.get("/deals/OTHER/settlement", story.partner)
    steward = story.get("/settlement", story.park.hire("steward"))

    assert story.settle(by=story.partner) == story.settle()
    assert (other.status_code, slug_of(other)) == (404, "not-found")
    assert (steward.status_code, slug_of(steward)) == (403, "forbidden")


@pytest.mark.parametrize(
    "query", ["?format=pdf", "?as_of=soon", "?as_of=2015-05-01T09:00:00", "?x=1"]
)
def test_what_cannot_be_meant_is_refused(story, query):
    answer = story.get(f"/settlement{query}")

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")


def test_table_has_a_row_a_voucher_with_its_evidence(story):
    made = rows(story.get("/settlement?format=csv"))
    came, party, helped = made["ORDER-2"], made["ORDER-7"], made["ORDER-4"]

    assert len(made) == 9
    assert (came["class"], came["void_version"], came["honoured"]) == ("honoured", "1", "1")
    assert (came["owed_for"], came["owed_minor"]) == ("1*26000", "26000")
    assert came["arrival_number"].startswith(f"{story.marshal.name}-")
    assert came["arrived_at"] == f"{DAY}T16:58:00.000+08:00"
    assert came["admitted_at"] == f"{DAY}T18:40:00.000+08:00"
    assert (came["gate_id"], came["device_id"]) == ("G1", story.gate.name)
    assert (came["evidence"], came["arrival_evidence"]) == ("server", "server")
    assert came["scan_ids"].isdecimal()
    assert (party["left"], party["refund_minor"]) == ("2", "67")
    assert (helped["class"], helped["owed_minor"]) == ("overridden", "0")


def test_table_is_the_same_bytes_at_another_moment(story):
    first = story.get("/settlement?format=csv").content
    book = story.get("/settlement?format=xlsx").content
    story.at("12:00:00", "2015-05-03")

    assert story.get("/settlement?format=csv").content == first
    assert story.get("/settlement?format=xlsx").content == book


def test_formulas_come_to_what_is_stated(story):
    answer = story.get("/settlement?format=xlsx")
    book = load_workbook(io.BytesIO(answer.content))
    values = recompute(book)
    made = [values["settlement"][row] for row in range(6, book["settlement"].max_row + 1)]
    lines = {row["A"]: (row["B"], row["C"], row["D"]) for row in made}

    assert answer.headers["content-disposition"].endswith("settlement-DAY.xlsx")
    assert {agree for _, _, agree in lines.values()} == {"yes"}
    assert all(found == stated for found, stated, _ in lines.values())
    assert lines["refunds (minor)"][1] == 70
    assert lines["owed_to_venue (minor)"][1] == 78000
    assert lines["compensation (minor)"][1] == 3000
    assert len(lines) == 23


def test_a_workbook_has_no_dates_of_its_own(story):
    with zipfile.ZipFile(io.BytesIO(story.get("/settlement?format=xlsx").content)) as book:
        assert {info.date_time for info in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = book.read("docProps/core.xml").decode()

    assert "created" not in core
    assert "modified" not in core


HOSTILE = ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(A1)", "= 1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_platforms_text_is_no_formula(story, text):
    story.sell("HOSTILE-1", order_ref=text, voucher_ref=text)
    made = rows(story.get("/settlement?format=csv"))
    book = load_workbook(io.BytesIO(story.get("/settlement?format=xlsx").content))
    cells = [cell for row in book["vouchers"].iter_rows() for cell in row if cell.value]
    theirs = [cell for cell in cells if text in str(cell.value)]

    assert made[f"'{text}"]["voucher_ref"] == f"'{text}"
    assert [cell.data_type for cell in theirs] == ["s", "s"]


def test_who_was_given_back_on_request_is_a_figure_of_its_own(story):
    story.sell("GROUP-001", admits="3", voucher_ref="V-10", price_paid_minor="100")
    story.sell("WHOLE-001", voucher_ref="V-11", price_paid_minor="50")
    before = story.settle()
    assert request(story.park, ref="V-10", people=1, name="part").refundable
    assert request(story.park, ref="V-11", name="whole").refundable
    made = story.settle()
    book = load_workbook(io.BytesIO(story.get("/settlement?format=xlsx").content))
    stated = [(row[0].value, row[2].value) for row in book["settlement"].iter_rows()]
    told_at = {"updated_at": "2015-05-02T10:00:00+08:00"}
    story.sell("GROUP-001", admits="2", voucher_ref="V-10", price_paid_minor="67", **told_at)

    assert "on_request" not in before
    assert made["on_request"] == {"vouchers": 2, "in_part": 1, "people": 2, "paid_back_minor": 83}
    told = [("vouchers", 2), ("in part", 1), ("people", 2), ("paid back (minor)", 83)]
    assert stated[-5:] == [("given back on request", None), *told]
    assert made["balanced"]
    assert made["counts"]["refunded"] == before["counts"]["refunded"] + 1
    assert before["amounts_minor"]["refunds"] - made["amounts_minor"]["refunds"] == 83
    assert story.settle() == made | {"as_of": story.settle()["as_of"]}


def test_what_was_given_back_is_told_by_the_command_too(story):
    story.sell("GROUP-001", admits="3", voucher_ref="V-10", price_paid_minor="100")
    request(story.park, ref="V-10", people=1, name="part")

    assert "given back on request: 1 person of 1 voucher, 0.33 CNY" in settlement_text(
        story.settle()
    )
