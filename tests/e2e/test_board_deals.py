"""Deals in a real browser: a void that a real scanner obeys at once, and a partner's phone."""

import re
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from drill.plug import PASS, REFUSE
from tests.e2e.outage import a_lane, wait_until
from tests.server import Park, a_running_server

PASSWORD = "a long password"
CODES = [f"FLASH-{number:04}-PAPER" for number in range(1, 9)]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server with a deal at a fen, and a real scanner at its gate."""
    folder = tmp_path_factory.mktemp("deals")
    park = Park(folder / "var")
    park.offer("FLASH", title="夜场联票", quota="10")
    park.sell(*CODES, deal_id="FLASH", price_paid_minor="1", buyer_ref="b1")
    boss = park.hire("supervisor", "mei", password=PASSWORD)
    park.hire("partner", "part", password=PASSWORD)
    code = park.invite()
    park.close()
    with a_running_server(folder / "var") as server, a_lane(folder / "lane", server, code) as lane:
        yield server, lane, boss


@contextmanager
def a_seat(browser, server, name, viewport, locale="en-GB"):
    """Log somebody in, and hold the browser to what it must never say in its console."""
    context = browser.new_context(viewport=viewport, locale=locale, base_url=server.url)
    said = []
    page = context.new_page()
    page.on("console", lambda each: said.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_selector(".menu")
    try:
        yield page
        assert said == []
    finally:
        context.close()


def revision(server):
    return server.http.get("/readyz").json()["ledger_revision"]


def test_a_void_through_its_preview_is_obeyed_within_a_second(place, browser):
    server, lane, _ = place
    assert lane.scan(CODES[0])["reason"] == "admitted"
    with a_seat(browser, server, "mei", DESK) as page:
        page.goto("/deals/FLASH")
        page.get_by_role("button", name="Void").first.click()
        page.get_by_label("Reason").fill("Sold at a wrong price")
        page.get_by_label("Still let in").select_option("nobody")
        page.get_by_role("button", name="Show what this does").click()
        told = page.locator(".consequence").inner_text()
        assert lane.scan(CODES[1])["reason"] == "admitted", "nothing was done yet"
        # The keyboard is where the next thing is typed.
        page.locator("#field-password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_text("Voided: version 1 is in force.").wait_for()
        done_s, known = time.monotonic(), revision(server)
        online = lane.scan(CODES[2])
        took_s = time.monotonic() - done_s
        wait_until(lambda: lane.status()["revision"] >= known, 5, "the void in the replica")
        lane.plug.turn(REFUSE)
        offline = lane.scan(CODES[3])
        lane.plug.turn(PASS)
        # The page behind the dialog shows what was done, without being loaded anew.
        page.get_by_role("heading", name=re.compile("Voided, version 1")).wait_for()

    assert "8 vouchers for 8 people of 1 buyer," in told
    assert "0 vouchers are let in" in told
    assert (online["reason"], offline["reason"]) == ("deal_voided", "deal_voided")
    assert (online["offline"], offline["offline"]) == (False, True)
    assert took_s < 1
    lane.await_online()


def test_a_partner_confirms_from_a_phone_what_its_platform_bears(place, browser):
    server, lane, boss = place
    refused = lane.scan(CODES[4])
    body = {"device_id": lane.device_id, "reason": "a child", "cost_bearer": "platform"}
    helped = server.post(f"/scans/{refused['nonce']}/override", boss, body)
    assert helped.status_code == 200, helped.text
    with a_seat(browser, server, "part", PHONE, "zh-CN") as page:
        assert urlsplit(page.url).path == "/partner"
        bill = page.locator("#deal-FLASH .bill")
        bill.wait_for()
        before = bill.inner_text()
        page.get_by_role("button", name="确认").click()
        page.locator("dialog button.main").click()
        page.get_by_text("已确认由平台承担。").wait_for()
        page.get_by_text("待确认的主管放行").wait_for(state="detached")
        bill.get_by_text("¥780.00").wait_for()
        widths = {}
        for address in ("/partner", "/deals/FLASH", "/deals/FLASH/settlement"):
            page.goto(address)
            widths[address] = page.locator("html").evaluate("html => html.scrollWidth")

    assert "¥520.00" in before
    assert set(widths.values()) == {PHONE["width"]}, widths
