"""The lane screen of a real scanner with a real gate server, in a real browser."""

import json
import resource
import signal
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests import nursery
from tests.e2e.processes import gate_server, is_listening, wait_until
from tests.frames import a_frame, save
from tests.people import an_operator
from tests.readers import Device
from tests.scanner_client.test_cli import PROGRAM, scanner
from tests.scanner_client.test_lamp import a_bulb
from tests.server import Park, a_free_port, a_running_server, slug_of

SETTINGS = """
heartbeat_s = 0.2
poll_s = 0.5
away_s = 0.5
bell = false
[screen]
port = {port}
verdict_s = 2.0
[lamp]
kind = "http"
url = "{lamp}"
[barrier]
kind = "http"
address = "{barrier}open"
passage_url = "{barrier}passed"
"""
USED, CHILD, HELD, VOIDED, FRESH = (f"SCREEN-{name}-0001" for name in "ABCDE")
FAMILY = "SCREEN-F-0001"
BACK_WITHIN_S = 30


class Barrier:
    """A turnstile that everybody whom it is opened for goes through at once."""

    def __init__(self):
        self.turned, self.fault = 0, ""

    def answer(self, body):
        self.turned += bool(body.get("open"))
        return {"turned": self.turned, "fault": self.fault}


@contextmanager
def a_barrier():
    """Serve a turnstile over HTTP; give it and its address."""
    barrier = Barrier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            body = json.dumps(barrier.answer(json.loads(self.rfile.read(length) or b"{}")))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST  # noqa: N815 (the name that the library calls)

        def log_message(self, *_):
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield barrier, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Venue:
    """A gate server, a scanner with a screen, and a page that shows it."""

    def __init__(self, folder, server, boss, *, page, lamp, barrier):
        self.folder, self.server, self.boss = folder, server, boss
        self.page, self.lamp, self.barrier = page, lamp, barrier
        self.screen_port = a_free_port()
        self.process = None
        self.count = 0

    @property
    def settings(self):
        return SETTINGS.format(port=self.screen_port, lamp=self.lamp, barrier=self.barrier)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.screen_port}/"

    def start(self, *options, source=None):
        state = self.folder / "scanner"
        (self.folder / "pictures").mkdir(exist_ok=True)
        # What lies there at its start would be new to it.
        for picture in (self.folder / "pictures").iterdir():
            picture.unlink()
        (state / "scanner.toml").write_text(self.settings, "utf-8")
        source = ("folder", self.folder / "pictures") if source is None else (source,)
        options = ("run", "--source", *source, "--state", state, *options)
        with (self.folder / "scanner.log").open("ab") as log:
            self.process = nursery.start(PROGRAM, *options, stdout=log, stderr=log)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(15)

    def present(self, code):
        """Hold a code before the reader."""
        self.count += 1
        save(self.folder / "pictures" / f"{self.count:04}.png", a_frame(code))

    def see(self, scene, **data):
        """Wait until the page draws a scene."""
        wanted = "".join(f"[data-{name}={value}]" for name, value in data.items())
        self.page.wait_for_selector(f"body[data-scene={scene}]{wanted}", timeout=20_000)

    def scan(self, code):
        """Hold a code before the reader; return the word and the sentence of its verdict."""
        self.present(code)
        # Each code has another sentence or word than the one before it.
        before = self.page.locator("#stage").inner_text()
        self.page.wait_for_function(
            "before => document.body.dataset.scene === 'verdict'"
            " && document.querySelector('#stage').innerText !== before",
            arg=before,
            timeout=20_000,
        )
        return self.page.locator(".word").inner_text(), self.page.locator("#stage").inner_text()

    def order(self, path, **body):
        answer = self.server.post(path, self.boss, body)
        assert answer.status_code in {200, 201}, slug_of(answer)
        return answer.json()


