"""Take the pictures of the hand scanner that the docs show: a real browser, a real server."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.hand import CAMERA_CODE, Phone, Venue, a_phone, a_video, chromium  # noqa: E402
from tests.e2e.test_hand_offline import Power  # noqa: E402

FOLDER = ROOT / "docs/images"
GAP = 12
COLOURS = 28

Shot = Image.Image


def draw_hand() -> None:
    """Draw docs/images/hand-*.png."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        venue = Venue(Path(folder))
        power = Power(venue.directory)
        server = power.on()
        browser = chromium(playwright, venue, a_video(Path(folder) / "lane.mjpeg", noise=0))
        try:
            with a_phone(browser, server, camera=True, permissions=["camera"]) as phone:
                _sheet("work", _work(phone, venue))
            with a_phone(browser, server) as phone:
                _sheet("verdicts", _verdicts(phone, venue))
            with a_phone(browser, server) as phone:
                _sheet("told", _told(phone, venue))
            with a_phone(browser, server, locale="en-GB") as phone:
                _sheet("trust", _trust(phone))
            with a_phone(browser, server) as gate, a_phone(browser, server) as marshal:
                _sheet("offline", _offline(gate, marshal, venue, power))
        finally:
            browser.close()
            power.off()


def _shoot(page: Page) -> Shot:
    page.wait_for_timeout(250)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def _sheet(name: str, shots: list[Shot]) -> None:
    """Put pictures side by side, in few colours so that the file stays small."""
    width = sum(shot.width + GAP for shot in shots) + GAP
    sheet = Image.new("RGB", (width, shots[0].height + 2 * GAP), "#888")
    left = GAP
    for shot in shots:
        sheet.paste(shot, (left, GAP))
        left += shot.width + GAP
    few = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(FOLDER / f"hand-{name}.png", optimize=True)


def _work(phone: Phone, venue: Venue) -> list[Shot]:
    phone.enrol(venue.code(), name="手机 7")
    phone.verdict()
    phone.page.keyboard.press("Escape")
    phone.page.wait_for_timeout(300)
    shots = [_shoot(phone.page)]
    phone.scan("CLASS-1")
    shots.append(_shoot(phone.page))
    phone.page.click(".verdict .annul")
    shots.append(_shoot(phone.page))
    phone.page.keyboard.press("Escape")
    phone.wedge("ORDER-4C")
    shots.append(_shoot(phone.page))
    phone.page.keyboard.press("Escape")
    phone.turn_to("count")
    phone.page.click('[data-kind="free_child"]')
    shots.append(_shoot(phone.page))
    return shots


def _verdicts(phone: Phone, venue: Venue) -> list[Shot]:
    phone.enrol(venue.code(), name="手机 7")
    shots = []
    for mode, code in (
        ("admit", "CHILD-1"),
        ("admit", CAMERA_CODE),
        ("check", "DAY-001"),
    ):
        phone.turn_to(mode)
        phone.scan(code)
        shots.append(_shoot(phone.page))
    phone.page.keyboard.press("Escape")
    phone.page.click(".lang")
    phone.turn_to("admit")
    for code in ("DAY-003", "DAY-003"):
        phone.scan(code)
        shots.append(_shoot(phone.page))
    return shots


def _told(phone: Phone, venue: Venue) -> list[Shot]:
    phone.enrol(venue.code(), name="手机 7")
    phone.wedge(venue.operator.badge)
    phone.page.wait_for_timeout(4500)  # until it says no more who has signed in
    void = {"reason": "flash-sale limit failed", "honour": None, "cost_bearer": "platform"}
    phone.server.post("/deals/FLASH/void", venue.supervisor, void).raise_for_status()
    message = {"zh": "请引导游客到东门", "en": "Send visitors to the east gate"}
    body = {"message": message, "priority": "high"}
    phone.server.post("/broadcasts", venue.supervisor, body).raise_for_status()
    phone.page.wait_for_selector(".broadcast.high")
    shots = [_shoot(phone.page)]
    phone.scan("DAY-010")
    phone.scan("DAY-010")
    phone.page.keyboard.press("Escape")
    openings: list[Callable[[], None]] = [
        lambda: phone.page.click(".tools button:nth-child(3)"),
        lambda: _more(phone, 1),
        lambda: _more(phone, 0),
        lambda: _more(phone, 2),
    ]
    for opening in openings:
        opening()
        shots.append(_shoot(phone.page))
        phone.page.keyboard.press("Escape")
    return shots


def _more(phone: Phone, place: int) -> None:
    phone.page.click(".tools button:nth-child(4)")
    phone.page.click(f".panel .choice >> nth={place}")


def _trust(phone: Phone) -> list[Shot]:
    phone.page.goto(f"{phone.server.url}/ca")
    shots = [_shoot(phone.page)]
    phone.page.evaluate("scrollTo(0, 640)")
    shots.append(_shoot(phone.page))
    phone.page.goto(f"{phone.server.url}/enrol#226S-HZ6H-F7ND-4XJN-NQHR-AD9C-00.key")
    shots.append(_shoot(phone.page))
    phone.page.click("#here")
    phone.page.wait_for_selector(".enrol")
    shots.append(_shoot(phone.page))
    return shots


def _offline(gate: Phone, marshal: Phone, venue: Venue, power: Power) -> list[Shot]:
    venue.open_east_gate(gate.server)
    for phone, profile in ((gate, "gate"), (marshal, "marshal")):
        phone.enrol(venue.code(profile), name="手机 7")
    marshal.scan("DAY-020")
    shots = [_shoot(marshal.page)]
    power.cut()
    gate.scan("DAY-021")
    shots.append(_shoot(gate.page))
    gate.page.keyboard.press("Escape")
    shots.append(_shoot(gate.page))
    marshal.scan("DAY-022")
    shots.append(_shoot(marshal.page))
    return shots
