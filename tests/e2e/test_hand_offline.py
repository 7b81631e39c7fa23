"""The hand scanner without its server: it says so, keeps what is evidence, and invents nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.e2e.hand import PHONE, Phone, Venue, a_phone, arguments, chromium, without_camera
from tests.e2e.processes import mentioning, wait_until
from tests.server import a_free_port, a_running_server


class Power:
    """A server that is cut off and comes back at the same address."""

    def __init__(self, directory):
        self.directory, self.port, self._running = directory, a_free_port(), None

    def on(self):
        self._running = a_running_server(self.directory, tls=True, port=self.port)
        self.server = self._running.__enter__()
        return self.server

    def cut(self):
        os.kill(self.server.worker(), signal.SIGKILL)
        self.server.process.kill()
        self._running.__exit__(None, None, None)
        self._running = None

    @property
    def running(self):
        return self._running is not None

    def off(self):
        if self.running:
            self.cut()


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
    phone.page.wait_for_function("document.querySelector('.notices').innerText.includes('联网后')")
    kept = phone.kept("help")
    server = power.on()
    phone.await_link("online")
    phone.page.wait_for_function("document.querySelector('.notices').innerText.includes('等待')")
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