@pytest.fixture(scope="module")
def venue(tmp_path_factory, browser):
    folder = tmp_path_factory.mktemp("screen")
    park = Park(folder / "var")
    park.offer("KIDS", category="child", title="儿童票 Child ticket")
    park.offer("NIGHT", title="夜场票 Night ticket")
    park.offer("FLASH", title="抢购 Flash sale")
    park.sell(USED, FRESH)
    park.sell(CHILD, deal_id="KIDS")
    park.sell(HELD, deal_id="NIGHT")
    park.sell(VOIDED, deal_id="FLASH")
    park.sell(FAMILY, admits="5")
    code, boss, operator = park.invite(), park.hire(), an_operator(park)
    park.close()
    context = browser.new_context()
    with (
        a_running_server(folder / "var") as server,
        a_bulb() as (bulb, lamp),
        a_barrier() as (barrier, address),
    ):
        scanner("enrol", server.url, code, "--state", folder / "scanner")
        device_id = json.loads((folder / "scanner/device.json").read_text())["device_id"]
        gate_server(folder / "var", "device", "party", device_id, "ask")
        page = context.new_page()
        venue = Venue(folder, server, boss, page=page, lamp=lamp, barrier=address)
        venue.bulb, venue.turnstile, venue.operator = bulb, barrier, operator
        venue.device_id = device_id
        venue.order("/deals/NIGHT/hold", reason="price looks wrong")
        void = {"reason": "flash-sale limit failed", "honour": None, "cost_bearer": "platform"}
        venue.order("/deals/FLASH/void", **void)
        venue.start()
        try:
            wait_until(lambda: is_listening(venue.screen_port), 20, "the lane screen")
            venue.page.goto(venue.url)
            yield venue
        finally:
            venue.stop(signal.SIGKILL)
            context.close()


def test_each_outcome_of_a_real_server_is_shown(venue):
    venue.see("waiting")
    word, text = venue.scan(USED)
    assert (word, "1 人" in text, "请通行" in text) == ("GO", True, True)
    word, text = venue.scan(CHILD)
    assert (word, "儿童" in text, "child" in text.lower()) == ("GO", True, True)
    word, text = venue.scan(HELD)
    assert (word, "人工核验" in text) == ("CALL", True)
    word, text = venue.scan(VOIDED)
    assert (word, "withdrawn" in text) == ("STOP", True)
    assert venue.page.evaluate("document.body.dataset.quiet") == "true"
    word, text = venue.scan(USED)
    assert (word, "Fully used" in text, "South gate" in text) == ("STOP", True, True)
    assert venue.page.evaluate("document.body.dataset.colour") == "red"
    assert [colour for colour in venue.bulb.told if colour][:2] == ["green", "green"]
    wait_until(lambda: venue.bulb.told[-1] == "red", 5, "the red lamp")


def test_call_answered_without_letting_in_ends_the_wait_at_the_lane(venue):
    venue.scan(HELD)
    scan, turned = scan_of(venue), venue.turnstile.turned
    answer = f"/scans/{scan['nonce']}/answer"
    venue.order(answer, device_id=scan["device_id"], reason="goes to the desk")
    venue.page.wait_for_function("() => document.querySelector('.word')?.textContent === 'STOP'")

    assert "本次未能放行" in venue.page.locator("#stage").inner_text()
    assert venue.turnstile.turned == turned
    venue.see("waiting")


def test_supervisors_override_is_shown_at_the_lane_that_refused(venue):
    venue.scan(HELD)
    scan, turned = scan_of(venue), venue.turnstile.turned
    override = f"/scans/{scan['nonce']}/override"
    venue.order(override, device_id=scan["device_id"], reason="shown the receipt")
    venue.page.wait_for_function("() => document.querySelector('.word')?.textContent === 'GO'")

    assert "主管放行" in venue.page.locator("#stage").inner_text()
    # Shown once, and opened for once: the lane and its turnstile hear of it apart.
    venue.see("waiting")
    assert (venue.folder / "scanner.log").read_text("utf-8").count("主管放行") == 1
    assert venue.turnstile.turned == turned + 1


def scan_of(venue):
    """Return the newest scan that waits for a human."""
    return json.loads(gate_server(venue.folder / "var", "scan", "list", "--json"))[0]


def test_party_is_asked_and_answered_by_a_key(venue):
    venue.present(FAMILY)
    venue.see("question")
    assert "几位" in venue.page.locator("#stage").inner_text()
    venue.page.keyboard.press("3")
    venue.see("verdict")

    text = venue.page.locator("#stage").inner_text()
    assert ("3 人" in text, "余 2 人" in text) == (True, True)


def test_broadcast_stands_between_scans_and_is_acknowledged(venue):
    message = {"zh": "请引导游客到东门<b>", "en": "Send visitors to the east gate"}
    told = venue.order("/broadcasts", message=message, priority="high", gates=["G1"])
    strip = venue.page.locator(".broadcast.high")
    strip.wait_for(timeout=5000)
    text = strip.inner_text()
    venue.scan(USED)
    over_verdict = strip.count()
    strip.wait_for(timeout=10_000)
    path = f"/broadcasts/{told['broadcast_id']}"

    def seen():
        answer = venue.server.get(path, venue.boss).json()
        return [each["device_id"] for each in answer["seen_by"]] == [venue.device_id]

    wait_until(seen, 5, "the acknowledgement")
    venue.order(f"{path}/end", reason="over")
    strip.wait_for(state="detached", timeout=5000)

    assert [part in text for part in message.values()] == [True, True]
    assert over_verdict == 0


