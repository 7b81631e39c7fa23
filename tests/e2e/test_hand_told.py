"""What a hand scanner is told beside verdicts: broadcasts, why it is busy, how many people, who."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.hand import Venue, a_phone, chromium
from tests.e2e.processes import gate_server
from tests.server import a_running_server

BROADCAST = {
    "broadcast_id": "B1",
    "message": {"zh": "请引导游客到东门<b>", "en": "Send visitors to the east gate"},
    "priority": "high",
    "made_at": "2026-01-01T00:00:00Z",
    "expires_at": "2099-01-01T00:00:00Z",
}
CARD = {
    "deal_id": "D1",
    "title": "一分钱票<script>",
    "state": "voided",
    "since": "2026-01-01T00:00:00Z",
    "sold": 206865,
    "people_sold": 206865,
    "used": 1204,
    "still_to_come_today": 900,
    "share_of_scans": 0.8,
    "refused": 40,
    "terms": None,
    "say": {"zh": "平台已取消此活动，已到场的照常入园。", "en": "The platform withdrew this deal."},
}


class Told:
    """Answers for the server what phones are told: a small fake of those calls, at the network."""

    def __init__(self, page):
        self.seen, self.messages, self.signed = [], [], []
        page.route("**/devices/self/heartbeat", self._beat)
        page.route("**/broadcasts/*/seen", self._see)
        page.route("**/api/v1/why", lambda route: route.fulfill(json={"cards": [CARD]}))
        page.route("**/operators/sign-in", self._sign_in)
        page.route("**/operators/sign-out", lambda route: route.fulfill(json={}))

    def _beat(self, route):
        body = {"epoch": "e", "server_time": "2026-01-01T00:00:00Z", "ledger_revision": 1}
        route.fulfill(json=body | {"audit_head": "", "messages": self.messages})

    def _see(self, route):
        self.seen.append(route.request.url.split("/")[-2])
        self.messages = []
        route.fulfill(json={})

    def _sign_in(self, route):
        self.signed.append(json.loads(route.request.post_data))
        route.fulfill(json={"operator": "4711", "name": "王", "role": "steward"})


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    return Venue(tmp_path_factory.mktemp("hand"))


@pytest.fixture(scope="module")
def server(venue):
    with a_running_server(venue.directory, tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def browser_of_phones(playwright, venue):
    browser = chromium(playwright, venue)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def shared(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server) as phone:
        told = Told(phone.page)
        phone.enrol(venue.code())
        yield phone, told


@pytest.fixture
def phone(shared):
    phone, _ = shared
    phone.page.keyboard.press("Escape")
    yield phone
    phone.page.keyboard.press("Escape")
    phone.page.keyboard.press("Escape")


@pytest.fixture
def told(shared):
    return shared[1]


def beat(phone):
    """Have the phone beat now: it does when the network says that it is back."""
    phone.page.evaluate("dispatchEvent(new Event('online'))")


def test_broadcast_is_shown_until_it_is_understood(phone, told):
    told.messages = [BROADCAST]
    beat(phone)
    banner = phone.page.locator(".broadcast.high")
    expect(banner).to_contain_text("请引导游客到东门<b>")
    expect(banner).to_contain_text("Send visitors to the east gate")
    # Never over a verdict.
    phone.scan("DAY-000")
    covered = """() => {
        const box = document.querySelector(".broadcast").getBoundingClientRect();
        return document.elementFromPoint(box.x + 9, box.y + 9).closest(".verdict") !== null;
    }"""
    assert phone.page.evaluate(covered)
    phone.page.keyboard.press("Escape")
    banner.locator("button").click()

    expect(banner).to_be_hidden()
    assert told.seen == ["B1"]
    beat(phone)
    expect(banner).to_be_hidden()


def test_broadcast_that_is_over_is_not_shown(phone, told):
    told.messages = [BROADCAST | {"broadcast_id": "B2", "expires_at": "2026-01-01T00:00:01Z"}]
    beat(phone)
    phone.page.wait_for_timeout(200)

    expect(phone.page.locator(".broadcast")).to_be_hidden()
    told.messages = []


def test_why_it_is_busy_is_said_in_both_languages(phone):
    phone.page.click(".tools button:nth-child(4)")
    phone.page.click(".panel .choice >> nth=1")

    card = phone.page.locator(".card.voided")
    expect(card).to_contain_text("一分钱票<script>")
    expect(card).to_contain_text("平台已取消此活动，已到场的照常入园。")
    expect(card).to_contain_text("The platform withdrew this deal.")
    expect(card).to_contain_text("206865")


def test_operator_stands_on_every_scan(phone, told):
    sent = []
    phone.page.on("request", lambda each: sent.append(each.post_data) if scans(each) else None)
    phone.wedge("GHB1:BADGE-0123456789ABCDEF")
    expect(phone.page.locator(".notices")).to_contain_text("4711")
    phone.scan("DAY-001")

    assert told.signed == [{"badge": "GHB1:BADGE-0123456789ABCDEF"}]
    assert [json.loads(each)["operator"] for each in sent] == ["4711"]
    assert "BADGE" not in phone.storage()


def scans(request):
    return request.url.endswith("/api/v1/scans")


def test_party_is_asked_where_the_device_is_told_to(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server) as phone:
        phone.enrol(venue.code())
        gate_server(venue.directory, "device", "party", phone.device_id(), "ask")
        phone.page.goto(f"{server.url}/scan")
        phone.await_link("online")
        expect(phone.page.locator(".gate b")).to_have_text("South gate")

        phone.wedge("FAMILY-2")
        expect(phone.page.locator(".panel .number")).to_have_count(4)
        phone.page.click(".panel .number >> nth=2")
        assert "3 人" in phone.verdict()
        # Nobody says how many: the next scan ends the question, and nothing was sent.
        phone.page.keyboard.press("Escape")
        phone.wedge("FAMILY-3")
        expect(phone.page.locator(".panel .number")).to_have_count(4)
        phone.wedge("DAY-010")
        assert "1 人" in phone.verdict()
    untouched = server.scan(venue.device, "FAMILY-3", mode="check", party=1)
    assert untouched["admitted"] + untouched["remaining"] == 4


def test_marshal_stamps_and_never_reads_go(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server) as phone:
        phone.enrol(venue.code("marshal"))

        said = phone.scan("DAY-020")

        assert said.startswith("verdict cyan verdict\n✓\n已登记到场，请继续排队")
        assert "排队号" in said
        assert "GO" not in said
        modes = phone.page.locator(".modes button")
        assert [each.get_attribute("data-mode") for each in modes.all()] == ["arrive", "check"]
        assert server.scan(venue.device, "DAY-020")["voucher"]["arrived_at"] is not None
