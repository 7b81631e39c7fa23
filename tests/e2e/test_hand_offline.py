"""The hand scanner without its server: it says so, keeps what is evidence, and invents nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from scanner_client.decode import read_all
from scanner_client.rescue import ZXING_STAGES
from tests.e2e.hand import (
    PHONE,
    Phone,
    Power,
    Venue,
    a_phone,
    arguments,
    chromium,
    without_camera,
)
from tests.e2e.processes import mentioning, wait_until


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    return Venue(tmp_path_factory.mktemp("hand"))


@pytest.fixture(scope="module")
def power_of_all(venue):
    power = Power(venue.directory)
    power.on()
    yield power
    power.off()


@pytest.fixture
def power(power_of_all):
    """The power, which is on."""
    if not power_of_all.running:
        power_of_all.on()
    return power_of_all


@pytest.fixture(scope="module")
def browser_of_phones(playwright, venue):
    browser = chromium(playwright, venue)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def shared(browser_of_phones, power_of_all, venue):
    venue.open_east_gate(power_of_all.server)
    # The tests' own way past the browser asks nobody for a certificate.
    with a_phone(browser_of_phones, power_of_all.server, ignore_https_errors=True) as phone:
        yield phone.enrol(venue.code())


@pytest.fixture
def phone(shared, power):
    """A phone at work, whose server is there."""
    shared.server = power.server
    shared.page.keyboard.press("Escape")
    shared.page.keyboard.press("Escape")
    shared.turn_to("admit")
    shared.await_link("online")
    yield shared
    shared.page.unroute_all()


def lose_answers(phone, path, times):
    """Have the server get these calls and the phone not hear its answers."""
    left = {"times": times}

    def answer(route):
        left["times"] -= 1
        if left["times"] >= 0:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    phone.page.route(path, answer)


def test_without_the_server_it_says_so_at_once_and_decides_nothing(phone, power, venue):
    assert phone.scan("DAY-000").startswith("verdict green")
    power.cut()

    began_s = time.monotonic()
    said = phone.scan("DAY-001")
    took_s = time.monotonic() - began_s

    assert said.startswith("verdict grey offline\n⚠\n离线\n\nOFFLINE")
    assert "最近可用：East gate" in said
    assert took_s < 3
    phone.page.keyboard.press("Escape")
    phone.turn_to("count")
    phone.page.click('[data-kind="vip"]')
    expect(phone.page.locator('[data-kind="vip"] output')).to_have_text("1")
    phone.page.keyboard.press("Escape")
    expect(phone.page.locator(".notices")).to_contain_text("待上传 1")

    server = phone.server = power.on()
    phone.await_link("online")
    expect(phone.page.locator(".notices")).not_to_contain_text("待上传 1")
    assert phone.scan("DAY-001").startswith("verdict green")
    counted = server.get("/stats", venue.supervisor).json()
    assert counted["inside"] == 3


def test_call_for_help_waits_for_the_server_and_is_sent_with_its_time(phone, power, venue):
    power.cut()
    phone.page.click(".bar .help")
    phone.page.click(".choice.sure")
    expect(phone.page.locator(".notices")).to_contain_text("联网后")
    kept = phone.kept("help")
    server = power.on()
    phone.await_link("online")
    # Nobody is on the duty list, so nobody is called, and it says so.
    expect(phone.page.locator(".notices")).to_contain_text("值班名单为空")
    made = server.get("/incidents", venue.supervisor).json()["incidents"][0]
    server.post(f"/incidents/{made['incident_id']}/close", venue.supervisor, {"summary": "over"})

    assert made["called_at"][:19] == kept["called_at"][:19]
    assert made["called_at"] < made["opened_at"]
    assert phone.kept("help") is None


def test_admission_that_nobody_was_shown_is_taken_back(phone, power, venue):
    lose_answers(phone, "**/api/v1/scans", 2)
    assert phone.scan("DAY-010").startswith("verdict grey offline")
    assert power.server.scan(venue.device, "DAY-010")["reason"] == "used_up"

    # The phone said that it knew nothing, so nobody passed; the visitor went to another lane.
    def taken_back():
        seen = power.server.scan(venue.device, "DAY-010", mode="check")
        return seen["outcome"] == "admit"

    wait_until(taken_back, 10, "the annulment")
    assert power.server.scan(venue.device, "DAY-010")["reason"] == "admitted"


def test_same_code_again_gets_the_answer_that_was_lost(phone, power, venue):
    lose_answers(phone, "**/api/v1/scans", 2)
    assert phone.scan("DAY-011").startswith("verdict grey offline")

    assert phone.scan("DAY-011").startswith("verdict green")
    phone.page.wait_for_timeout(2100)
    with phone.page.expect_response("**/devices/self/heartbeat"):
        phone.page.evaluate("dispatchEvent(new Event('online'))")
    assert power.server.scan(venue.device, "DAY-011")["reason"] == "used_up"


def test_two_scans_at_once_are_both_shown(phone):
    phone.page.evaluate(NOTE_VERDICTS)

    phone.page.evaluate(PRESS, "DAY-030\nDAY-031\n")
    expect(phone.page.locator(".verdict")).to_contain_text("-031")

    shown = phone.page.evaluate("window.shown")
    assert [tail for tail in ("-030", "-031") if any(tail in text for text in shown)] == [
        "-030",
        "-031",
    ]


NOTE_VERDICTS = """() => {
    window.shown = [];
    const note = () => window.shown.push(document.querySelector(".verdict").textContent);
    new MutationObserver(note).observe(document.querySelector(".verdict"), { childList: true });
}"""
PRESS = """(text) => {
    for (const each of text) {
        const key = each === "\\n" ? "Enter" : each;
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    }
}"""


def stamps_of(server, venue, code):
    """Return when the server says that a code's holder arrived."""
    voucher = server.scan(venue.device, code, mode="check")["voucher"]
    return datetime.fromisoformat(voucher["arrived_at"])


