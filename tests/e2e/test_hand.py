"""The hand scanner in a real browser as wide as a phone, over TLS by the venue's own authority."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.chance import without_chance
from tests.e2e.hand import CAMERA_CODE, Venue, a_phone, a_video, chromium
from tests.e2e.processes import gate_server
from tests.server import a_running_server


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    return Venue(tmp_path_factory.mktemp("hand"))


@pytest.fixture(scope="module")
def server(venue):
    with a_running_server(venue.directory, tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def browser_of_phones(playwright, venue, tmp_path_factory):
    video = a_video(tmp_path_factory.mktemp("camera") / "lane.mjpeg")
    browser = chromium(playwright, venue, video)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def shared(browser_of_phones, server, venue):
    """A phone without a camera, enrolled once for what is only looked at."""
    with a_phone(browser_of_phones, server) as phone:
        yield phone.enrol(venue.code())


@pytest.fixture
def phone(shared):
    shared.page.keyboard.press("Escape")
    shared.page.keyboard.press("Escape")
    yield shared
    shared.page.keyboard.press("Escape")
    shared.turn_to("admit")


def told_elsewhere(site, venue, code):
    """Return what another device is told of a code."""
    return site.scan(venue.device, code)


# --- camera and enrolment ------------------------------------------------------------------------


def test_camera_to_recorded_verdict_over_tls(browser_of_phones, server, venue):
    with a_phone(
        browser_of_phones, server, locale="en-GB", camera=True, permissions=["camera"]
    ) as phone:
        phone.enrol(venue.code())

        said = phone.verdict()

        assert re.match(r"verdict green verdict\n✓\nGO\n+请通行\n+4 people", said)
        assert "…7F3A" in said
        again = told_elsewhere(server, venue, CAMERA_CODE)
        assert (again["reason"], again["voucher"]["first_use"]["gate_id"]) == ("used_up", "G1")
        # The code stays before the lens: it is one scan, and what was shown stays as it was.
        phone.page.wait_for_timeout(500)
        assert phone.verdict() == said


def test_invitation_is_good_once_and_leaves_no_trace(browser_of_phones, server, venue):
    code = venue.code()
    with a_phone(browser_of_phones, server) as phone:
        phone.page.goto(f"{server.url}/enrol#{code}.key")
        phone.page.click("#here")
        phone.page.fill("#enrol-name", "一号手机")
        phone.page.click(".go")
        phone.await_link("online")

        assert phone.page.url == f"{server.url}/scan"
        assert code not in phone.storage()
        expect(phone.page.locator(".bar")).to_contain_text("一号手机")
    with a_phone(browser_of_phones, server) as second:
        second.page.goto(f"{server.url}/scan#{code}.key")
        second.page.click(".go")

        expect(second.page.locator(".bad")).to_contain_text("登记码已用过或已过期")
        assert "token" not in second.storage()


def test_answer_that_was_lost_makes_no_second_device(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server, ignore_https_errors=True) as phone:
        lose = {"left": 3}

        def answer(route):
            lose["left"] -= 1
            if lose["left"] >= 0:
                route.fetch()
                route.abort()
            else:
                route.continue_()

        phone.page.route("**/devices/enrol", answer)
        phone.page.goto(f"{server.url}/scan#{venue.code()}.key")
        phone.page.click(".go")
        expect(phone.page.locator(".bad")).to_contain_text("请再按一次")
        phone.page.click(".go")

        phone.await_link("online")


def test_only_an_invitation_is_read_as_one(phone):
    read = """async (text) => (await import("/static/scan/enrol.js")).readInvitation(text)"""

    told = phone.page.evaluate(read, "https://gate.example:8443/enrol#226S-HZ6H-F7ND.key")
    assert told == {"origin": "https://gate.example:8443", "code": "226S-HZ6H-F7ND"}
    for other in ("9K3F-22AX-8K2F", "javascript:alert(1)#226S-HZ6H-F7ND", "https://x/y#226SHZ6HF7"):
        assert phone.page.evaluate(read, other) is None


def test_revoked_phone_wipes_itself_and_says_so(browser_of_phones, server, venue):
    with a_phone(browser_of_phones, server) as phone:
        phone.enrol(venue.code())
        gate_server(venue.directory, "device", "revoke", phone.device_id())
        phone.page.keyboard.type("DAY-001")
        phone.page.keyboard.press("Enter")

        expect(phone.page.locator(".bad")).to_contain_text("此设备已停用")
        kept = json.loads(phone.storage())[0]
        assert [[name for name, _ in store] for store in kept] == [["settings"], [], [], []]


# --- verdicts ------------------------------------------------------------------------------------


def test_verdicts_look_as_at_every_lane(phone, server, venue):
    assert re.match(r"verdict green verdict\n✓\n请通行\n+GO\n+1 人", phone.scan("DAY-010"))
    refused = phone.scan("DAY-010")
    assert re.match(r"verdict red verdict\n✕\n暂不能入园\n+STOP", refused)
    assert "South gate" in refused
    assert phone.scan("NO-SUCH-CODE").startswith("verdict red")
    phone.turn_to("check")
    assert re.match(r"verdict cyan verdict\n✓\n此票有效\n+VALID", phone.scan("DAY-011"))
    assert told_elsewhere(server, venue, "DAY-011")["reason"] == "admitted"


def test_voided_deal_is_quiet(phone, server, venue):
    body = {"reason": "flash sale", "honour": None, "cost_bearer": "platform"}
    server.post("/deals/VOID/void", venue.supervisor, body)

    assert re.match(r"verdict yellow verdict\n✕\n暂不能入园\n+STOP", phone.scan("VOID-1"))


def test_language_is_switched_with_one_press(phone):
    phone.page.click(".lang:not(.help)")
    english = phone.scan("DAY-012")
    phone.page.keyboard.press("Escape")
    phone.page.click(".lang:not(.help)")

    assert re.match(r"verdict green verdict\n✓\nGO\n+请通行\n+1 person", english)
    assert phone.scan("DAY-013").startswith("verdict green verdict\n✓\n请通行")


def test_category_that_needs_a_second_look_is_large(phone):
    assert "儿童 CHILD" in phone.scan("CHILD-1")


def test_what_a_platform_wrote_is_text(phone):
    said = phone.scan("HOSTILE-1")

    assert '<img src=x onerror="window.hacked=1"><b>票</b>' in said
    assert phone.page.evaluate("window.hacked") is None


def test_override_of_a_supervisor_reaches_the_phone(phone, server, venue):
    phone.scan("DAY-014")
    assert phone.scan("DAY-014").startswith("verdict red")
    body = {"device_id": phone.device_id(), "reason": "known to us"}
    server.post(f"/scans/{phone.last_nonce}/override", venue.supervisor, body)

    expect(phone.page.locator(".verdict.green")).to_contain_text("请通行")


def test_staff_codes_are_never_sent_as_scans(phone, server):
    before = len([url for url in phone.requests if url.endswith("/scans")])
    said = phone.scan(f"{server.url}/enrol#226S-HZ6H-F7ND-4XJN.key")

    assert "不是入园码" in said
    assert len([url for url in phone.requests if url.endswith("/scans")]) == before


# --- people, picks, corrections ------------------------------------------------------------------


def test_party_by_hand_and_running_count_of_the_order(phone):
    phone.page.click(".tools button:nth-child(2)")
    phone.page.click(".number:nth-child(3)")

    said = phone.scan("CLASS-1")
    assert "3 人" in said
    assert "余 2 人" in said
    assert "本单已入 3 / 10 人" in said
    assert "本单已入 8 / 10 人" in phone.scan("CLASS-2")


def test_order_code_lists_its_vouchers_to_pick_one(phone):
    phone.wedge("ORDER-4C")
    rows = phone.page.locator(".panel .voucher")
    expect(rows).to_have_count(2)
    rows.nth(0).click()

    assert "2 人" in phone.verdict()


def test_annul_takes_back_part_of_a_party(phone, server, venue):
    phone.scan("FAMILY-1")
    phone.page.click(".verdict .annul")
    phone.page.click(".panel .number:nth-child(3)")
    phone.page.click(".panel .choice >> nth=0")

    expect(phone.page.locator(".good")).to_have_text("已撤销 3 人")
    left = server.scan(venue.device, "FAMILY-1", mode="check", party=1)
    assert left["admitted"] + left["remaining"] == 3


def test_last_five_are_kept_in_memory_only(phone):
    for number in range(20, 27):
        phone.scan(f"DAY-{number:03}")
    phone.page.keyboard.press("Escape")
    phone.page.click(".tools button:nth-child(3)")

    rows = phone.page.locator(".panel .scan")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text("尾号 -026")
    assert "DAY-" not in phone.storage()
    assert "-026" not in without_chance(phone.storage())


def test_voucher_is_found_by_phone_and_let_in(phone):
    phone.page.click(".tools button:nth-child(4)")
    phone.page.click(".panel .choice >> nth=0")
    phone.page.fill("#lookup-phone", "13800138000")
    phone.page.keyboard.press("Enter")
    phone.page.click(".found .voucher")

    assert phone.verdict().startswith("verdict green")


def test_buyer_is_told_by_the_end_of_the_phone(phone, server, venue):
    told_elsewhere(server, venue, "PHONED-2")
    phone.scan("PHONED-2")
    phone.page.click(".actions .verify")
    answers = []
    for digits in ("9999", "5678"):
        phone.page.fill("#verify-digits", digits)
        phone.page.click(".panel .go")
        answer = phone.page.locator(".panel .found p")
        expect(answer).to_have_class("bad" if digits == "9999" else "good")
        answers.append(answer.inner_text())

    assert answers == ["不一致，今天还可核对 2 次", "一致：是下单手机"]
    assert "5678" not in without_chance(phone.storage())


def test_people_without_a_voucher_are_counted_and_uncounted(phone, server, venue):
    def counted():
        return server.get("/stats", venue.supervisor).json()["inside"]

    before = counted()
    phone.turn_to("count")
    phone.page.click('[data-kind="free_child"]')
    expect(phone.page.locator('[data-kind="free_child"] output')).to_have_text("1")
    phone.page.click('[data-kind="staff"]')
    expect(phone.page.locator('[data-kind="staff"] output')).to_have_text("1")
    phone.page.click(".undo")
    expect(phone.page.locator('[data-kind="staff"] output')).to_have_text("0")

    assert counted() == before + 1


def test_exit_is_recorded(phone):
    phone.scan("DAY-030")
    phone.page.keyboard.press("Escape")
    phone.turn_to("exit")

    assert phone.scan("DAY-030").startswith("verdict green")


# --- the page itself -----------------------------------------------------------------------------


def test_keyboard_alone_is_enough(phone):
    phone.page.locator(".modes button").nth(1).focus()
    phone.page.keyboard.press("Enter")
    expect(phone.page.locator('[data-mode="check"]')).to_have_attribute("aria-pressed", "true")
    # A code that is typed while a button has the focus presses nothing.
    phone.page.locator(".modes button").nth(3).focus()
    assert phone.scan("DAY-031").startswith("verdict cyan")
    phone.page.keyboard.press("Enter")

    expect(phone.page.locator(".verdict")).to_be_hidden()
    expect(phone.page.locator('[data-mode="check"]')).to_have_attribute("aria-pressed", "true")


def reached_by_tab(phone, times):
    """Return in which part of the page the keyboard gets to."""
    inside = """() => document.activeElement.closest(".verdict, .panel, .bar, .foot")?.className"""
    found = set()
    for _ in range(times):
        phone.page.keyboard.press("Tab")
        found.add(phone.page.evaluate(inside))
    return found - {None}


def test_what_is_covered_is_reached_by_nobody(phone):
    more = phone.page.locator(".tools button").nth(3)
    more.focus()
    phone.page.keyboard.press("Enter")
    below_a_panel = reached_by_tab(phone, 5)
    phone.page.keyboard.press("Escape")
    expect(more).to_be_focused()
    said = phone.scan("DAY-034")
    below_a_verdict = reached_by_tab(phone, 4)
    read_out = phone.page.locator("#app").aria_snapshot()
    phone.page.keyboard.press("Escape")

    assert below_a_panel == {"panel"}
    assert below_a_verdict == {said.split("\n")[0]}
    assert "✓" not in read_out
    assert reached_by_tab(phone, 11) == {"bar", "foot"}
    expect(more).to_have_accessible_name("更多")


def test_reader_that_sends_no_enter_is_understood(phone):
    phone.page.keyboard.type("DAY-032")

    assert phone.verdict().startswith("verdict green")


def test_everything_fits_and_can_be_pressed_with_gloves(phone):
    wide = "document.documentElement.scrollWidth"
    for open_it in (lambda: None, lambda: phone.scan("DAY-033"), lambda: phone.turn_to("count")):
        phone.page.keyboard.press("Escape")
        open_it()
        assert phone.page.evaluate(wide) <= 360
        boxes = [each.bounding_box() for each in phone.page.locator("button:visible").all()]
        assert min(min(box["width"], box["height"]) for box in boxes) >= 44
    assert boxes[0]["y"] > 0


CONTRAST = """(place) => {
    const light = (text) => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map((each) => each / 255);
        const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = parts.map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(place);
    const [one, other] = [light(style.color), light(style.backgroundColor)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
}"""


@pytest.mark.parametrize("colour", ["green", "red", "yellow", "blue", "cyan", "kept", "grey"])
def test_verdict_can_be_read_in_sunlight(phone, colour):
    make = """(name) => {
        const place = document.createElement("section");
        place.id = "probe";
        place.className = `verdict ${name}`;
        document.body.append(place);
    }"""
    phone.page.evaluate(make, colour)
    contrast = phone.page.evaluate(CONTRAST, phone.page.query_selector("#probe"))
    phone.page.evaluate("document.getElementById('probe').remove()")

    assert contrast >= 7
