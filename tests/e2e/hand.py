"""A venue that staff's phones scan at, and such a phone: a real browser that a test handles."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
from contextlib import contextmanager

from playwright.sync_api import expect

from gate_server.attesting import print_slips
from gate_server.certificates import ca_fingerprint
from tests.conftest import QUIET
from tests.frames import a_frame, encoded
from tests.people import an_operator
from tests.server import Park, a_free_port, a_running_server

PHONE = {"width": 360, "height": 740}
CAMERA_CODE = "CAMERA-CODE-7F3A"
WITHIN_MS = 8_000

_TYPE = """
(keys) => {
  for (const key of keys) {
    const press = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    (document.activeElement ?? document.body).dispatchEvent(press);
  }
}
"""


class Venue:
    """A park's directory, furnished before its server is started, with codes to enrol phones by."""

    def __init__(self, directory, settings=""):
        park = Park(directory / "var", settings=settings)
        self.directory = park.directory
        self._furnish(park)
        self._codes = {
            "gate": [park.invite("gate", name="phone") for _ in range(8)],
            "marshal": [park.invite("marshal", name="phone") for _ in range(2)],
            "exchange": [park.invite("exchange", name="phone")],
        }
        self.device, self.east = park.enrol(), park.enrol(gate_id="G4")
        self.operator, self.other = an_operator(park), an_operator(park, "4712", "李雷")
        self.supervisor = park.hire("supervisor")
        self.slips = print_slips(park.ledger, park.keys, 2, by="test")
        pem = (park.directory / "keys/tls/ca.pem").read_bytes()
        # What the enrolment QR pins, as the browser wants it: standard base64, padded.
        key = ca_fingerprint(pem)
        self.spki = base64.b64encode(base64.urlsafe_b64decode(key + "=")).decode()
        park.close()

    def _furnish(self, park):
        park.add_gate("G3", "West gate", "park")
        park.add_gate("G4", "East gate", "park")
        park.offer("XSS", title='<img src=x onerror="window.hacked=1"><b>票</b>')
        park.offer("CHILD", category="child", title="儿童票")
        park.sell(*(f"DAY-{number:03}" for number in range(60)))
        park.sell(CAMERA_CODE, "FAMILY-1", "FAMILY-2", "FAMILY-3", admits="4")
        park.sell("CLASS-1", "CLASS-2", order_ref="ORDER-3B", admits="5")
        park.sell("PICK-1", "PICK-2", order_ref="ORDER-4C", admits="2")
        park.sell("PHONED-1", buyer_phone="13800138000")
        park.sell("PHONED-2", buyer_phone="13900005678")
        park.sell("HOSTILE-1", deal_id="XSS")
        park.sell("CHILD-1", deal_id="CHILD")
        park.offer("VOID", title="闪购<script>")
        park.sell("VOID-1", "VOID-2", deal_id="VOID")
        park.sell("GROUP-1", admits="4")
        park.offer("FLASH", title="闪购联票")
        park.sell("FLASH-1", "FLASH-2", deal_id="FLASH")

    def open_east_gate(self, server):
        """Have the scanner at the east gate be heard of, so that this lane works."""
        word = {"epoch": "", "replica_revision": 0, "replica_age_s": None, "outbox_depth": 0}
        assert server.post("/devices/self/heartbeat", self.east, word).is_success

    def code(self, profile="gate"):
        """Return an enrolment code that nobody has used."""
        return self._codes[profile].pop()


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


def a_video(path, *, noise=4):
    """Write what the camera sees: nothing, then a visitor's phone that shows its code."""
    seen = a_frame(noise=noise), a_frame(CAMERA_CODE, width=330, noise=noise)
    blank, phone = (encoded(frame, ".jpg") for frame in seen)
    path.write_bytes(blank * 3 + phone * 30)
    return path


