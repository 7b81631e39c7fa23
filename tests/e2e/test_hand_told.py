"""What a hand scanner is told beside verdicts: broadcasts, why it is busy, how many people, who."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.chance import without_chance
from tests.e2e.hand import Venue, a_phone, chromium
from tests.e2e.processes import gate_server
from tests.fakes import ZONE
from tests.people import PIN
from tests.server import Member, a_running_server

# Nobody is let in before somebody has signed in; all else is as everywhere.
STRICT = "[people]\noperator_required = true\n"
MESSAGE = {"zh": "请引导游客到东门<b>", "en": "Send visitors to the east gate"}


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    return Venue(tmp_path_factory.mktemp("hand"), STRICT)


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
    # Set to a zone that is not the venue's.
    with a_phone(browser_of_phones, server, timezone_id="America/New_York") as phone:
        yield phone.enrol(venue.code())


@pytest.fixture
def phone(shared, venue):
    """A phone that somebody has signed in at."""
    shared.page.keyboard.press("Escape")
    shared.page.keyboard.press("Escape")
    # Whoever signed in by number has no badge yet that would sign out.
    if not (shared.kept("settings").get("duty") or {}).get("badge"):
        sign_in(shared, venue.operator)
    yield shared
    shared.page.keyboard.press("Escape")
    shared.page.keyboard.press("Escape")


def sign_in(phone, hired):
    with phone.page.expect_response("**/sign-in"):
        phone.wedge(hired.badge)
    expect(phone.page.locator(".bar")).to_contain_text(hired.number)


def beat(phone):
    """Have the phone beat now: it does when the network says that it is back."""
    with phone.page.expect_response("**/devices/self/heartbeat"):
        phone.page.evaluate("dispatchEvent(new Event('online'))")


def sent(phone, path):
    """Return a list that fills with the bodies of what the phone sends there."""
    bodies = []

    def note(request):
        if request.url.endswith(path):
            bodies.append(json.loads(request.post_data))

    phone.page.on("request", note)
    return bodies


# --- broadcasts ----------------------------------------------------------------------------------


@pytest.fixture
def send(server, venue):
    """Send a broadcast as a supervisor; it ends with the test."""
    ids = []

    def send(**fields):
        body = {"message": MESSAGE, **fields}
        answer = server.post("/broadcasts", venue.supervisor, body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["broadcast_id"])
        return ids[-1]

    yield send
    for each in ids:
        end(server, venue, each)


def end(server, venue, broadcast_id):
    body = {"reason": "over"}
    assert server.post(f"/broadcasts/{broadcast_id}/end", venue.supervisor, body).is_success


def seen_by(server, venue, broadcast_id):
    told = server.get(f"/broadcasts/{broadcast_id}", venue.supervisor).json()
    return [each["device_id"] for each in told["seen_by"]]


def test_broadcast_is_shown_until_it_is_understood(phone, server, venue, send):
    broadcast_id = send(priority="high")
    banner = phone.page.locator(".broadcast.high")
    # By the event stream: nobody waits for a beat.
    expect(banner).to_contain_text(MESSAGE["zh"], timeout=2000)
    expect(banner).to_contain_text(MESSAGE["en"])
    # Never over a verdict.
    phone.scan("DAY-000")
    covered = """() => {
        const box = document.querySelector(".broadcast").getBoundingClientRect();
        return document.elementFromPoint(box.x + 9, box.y + 9).closest(".verdict") !== null;
    }"""
    assert phone.page.evaluate(covered)
    assert seen_by(server, venue, broadcast_id) == []
    phone.page.keyboard.press("Escape")
    with phone.page.expect_response("**/seen"):
        banner.locator("button").click()

    expect(banner).to_be_hidden()
    assert seen_by(server, venue, broadcast_id) == [phone.device_id()]
    # Told again to a page that begins anew, it stays understood.
    phone.page.reload()
    phone.await_link("online")
    beat(phone)
    expect(banner).to_be_hidden()


def test_acknowledgement_that_was_lost_is_said_again(phone, server, venue, send):
    broadcast_id = send()
    phone.page.route("**/seen", lambda route: route.abort())
    phone.page.locator(".broadcast button").click()
    expect(phone.page.locator(".broadcast")).to_be_hidden()
    assert seen_by(server, venue, broadcast_id) == []
    phone.page.unroute("**/seen")
    with phone.page.expect_response("**/seen"):
        beat(phone)

    assert seen_by(server, venue, broadcast_id) == [phone.device_id()]
    expect(phone.page.locator(".broadcast")).to_be_hidden()


def test_broadcast_goes_when_it_is_over_or_taken_back(phone, server, venue, send):
    banner = phone.page.locator(".broadcast")
    taken_back = send()
    expect(banner).to_be_visible()
    end(server, venue, taken_back)
    expect(banner).to_be_hidden()
    elsewhere = send(gates=["G2"])
    over_at = datetime.now(UTC) + timedelta(seconds=1)
    send(expires_at=over_at.isoformat())
    expect(banner).to_be_visible()
    phone.page.wait_for_timeout(1000)
    beat(phone)

    expect(banner).to_be_hidden()
    assert seen_by(server, venue, elsewhere) == []


def test_why_it_is_busy_is_said_in_both_languages(phone, server, venue):
    void = {"reason": "flash sale", "honour": None, "cost_bearer": "platform"}
    assert server.post("/deals/VOID/void", venue.supervisor, void).is_success
    phone.scan("VOID-1")
    told = server.get("/why", venue.device).json()["cards"][0]
    phone.page.keyboard.press("Escape")
    phone.page.click(".tools button:nth-child(4)")
    phone.page.click(".panel .choice >> nth=1")

    card = phone.page.locator(".card.voided")
    expect(card).to_contain_text("闪购<script>")
    expect(card).to_contain_text("已售 2")
    assert told["state"] == "voided"
    for sentence in told["say"].values():
        expect(card).to_contain_text(sentence)


# --- who ----------------------------------------------------------------------------------------


def test_help_is_called_with_one_press_and_one_to_confirm(phone, server, venue):
    phone.page.click(".bar .help")
    asked = phone.page.locator(".panel").inner_text()
    before = [each for each in phone.requests if each.endswith("/incidents")]
    phone.page.click(".choice.sure")
    expect(phone.page.locator(".notices")).to_contain_text("值班名单为空")
    called = phone.page.locator(".notices").inner_text()
    made = server.get("/incidents", venue.supervisor).json()["incidents"][0]
    path = f"/incidents/{made['incident_id']}"
    server.post(f"{path}/acknowledge", venue.supervisor)
    beat(phone)
    expect(phone.page.locator(".notices")).to_contain_text("已收到")
    verdict = phone.scan("DAY-034")
    server.post(f"{path}/close", venue.supervisor, {"summary": "walks again"})
    beat(phone)
    expect(phone.page.locator(".notices")).not_to_contain_text("求助")

    assert "确认呼叫现场支援" in asked
    assert before == []
    assert (
        f"{datetime.fromisoformat(made['opened_at']).astimezone(ZONE):%H:%M} 已登记求助" in called
    )
    assert (made["kind"], made["device_id"]) == ("help", phone.device_id())
    assert verdict.startswith("verdict green")


def test_nobody_is_let_in_before_somebody_signs_in(phone, server, venue):
    phone.wedge(venue.operator.badge)
    scans = sent(phone, "/scans")
    expect(phone.page.locator(".notices .first")).to_have_text("请先签到")
    # Whoever is inside is let out, and a look is free.
    server.scan(venue.device, "DAY-050", operator="4712")
    phone.turn_to("exit")
    assert phone.scan("DAY-050").startswith("verdict green")
    phone.turn_to("check")
    assert phone.scan("DAY-051").startswith("verdict cyan")
    phone.turn_to("admit")
    phone.wedge("DAY-051")
    panel = phone.page.locator(".panel")
    expect(panel).to_contain_text("请先签到")
    phone.page.fill("#set-operator", "4711")
    phone.page.fill("#set-pin", "999888")
    phone.page.keyboard.press("Enter")
    expect(panel.locator(".bad")).to_contain_text("工号与密码不符")
    phone.page.fill("#set-pin", PIN)
    phone.page.keyboard.press("Enter")

    # The visitor who waited is answered without a second scan.
    assert phone.verdict().startswith("verdict green")
    assert [each.get("operator") for each in scans] == [None, None, None, "4711"]
    expect(phone.page.locator(".notices .first")).to_have_count(0)
    assert PIN not in without_chance(phone.storage())


def test_evacuation_asks_nobody_to_sign_in(shared, server, venue):
    order = {"on": True, "reason": "smoke"}
    assert server.post("/venue/emergency", venue.supervisor, order).is_success
    expect(shared.page.locator(".notices.alarm")).to_contain_text("紧急疏散")
    shared.turn_to("exit")
    said = shared.scan("DAY-052")
    shared.turn_to("admit")
    server.post("/venue/emergency", venue.supervisor, order | {"on": False})
    expect(shared.page.locator(".notices.alarm")).to_have_count(0)

    assert said.startswith("verdict green")


def test_operator_stands_on_all_that_is_sent(phone, server, venue):
    scans, counts = sent(phone, "/scans"), sent(phone, "/counts")
    annuls = sent(phone, "/annul")
    phone.scan("DAY-001")
    phone.page.click(".verdict .annul")
    phone.page.click(".panel .choice >> nth=0")
    expect(phone.page.locator(".good")).to_be_visible()
    phone.page.keyboard.press("Escape")
    phone.turn_to("count")
    phone.page.click('[data-kind="vip"]')
    expect(phone.page.locator('[data-kind="vip"] output')).to_have_text("1")

    assert [each["operator"] for each in (*scans, *annuls, *counts)] == ["4711"] * 3
    assert "GHB1:" not in phone.storage()
    [row] = rows_of(server, venue, phone)
    assert row["counted"]["vip"] == 1
    assert "早**" in phone.page.locator(".bar").inner_text()


def rows_of(server, venue, phone):
    """Return what the hand-over sheet has of the operator at this phone."""
    told = server.get("/handover", venue.supervisor, params={"operator": "4711"}).json()
    return [row for row in told["rows"] if row["device_id"] == phone.device_id()]


def test_same_badge_signs_out_however_a_reader_sends_it(phone, server, venue):
    phone.wedge(f"]Q1{venue.operator.badge.lower()}")
    expect(phone.page.locator(".bar")).not_to_contain_text("4711")
    assert operator_at(server, phone) is None
    phone.wedge(f"]Q1{venue.operator.badge}")

    expect(phone.page.locator(".bar")).to_contain_text("4711")
    assert operator_at(server, phone) == "4711"


def operator_at(server, phone):
    device = Member(phone.device_id(), phone.kept("identity")["token"])
    return server.get("/devices/self", device).json()["operator"]


def test_sign_out_that_was_lost_is_said_again(phone, server):
    phone.page.route("**/sign-out", lambda route: route.abort())
    phone.page.click(".tools button:nth-child(4)")
    phone.page.click(".panel .choice >> nth=2")
    phone.page.get_by_role("button", name="签退").click()
    expect(phone.page.locator(".bar")).not_to_contain_text("4711")
    assert operator_at(server, phone) == "4711"
    phone.page.unroute("**/sign-out")
    with phone.page.expect_response("**/sign-out"):
        beat(phone)

    assert operator_at(server, phone) is None


def test_operator_who_was_disabled_is_signed_out_here_too(phone, server, venue):
    gate_server(venue.directory, "operator", "disable", "4711")
    beat(phone)
    expect(phone.page.locator(".bar")).not_to_contain_text("4711")
    phone.wedge(venue.operator.badge)

    expect(phone.page.locator(".notices")).to_contain_text("工牌无效")


# --- people, marshal, exchange -------------------------------------------------------------------


def test_party_is_asked_where_the_device_is_told_to(shared, server, venue):
    phone = shared
    gate_server(venue.directory, "device", "party", phone.device_id(), "ask")
    phone.page.reload()
    phone.await_link("online")
    sign_in(phone, venue.other)

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
        sign_in(phone, venue.other)

        said = phone.scan("DAY-020")

        assert said.startswith("verdict cyan verdict\n✓\n已登记到场，请继续排队")
        assert "排队号" in said
        assert "GO" not in said
        modes = phone.page.locator(".modes button")
        assert [each.get_attribute("data-mode") for each in modes.all()] == ["arrive", "check"]
        told = server.scan(venue.device, "DAY-020", mode="check")
        assert told["voucher"]["arrived_at"] is not None


def test_exchange_names_its_tickets_and_keeps_no_code(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server) as phone:
        phone.enrol(venue.code("exchange"))
        sign_in(phone, venue.other)
        with phone.page.expect_response("**/api/v1/scans") as answered:
            said = phone.scan("GROUP-1")
        tickets = answered.value.json()["tickets"]
        shown = phone.page.locator(".tickets li").all_inner_texts()
        kept = phone.page.content() + phone.storage()

        assert said.startswith("verdict cyan verdict\n✓\n换票成功，请取票\n")
        assert "TICKETS" in said
        assert shown == [each["ticket"] for each in tickets]
        assert len({*shown}) == 4
        assert [each["code"] for each in tickets if each["code"][4:] in kept] == []
        assert phone.scan("GROUP-1").startswith("verdict red")
        assert "票" in phone.verdict()
        entered = [
            server.scan(venue.device, each["code"], operator="4712")["reason"] for each in tickets
        ]
        assert entered == ["admitted"] * 4