def test_kept_stamps_survive_a_killed_browser_and_arrive_once(playwright, power, venue, tmp_path):
    with a_browser_that_stays(playwright, venue, tmp_path / "profile") as context:
        phone = Phone(context, power.server).enrol(venue.code("marshal"))
        assert phone.scan("DAY-020").startswith("verdict cyan")
        phone.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        power.cut()

        said = phone.scan("DAY-021")
        stamped_s = time.time()
        assert said.startswith("verdict kept kept\n✎\n已登记")
        assert "票未核验" in said
        assert "付款码" in phone.scan("134567890123456789")
        expect(phone.page.locator(".notices")).to_contain_text("待上传 1")
        for pid in mentioning(str(tmp_path / "profile")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    with a_browser_that_stays(playwright, venue, tmp_path / "profile") as context:
        phone = Phone(context, power.server)
        phone.page.goto(f"{power.server.url}/scan")
        phone.await_link("offline")
        expect(phone.page.locator(".notices")).to_contain_text("待上传 1")
        kept = phone.page.evaluate(KEPT)
        assert [list(line) for line in kept] == [["stamp", "scanned_at", "code"]]
        lose_answers(phone, "**/api/v1/scans/batch", 1)

        phone.server = server = power.on()
        expect(phone.page.locator(".notices")).not_to_contain_text("待上传", timeout=20_000)

        assert abs(stamps_of(server, venue, "DAY-021").timestamp() - stamped_s) < 3
        assert phone.page.evaluate(KEPT) == []
        again = phone.scan("DAY-021")
        assert "排队号" in again
        phone.check()


# --- attested arrivals ---------------------------------------------------------------------------


def stamps_in_queue(phone, venue):
    """Sign in as a marshal, and choose the closed queue that the server tells of."""
    phone.enrol(venue.code("marshal"))
    phone.wedge(venue.other.badge)
    expect(phone.page.locator(".bar")).to_contain_text(venue.other.number)
    phone.page.click(".tools .queue")
    phone.page.click(".panel .choice >> nth=0")


def test_stamps_name_the_closed_queue_also_without_the_server(browser_of_phones, power, venue):
    at = (datetime.now(UTC) - timedelta(minutes=2)).replace(microsecond=0)
    body = {"reason": "long tail", "gate_id": "G1", "closed_at": at.isoformat()}
    closed = power.server.post("/queues", venue.supervisor, body).json()
    with a_phone(browser_of_phones, power.server, ignore_https_errors=True) as phone:
        stamps_in_queue(phone, venue)
        phone.page.reload()
        strip, server = phone.page.locator(".strip"), power.server
        expect(strip).to_contain_text(closed["queue_id"])
        expect(strip).to_contain_text(f"Stamps count as queue {closed['queue_id']}, closed at")
        phone.await_link("online")
        stamped = phone.scan("DAY-040")
        phone.context.set_offline(True)
        kept = phone.scan("DAY-041")
        lines = phone.page.evaluate(KEPT)
        phone.context.set_offline(False)
        expect(phone.page.locator(".notices")).not_to_contain_text("待上传", timeout=20_000)
        phone.page.keyboard.press("Escape")
        strip.get_by_role("button").click()
        expect(strip).to_have_count(0)
        plain = phone.scan("DAY-042")
        phone.page.keyboard.press("Escape")
        phone.page.click(".tools .queue")
        phone.page.click(".panel .choice >> nth=0")
        expect(strip).to_be_visible()
        over = f"/queues/{closed['queue_id']}/reopen"
        assert server.post(over, venue.supervisor, {"reason": "gone"}).is_success
        phone.page.evaluate("dispatchEvent(new Event('online'))")
        expect(strip).to_have_count(0)

        assert f"{closed['queue_id']}, attested by 4712" in stamped
        assert f"Stamps count as queue {closed['queue_id']}" in kept
        assert [(line["queue"], line["operator"]) for line in lines] == [
            (closed["queue_id"], "4712")
        ]
        assert [stamps_of(server, venue, code) for code in ("DAY-040", "DAY-041")] == [at, at]
        assert "attested" not in plain
        assert stamps_of(server, venue, "DAY-042") > at


def test_slip_is_remembered_until_its_voucher_is_scanned(phone, power, venue):
    first, second = (slip.number for slip in venue.slips)
    body = {"first": first, "last": second, "gate_id": "G1"}
    handed = power.server.post("/slips/handouts", venue.supervisor, body).json()
    strip = phone.page.locator(".strip")
    alone = phone.scan(venue.slips[0].code)
    phone.page.keyboard.press("Escape")
    expect(strip).to_contain_text("now scan its voucher")
    phone.turn_to("check")
    looked = phone.scan("DAY-043")
    phone.turn_to("admit")
    bound = phone.scan("DAY-043")
    expect(strip).to_have_count(0)
    next_one = phone.scan("DAY-044")
    phone.scan(venue.slips[1].code)
    phone.page.keyboard.press("Escape")
    strip.get_by_role("button").click()
    dropped = phone.scan("DAY-045")

    assert "号码单有效，请接着出示电子票" in alone
    assert looked.startswith("verdict cyan")
    assert bound.startswith("verdict green")
    assert f"slip {first}, attested by" in bound
    assert stamps_of(power.server, venue, "DAY-043") == datetime.fromisoformat(handed["handed_at"])
    assert ["attested" in each for each in (next_one, dropped)] == [False, False]
    assert venue.slips[1].code not in phone.storage()


def test_slip_is_forgotten_after_a_minute_and_by_a_clock_set_back(phone):
    assert phone.page.evaluate(SLIP_AT) == ["SLIP", "SLIP", None, None, None]


SLIP_AT = """async () => {
    const { SlipBeside } = await import("/static/scan/beside.js");
    let now = 1000000;
    const slips = new SlipBeside({ changed() {}, now: () => now });
    slips.note("SLIP", { reason: "slip_alone", voucher: null }, "admit");
    const at = (instant) => { now = instant; return slips.find("DAY"); };
    const found = [1000000, 1059999, 1060000, 999999].map(at);
    now = 1000000;
    return [...found, slips.find("SLIP")];
}"""


# --- slips ---------------------------------------------------------------------------------------


def refused(phone, power, venue):
    """Have a deal withdrawn and one of its vouchers refused; return the slip's sheet."""
    body = {"reason": "flash sale", "honour": None, "cost_bearer": "platform"}
    assert power.server.post("/deals/VOID/void", venue.supervisor, body).is_success
    assert phone.scan("VOID-2").startswith("verdict yellow")
    return phone.page.locator(".panel .slip")


def test_refused_visitor_is_told_all_and_gets_a_slip(phone, power, venue):
    sheet = refused(phone, power, venue)
    sentence = phone.page.locator(".verdict .sentence").first
    assert "平台已取消此活动。" in sentence.inner_text()
    assert "请到游客中心。" in sentence.inner_text()
    phone.page.click(".verdict .give")
    expect(sheet).to_contain_text("仅证明到场，不能入园")
    expect(sheet).to_contain_text("闪购<script>")
    number = sheet.locator("h3").inner_text()
    picture = sheet.locator("svg.qr")
    shot = cv2.imdecode(np.frombuffer(picture.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    [reading] = read_all(shot, ZXING_STAGES)
    phone.page.keyboard.press("Escape")
    phone.turn_to("check")
    proven = phone.scan(reading.text)
    phone.turn_to("admit")

    assert f"凭条 {number}" in proven
    assert "活动已取消" in proven
    assert sheet.locator(".copy").count() == 0
    assert phone.problems == []


def test_slip_given_again_is_a_copy_and_without_the_server_there_is_none(phone, power, venue):
    sheet = refused(phone, power, venue)
    phone.page.click(".verdict .give")
    expect(sheet.locator("svg.qr")).to_be_visible()
    phone.page.keyboard.press("Escape")
    phone.page.click(".verdict .give")
    expect(sheet.locator(".copy")).to_have_text("补打第 2 份 Copy 2")
    phone.page.keyboard.press("Escape")
    phone.context.set_offline(True)
    phone.page.click(".verdict .give")
    expect(sheet.locator(".bad").first).to_contain_text("离线时不能签名")
    phone.context.set_offline(False)
    phone.await_link("online")


KEPT = """async () => {
    const queue = await import("/static/scan/queue.js");
    return (await queue.lines()).map(([, line]) => line);
}"""


@contextlib.contextmanager
def a_browser_that_stays(playwright, venue, profile):
    """Open a browser whose storage is on disk; it may be killed meanwhile."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=shutil.which("chromium"),
        args=arguments(venue),
        viewport=PHONE,
        locale="zh-CN",
        ignore_https_errors=True,
    )
    without_camera(context)
    try:
        yield context
    finally:
        with contextlib.suppress(Exception):
            context.close()