def test_operator_signs_in_by_badge_and_stands_on_the_screen(venue):
    here = venue.page.locator(".operator")
    venue.present(venue.operator.badge)
    venue.see("verdict")
    word = venue.page.locator(".word").inner_text()
    here.wait_for()
    name = here.inner_text()
    shown = venue.page.content()
    venue.see("waiting")
    venue.present(venue.operator.badge)
    here.wait_for(state="detached")

    assert (word, name) == ("STAFF", "4711 早**")
    assert venue.operator.badge not in shown


def test_jammed_turnstile_puts_the_lane_out_of_order_until_it_is_repaired(venue):
    venue.turnstile.fault = "motor"
    venue.see("broken")
    text = venue.page.locator("#stage").inner_text()
    venue.turnstile.fault = ""
    venue.see("waiting")

    assert "闸机故障" in text
    assert "turnstile fault" in text


def test_closed_gate_and_emergency_are_shown_within_two_seconds(venue):
    venue.order("/gates/G1/state", state="paused", reason="turnstile stuck")
    venue.see("closed")
    venue.order("/gates/G1/state", state="open", reason="repaired")
    venue.see("waiting")
    ordered_s = time.monotonic()
    venue.order("/venue/emergency", on=True, reason="smoke")
    venue.see("emergency")
    took_s = time.monotonic() - ordered_s
    venue.order("/venue/emergency", on=False, reason="all clear")
    venue.see("waiting")

    assert took_s < 2


def test_full_disk_puts_the_lane_out_of_order_until_there_is_room(venue):
    pid = venue.process.pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    venue.see("broken")
    text = venue.page.locator("#stage").inner_text()
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    venue.see("waiting")

    assert "无法记录" in text


def test_killed_scanner_is_out_of_order_and_back_by_itself(venue):
    venue.page.evaluate("window.same = true")
    venue.stop(signal.SIGKILL)
    killed_s = time.monotonic()
    venue.see("broken", gone="true")
    noticed_s = time.monotonic() - killed_s
    started_s = time.monotonic()
    venue.start()
    venue.see("waiting")
    back_s = time.monotonic() - started_s

    assert noticed_s < 6
    assert back_s < BACK_WITHIN_S
    assert venue.page.evaluate("window.same") is True


def test_lane_goes_on_without_its_server_and_says_so(venue):
    venue.server.stop(signal.SIGKILL)
    venue.page.wait_for_selector(".offline", timeout=20_000)
    strip = venue.page.locator(".offline").inner_text()
    word, text = venue.scan(FRESH)

    assert "Offline since" in strip
    assert "离线验票" in strip
    assert (word, "请通行" in text) == ("GO", True)
    assert venue.page.locator(".offline").count() == 1


@pytest.fixture(scope="module")
def learning(venue):
    """A lane with one serial reader where staff practise; its server is still away."""
    venue.stop()
    # A lasting name, as the system gives it to a reader that comes and goes.
    with Device(venue.folder / "reader") as reader:
        venue.start("--practice", source=f"serial:{reader.path}")
        venue.page.wait_for_selector("body[data-scene=waiting]:has(#practice:not([hidden]))")
        yield reader


def test_practice_is_marked_and_moves_nothing(venue, learning):
    marked = venue.page.locator("#practice")
    before = marked.is_visible()
    lit, turned = len(venue.bulb.told), venue.turnstile.turned
    learning.send(b"PRACTICE-admitted\r")
    venue.see("verdict", colour="green")
    word = venue.page.locator(".word").inner_text()
    sentence = venue.page.locator("#stage").inner_text()
    during = marked.is_visible()
    venue.see("waiting")

    assert (before, word, during) == (True, "GO", True)
    assert "PRACTICE:" in sentence
    assert [colour for colour in venue.bulb.told[lit:] if colour] == []
    assert venue.turnstile.turned == turned


def test_lane_without_a_reader_is_out_of_order_until_it_is_plugged_in_again(venue, learning):
    learning.unplug()
    venue.see("broken")
    text = venue.page.locator("#stage").inner_text()
    learning.plug()
    venue.see("waiting")

    assert "读码器断开" in text
    assert "reader unplugged" in text
