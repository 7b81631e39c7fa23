"""Settlements in a browser: figures as the API has them, lists, statements, months, downloads."""

import json
import re

import pytest

from gate_server.web.board.languages import LANGUAGES
from tests.deal_pages import PASSWORD, PEOPLE, a_desk, words

PAGES = {
    "/deals/DAY/settlement": {"mei", "aud", "part"},
    "/deals/DAY/bill": {"mei", "aud", "part"},
    "/deals/DAY/statements/1": {"mei", "aud", "part"},
    "/months/lvtu/2015-05": {"mei", "aud", "part"},
    "/act/list-make?deal_id=DAY": {"mei"},
    "/act/statement-make?deal_id=DAY": {"mei"},
    "/act/statement-sign?deal_id=DAY&version=1&hash=x": {"mei", "part"},
    "/act/month-close?platform=lvtu&month=2015-05": {"mei"},
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A desk with a statement, whose tests change nothing."""
    with a_desk(tmp_path_factory.mktemp("told") / "var") as desk:
        desk.story.post("/statements", None)
        yield desk


@pytest.fixture
def desk(tmp_path):
    with a_desk(tmp_path / "var") as desk:
        yield desk


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_for_its_roles_alone(told, address):
    opened = {name: told.get(address, name).status_code for name in PEOPLE}

    assert {name for name, status in opened.items() if status == 200} == PAGES[address]
    assert opened["alien"] == (404 if "part" in PAGES[address] else 403)


def test_a_settlement_says_what_the_call_says(told):
    page, call = told.read("/deals/DAY/settlement"), told.story.settle()
    owed = call["amounts_minor"]["owed_to_venue"] / 100

    assert call["balanced"] is True
    assert "Balanced: every voucher stands in exactly one class." in page
    assert f"owed to the venue CN¥{owed:.2f}" in page
    assert f"sold in all {call['counts']['sold']}" in page
    assert f"refund due {call['counts']['refund_due']}" in page
    assert f"honoured {call['counts']['honoured']}" in page
    assert "withheld from 1" in page
    assert f"owed to the venue CN¥{owed:.2f}" in told.read("/deals/DAY/bill")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_tables_come_by_the_session_that_a_browser_has(told, kind):
    told.sit("mei")
    page = told.story.site.http.get("/deals/DAY/settlement").text
    address = next(each for each in re.findall(r'href="([^"]+)"', page) if kind in each)
    own = told.story.site.http.get(address)
    by_token = told.story.get(f"/settlement?format={kind}")

    assert own.status_code == 200
    assert own.headers["Content-Disposition"].startswith("attachment;")
    assert kind == "xlsx" or own.content == by_token.content
    told.sit("alien")
    assert told.story.site.http.get(address).status_code == 404


def test_a_list_is_told_made_once_and_marks_its_vouchers(desk):
    said = desk.told("list-make", {"kind": "refunds"}, deal_id="DAY")
    made = desk.do("list-make", {"kind": "refunds"}, deal_id="DAY")
    again = desk.send("list-make", {"kind": "refunds", "step": "do"}, deal_id="DAY")
    page = desk.read("/deals/DAY/settlement")

    assert "Due in all: CN¥" in said
    assert "let in no more" in said
    assert made.status_code == 303
    assert again.status_code == 409
    assert "All that is due stands on a list already." in words(again.text)
    assert re.search(r"1 refunds 09:00 \d+ CN¥", page)
    assert json.loads(desk.events("list_made")[0])["by"] == "mei"
    assert desk.story.scan("STAYED-1")["reason"] == "refunded"


def test_a_statement_is_signed_by_both_sides_from_their_browsers(desk):
    desk.do("statement-make", {}, deal_id="DAY")
    page = desk.get("/deals/DAY/statements/1").text
    link = re.search(r"version=1&amp;hash=([0-9a-f]{64})", page)
    subject = {"deal_id": "DAY", "version": "1", "hash": link[1]}
    unproven = desk.send("statement-sign", {"password": "guess"}, **subject)
    assert unproven.status_code == 403
    desk.do("statement-sign", {}, **subject)
    assert "statement-sign" not in desk.get("/deals/DAY/statements/1").text, "signs once"
    desk.do("statement-sign", {}, "part", **subject)
    closed = desk.read("/deals/DAY/statements/1")

    assert "mei · for the venue" in closed
    assert "part · for the platform" in closed
    assert "Closed 09:00" in closed
    assert [json.loads(each)["by"] for each in desk.events("statement_signed")] == ["mei", "part"]


def test_what_was_not_read_cannot_be_signed(desk):
    desk.do("statement-make", {}, deal_id="DAY")
    answer = desk.send(
        "statement-sign", {"password": PASSWORD}, deal_id="DAY", version="1", hash="0" * 64
    )

    assert answer.status_code == 409
    assert desk.events("statement_signed") == []


def test_a_later_statement_tells_what_changed_and_only_it_is_signed(desk):
    desk.do("statement-make", {}, deal_id="DAY")
    body = {"device_id": desk.story.gate.name, "reason": "x", "cost_bearer": "platform"}
    desk.story.scan("LATE-001", nonce="late-0002")
    desk.story.site.post("/scans/late-0002/override", desk.story.boss, body)
    desk.do("statement-make", {}, deal_id="DAY")
    first, second = (desk.read(f"/deals/DAY/statements/{number}") for number in (1, 2))

    assert "A newer statement stands" in first
    assert "/act/statement-sign" not in desk.get("/deals/DAY/statements/1").text
    assert "Changed since statement 1: 1 voucher" in second
    assert "V-3 class refund_due overridden" in second


def test_statements_that_wait_for_signatures_stand_first(told):
    told.story.park.offer("AAA")
    page = told.read("/settlement")

    assert page.index("Statement 1 waits for signatures") < page.index("AAA")


def test_a_month_is_told_and_closed_once_it_has_ended(desk):
    page = desk.read("/months/lvtu/2015-05")
    assert "open, as of 09:00" in page
    assert "Close the month" not in page
    desk.story.at("09:00:00", "2015-06-01")
    fresh = desk.story.park.hire("supervisor", "late", password=PASSWORD)
    site = desk.story.site
    site.http.cookies.clear()
    site.log_in(fresh.name, PASSWORD)
    fields = {"platform": "lvtu", "month": "2015-05", "password": PASSWORD}
    answer = site.send("/months/lvtu/2015-05", "/act/month-close", **fields)
    closed = words(site.http.get("/months/lvtu/2015-05").text)

    assert answer.status_code == 303, words(answer.text)
    assert "closed 09:00" in closed
    assert "Close the month" not in closed


def test_months_are_offered_where_there_is_something_to_see(told):
    offered = re.findall(r'href="/months/lvtu/([^"]+)"', told.get("/settlement").text)

    assert offered == ["2015-05"]


def test_month_without_anything_owes_nothing_in_the_deals_currency(told):
    page = told.read("/months/lvtu/2015-03")
    said = told.told("month-close", platform="lvtu", month="2015-03")

    assert "CN¥0.00 owed to the venue" in page
    assert "owed to the venue: CN¥0.00." in said


@pytest.mark.parametrize("name", ["mei", "part"])
def test_month_that_has_not_begun_says_so(told, name):
    answer = told.get("/months/lvtu/2015-06", name)

    assert answer.status_code == 404
    assert "This month has not begun yet." in words(answer.text)


@pytest.mark.parametrize("month", ["2015-13", "May", "2015-5"])
def test_a_month_that_no_calendar_has_is_refused(told, month):
    assert told.get(f"/months/lvtu/{month}").status_code in {400, 404}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_class_and_amount_has_a_name_in_both_languages(told, language):
    told.sit("mei")
    told.story.site.http.headers["Accept-Language"] = language
    page = words(told.story.site.http.get("/deals/DAY/settlement").text)

    assert ("应付园方" in page) is (language == "zh")
    assert not re.search(r"refund_due|used_before_void|owed_to_venue|device_bounded", page)