def arguments(venue, video=None):
    """Return how Chromium is started: it trusts the venue's own authority and nobody else."""
    camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if video is not None:
        camera.append(f"--use-file-for-fake-video-capture={video}")
    return [*QUIET, *camera, f"--ignore-certificate-errors-spki-list={venue.spki}"]


def chromium(playwright, venue, video=None):
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=arguments(venue, video)
    )


STORAGE = """async () => {
    const { entries } = await import("/static/scan/database.js");
    const stores = ["kept", "lines", "undecided", "rejected"];
    const kept = await Promise.all(stores.map((store) => entries(store)));
    return JSON.stringify([kept, localStorage, sessionStorage, document.cookie]);
}"""
KEPT = """async (name) => (await import("/static/scan/store.js")).get(name)"""


class Phone:
    """A page in a browser as wide as a phone; it notes every request and every defect."""

    def __init__(self, context, server):
        self.context, self.server = context, server
        self.requests, self.problems = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(WITHIN_MS)
        self.last_nonce = ""
        self.page.on("request", self._see)
        self.page.on("pageerror", lambda each: self.problems.append(str(each)))
        self.page.on("dialog", lambda each: self.problems.append(each.message))
        self.page.on("console", self._note)

    def _see(self, request):
        self.requests.append(request.url)
        if request.url.endswith("/api/v1/scans"):
            self.last_nonce = json.loads(request.post_data)["nonce"]

    def _note(self, message):
        if "Content Security Policy" in message.text or "Uncaught" in message.text:
            self.problems.append(message.text)

    def enrol(self, code, name="Phone 7"):
        """Enrol as by the supervisor's QR code, and wait until the phone is at work."""
        self.page.goto(f"{self.server.url}/scan#{code}.key")
        self.page.fill("#enrol-name", name)
        self.page.click(".go")
        self.await_link("online")
        return self

    def await_link(self, state):
        expect(self.page.locator(f".link.{state}")).to_be_visible(timeout=WITHIN_MS)

    def turn_to(self, mode):
        self.page.keyboard.press("Escape")
        self.page.click(f'[data-mode="{mode}"]')

    def wedge(self, code):
        """Have a scan key type a code and Enter."""
        self.page.keyboard.type(code)
        self.page.keyboard.press("Enter")

    def scan(self, code):
        """Scan with the key; return what the page says, with the look in front."""
        self.page.keyboard.press("Escape")
        # Within the page: on a busy machine a key from outside may come later than any scan key's.
        self.page.evaluate(_TYPE, [*code, "Enter"])
        return self.verdict()

    def verdict(self):
        place = self.page.locator(".verdict:not([hidden])")
        place.wait_for()
        return f"{place.get_attribute('class')}\n{place.inner_text()}"

    def storage(self):
        """Return all that the page keeps in the phone, as text."""
        return self.page.evaluate(STORAGE)

    def kept(self, name):
        """Return one thing that the page keeps."""
        return self.page.evaluate(KEPT, name)

    def device_id(self):
        return self.kept("identity")["device_id"]

    def check(self):
        """Nothing went wrong unseen, and nobody but the gate server was asked."""
        strangers = [url for url in self.requests if not url.startswith(self.server.url + "/")]
        assert [url for url in strangers if not url.startswith("blob:")] == []
        assert self.problems == []


def without_camera(context):
    """Take the camera away: to play and search its frames is most of what a phone costs."""
    context.add_init_script("delete MediaDevices.prototype.getUserMedia")


@contextmanager
def a_phone(browser, server, *, locale="zh-CN", camera=False, **options):
    """Open a phone of its own; at the end look whether all was well."""
    # Without its worker the page is there at once; those tests that need the worker allow it.
    options = {"service_workers": "block"} | options
    context = browser.new_context(viewport=PHONE, locale=locale, **options)
    if not camera:
        without_camera(context)
    try:
        phone = Phone(context, server)
        yield phone
        phone.check()
    finally:
        context.close()
