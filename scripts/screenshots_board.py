"""Take the pictures of the board that the docs show: the demo's venue, a real browser."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs/images"
DESK, PHONE = (1366, 768), (390, 844)
COLOURS = 64
# The demo's story takes so long at most: by then it has visitors, calls, a void and conflicts.
STORY_S = 300.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: what is opened by whom, how, and in which language.

    Attributes:
        act: the name of an act whose dialog is opened there; with a `reason`, that is filled in and
            sent once, so that it tells what it would do.
    """

    name: str
    path: str
    language: str = "zh"
    size: tuple[int, int] = DESK
    dark: bool = False
    account: str = "demo-supervisor"
    act: str = ""
    reason: str = ""


SHOTS = (
    Shot("board", "/"),
    Shot("board-en", "/", "en"),
    Shot("board-dark", "/", "en", dark=True),
    Shot("board-phone", "/", size=PHONE),
    Shot("board-deal", "/deals/DEMO-FLASH", "en"),
    Shot("board-void", "/deals/DEMO-CHILD", act="deal-void", reason="价格录入错误"),
    Shot("board-gate", "/gates/C1"),
    Shot("board-lane", "/", "en", act="gate-state"),
    Shot("board-partner", "/", size=PHONE, account="demo-partner"),
)


def draw_board() -> None:
    """Draw docs/images/board*.png."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, _demo(Path(folder)) as url:
        access = json.loads((Path(folder) / "demo/access.json").read_text("utf-8"))
        passwords = {each["name"]: each["password"] for each in access}
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or sys.exit("no chromium: apt-get install chromium")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for shot in SHOTS:
                _draw(browser, url, shot, passwords[shot.account])
            browser.close()


@contextmanager
def _demo(directory: Path) -> Iterator[str]:
    """Run the demo until its story is told, and go on with it."""
    command = [sys.executable, str(ROOT / "scripts/demo.py"), "--data", str(directory)]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert demo.stdout is not None  # noqa: S101 - for the type checker
    try:
        url, until = "", time.monotonic() + STORY_S
        for line in demo.stdout:
            found = re.search(r"board\s+(http://\S+?)/", line)
            url = found[1] if found else url
            if "inside " in line or time.monotonic() > until:
                break
        subprocess.Popen(["cat"], stdin=demo.stdout, stdout=subprocess.DEVNULL)
        yield url
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def _draw(browser: Browser, url: str, shot: Shot, password: str) -> None:
    context = browser.new_context(
        viewport={"width": shot.size[0], "height": shot.size[1]},
        color_scheme="dark" if shot.dark else "light",
        locale="zh-CN" if shot.language == "zh" else "en",
        reduced_motion="reduce",
    )
    try:
        _log_in(context, url, shot.account, password)
        page = context.new_page()
        page.goto(f"{url}{shot.path}")
        page.wait_for_timeout(2500)
        if shot.act:
            _open(page, shot)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        path = FOLDER / f"{shot.name}.png"
        picture.quantize(COLOURS).save(path, optimize=True)
        sys.stdout.write(f"wrote {path.name}, {path.stat().st_size / 1000:.0f} kB\n")
    finally:
        context.close()


def _open(page: Page, shot: Shot) -> None:
    page.locator(f"a.act[href*='/act/{shot.act}']").first.click()
    page.locator("dialog[open]").wait_for()
    if shot.reason:
        page.fill("dialog [name=reason]", shot.reason)
        page.click("dialog button.main")
        page.wait_for_timeout(1000)


def _log_in(context: BrowserContext, url: str, name: str, password: str) -> None:
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", password)
    page.click("main button.main")
    page.wait_for_url(lambda address: "/login" not in address)
    page.close()
