"""Draw docs/images/lane-*.png, hand-*.png and board*.png: a real gate server, in Chromium.

python scripts/screenshots.py [lane|hand|board ...]
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from draw_picture import FIRST_SCAN, opened, run
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from screenshots_board import draw_board
from screenshots_hand import draw_hand

from admission import wire
from admission.scans import Direction, GateState, Mode
from scanner_client.checkin import Shown
from scanner_client.questions import Unsaid
from scanner_client.screen import Around, Screen
from scanner_client.screen_pictures import Both, BroadcastPicture, LanePicture, Scene, Trouble
from scanner_client.screen_server import ScreenServer

IMAGES = Path(__file__).resolve().parent.parent / "docs/images"
WIDE, UPRIGHT = (960, 540), (540, 960)
COLOURS = 48
FRESH = "9K3F-22AX-8K2F"
AROUND = Around(name="北门 2 号 North gate lane 2", area="park")
OFFLINE = Both(
    "离线验票（09:12 起） · 票库 4 分钟前 · 待上传 3 条",
    "Offline since 09:12 · replica 4 min old · 3 to upload",
)
BROADCAST = BroadcastPicture(
    "b-1", "南门排队较短，请游客前往南门。", "The queue at the south gate is short.", high=True
)


@dataclass(frozen=True)
class Studio:
    """A screen of a lane, and a page that shows it."""

    screen: Screen
    page: Page

    def shoot(self, name: str, size: tuple[int, int] = WIDE) -> None:
        """Take a picture of the page, in few colours so that it is small."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        scene = self.screen.next(None, 0).scene
        self.page.wait_for_selector(f"body[data-scene={scene}]")
        time.sleep(0.3)  # the page is drawn, and its arrow at rest
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        path = IMAGES / f"lane-{name}.png"
        picture.quantize(COLOURS).save(path, optimize=True)
        print(f"wrote {path.name}, {path.stat().st_size / 1000:.0f} kB")

    def show(self, name: str, shown: Shown, *sizes: tuple[int, int]) -> None:
        """Show a verdict and take its picture."""
        self.screen.show(shown)
        self.shoot(name)
        for size in sizes:
            self.shoot(f"{name}-upright", size)

    def around(self, name: str, around: Around) -> None:
        """Have something hold round the lane, and take its picture."""
        self.screen.take(around)
        self.shoot(name)


def main(parts: list[str]) -> None:
    """Draw the parts that are named; without a name, all."""
    drawn: dict[str, Callable[[], None]] = {
        "lane": draw_lane,
        "hand": draw_hand,
        "board": draw_board,
    }
    for name in parts or drawn:
        drawn[name]()


def draw_lane() -> None:
    """Draw the lane screen."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)):
        venue = Path(folder)
        scan(venue, FIRST_SCAN)
        looks = {
            "stop": scan(venue, FIRST_SCAN),
            "call": scan(venue, "3PX1-77CD-9Q0R"),
            "voided": scan(venue, "5MN8-40EF-2T6Y"),
            "valid": scan(venue, FRESH, Mode.CHECK),
            "go": scan(venue, FRESH),
        }
    with studio(Mode.ADMIT) as at:
        at.shoot("waiting")
        for name, shown in looks.items():
            at.show(name, shown, *([UPRIGHT] if name == "go" else []))
        at.screen.take(replace(AROUND, theme="dark"))
        at.show("go-night", looks["go"])
    with studio(Mode.ADMIT) as at:
        at.around("offline", replace(AROUND, offline=OFFLINE, broadcast=BROADCAST))
        at.around("closed", replace(AROUND, gate=GateState.PAUSED))
        at.around("broken", replace(AROUND, trouble=Trouble.NO_PICTURE))
        at.around("emergency", replace(AROUND, emergency=True))
        at.screen.take(AROUND)
        with party_asked(at.screen, looks["go"]):
            at.shoot("party")
    with studio(Mode.CHECK) as at:
        at.shoot("check")


@contextmanager
def studio(mode: Mode) -> Iterator[Studio]:
    """Serve a screen and open it in the system's Chromium."""
    lane = LanePicture("", "", Direction.ENTRY, mode, "ahead", "below")
    screen = Screen(lane, verdict_s=60, ask_s=60, stop=threading.Event())
    screen.take(AROUND)
    with ScreenServer(screen, 0) as server, sync_playwright() as tools:
        chromium = shutil.which("chromium") or sys.exit("no chromium: apt-get install chromium")
        browser = tools.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        # At rest, so that the same screen gives the same picture.
        page = browser.new_context(reduced_motion="reduce").new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield Studio(screen, page)
        browser.close()


@contextmanager
def party_asked(screen: Screen, shown: Shown) -> Iterator[None]:
    """Have the screen ask for how many people a scan is."""

    def ask() -> None:
        with suppress(Unsaid):
            if shown.answer is not None:
                screen.ask_party(shown.answer, 5)

    thread = threading.Thread(target=ask)
    thread.start()
    while screen.next(None, 0).scene is not Scene.QUESTION:
        time.sleep(0.01)
    yield
    screen.withdraw()
    thread.join()


def scan(venue: Path, code: str, mode: Mode = Mode.ADMIT) -> Shown:
    """Return what a real scanner is answered by the real server."""
    words = ("read", "--code", code, "--mode", mode.value, "--json")
    line = run(venue, "scanner-client", *words, check=False)
    answer = wire.read(wire.ScanAnswer, line.encode())
    return Shown(answer.nonce, answer.outcome, answer.message, answer, mode=mode)


if __name__ == "__main__":
    main(sys.argv[1:])
