"""The lane screen as a browser draws it: legible at every size, safe, steady, heard."""

import io
import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from admission.scans import GateState, Mode
from scanner_client.checkin import Shown
from scanner_client.questions import Unsaid
from scanner_client.screen_pictures import Both, BroadcastPicture, Trouble
from tests.fakes import a_voucher, an_answer
from tests.scanner_client.screens import (
    AROUND,
    LOOKS,
    Board,
    a_screen,
    a_served_screen,
    a_shown,
    a_ticket,
    see,
    show,
)
from tests.scanner_client.test_screen import asked

SIZES = {"large": (1920, 1080), "small": (1280, 720), "upright": (1080, 1920)}
THEMES = {"large": ("light",), "small": ("light", "dark"), "upright": ("light",)}
BROADCAST = BroadcastPicture("b-1", "北门排队较短。", "The queue at the north gate is short.", True)
OFFLINE = Both("离线验票（09:12 起）", "Offline since 09:12")

# Every text that is seen: its contrast with the ground behind it, and whether it is cut off.
MEASURE = """() => {
    const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground = (each) => {
        for (let at = each; at; at = at.parentElement) {
            const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
            if (a === 1) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const each = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (text === "" || each.closest("#speak, #practice, noscript")) continue;
        const range = document.createRange();
        range.selectNode(walker.currentNode);
        const box = range.getBoundingClientRect();
        const [front, back] = [light(parse(getComputedStyle(each).color)), light(ground(each))];
        const [high, low] = front > back ? [front, back] : [back, front];
        const held = getComputedStyle(each).textOverflow === "ellipsis" ||
            (box.left >= -1 && box.right <= innerWidth + 1
                && box.top >= -1 && box.bottom <= innerHeight + 1);
        found.push({ text, contrast: (high + 0.05) / (low + 0.05), held });
    }
    return found;
}"""
CUT_OFF = """() => {
    const stage = document.querySelector("#stage");
    return stage.scrollHeight > stage.clientHeight;
}"""


def measure(page):
    return page.evaluate(MEASURE)


def illegible(page):
    return [each for each in measure(page) if each["contrast"] < 7 or not each["held"]]


@pytest.mark.parametrize("size", SIZES)
def test_every_verdict_is_legible_by_day_and_by_night(lane, size):
    screen, page = lane
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    # By night one size will do: the layout is the same.
    for theme, (name, shown) in itertools.product(THEMES[size], LOOKS.items()):
        screen.take(replace(AROUND, theme=theme, offline=OFFLINE))
        page.wait_for_selector(f"body[data-theme={theme}]")
        show(screen, page, shown)
        measured = measure(page)

        assert [each for each in measured if each["contrast"] < 7 or not each["held"]] == []
        texts = [each["text"] for each in measured]
        assert {shown.message.zh, shown.message.en} <= {*texts}
        assert not page.evaluate(CUT_OFF), (theme, name)
        if name in {"stop", "noted"}:
            assert ink_height(page) >= height / 5, (theme, name)


def ink_height(page):
    """Return how high the word really is, in pixels of a picture of the screen."""
    box = page.evaluate(
        "() => { const b = document.querySelector('.word').getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height]; }"
    )
    # A little more than its line, for capitals may stand out of it.
    grown = {"x": box[0], "y": box[1] - 10, "width": box[2], "height": box[3] + 10}
    picture = Image.open(io.BytesIO(page.screenshot(clip=grown))).convert("L")
    grey = np.asarray(picture).astype(int)
    rows = np.flatnonzero((abs(grey - grey[0, -1]) > 60).any(axis=1))
    # What follows below is the Chinese word: the first whole block of rows is the word.
    gaps = np.flatnonzero(np.diff(rows) > 1)
    last = rows[gaps[0]] if gaps.size else rows[-1]
    return last - rows[0] + 1


def drawn(page, width):
    """Wait until the page has its width, and has fitted its words into it."""
    page.wait_for_function("(width) => innerWidth === width", arg=width)
    page.evaluate("() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))")


SCENES = {
    "waiting": AROUND,
    "broadcast": replace(AROUND, broadcast=BROADCAST, offline=OFFLINE),
    "normal": replace(AROUND, broadcast=BroadcastPicture("b", "请注意", "Attention", False)),
    "closed": replace(AROUND, gate=GateState.PAUSED),
    "broken": replace(AROUND, trouble=Trouble.NO_REPLICA),
    "emergency": replace(AROUND, emergency=True),
}


@pytest.mark.parametrize("size", SIZES)
def test_what_is_no_verdict_is_legible_too(lane, size):
    screen, page = lane
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    for theme, (name, around) in itertools.product(THEMES[size], SCENES.items()):
        screen.take(replace(around, theme=theme))
        say = screen.next(None, 0).say.zh
        page.wait_for_function(
            "([theme, say]) => document.body.dataset.theme === theme"
            " && document.querySelector('.say.zh').textContent === say",
            arg=[theme, say],
        )
        drawn(page, width)

        assert illegible(page) == [], (theme, name)


def test_outcomes_differ_in_shape_and_word_without_colour(lane):
    screen, page = lane
    shapes = {}
    for name in ("go", "stop", "call", "wait", "valid"):
        show(screen, page, LOOKS[name])
        shapes[name] = page.locator(".sign .shape").inner_html()

    assert len(set(shapes.values())) == len(shapes)


def test_way_to_go_is_shown_only_to_those_who_may_go(lane):
    screen, page = lane
    arrows = {}
    for name, shown in LOOKS.items():
        show(screen, page, shown)
        arrows[name] = page.locator(".sign .arrow").count()

    assert {name for name, count in arrows.items() if count} == {"go", "child"}


def test_text_of_others_is_text(lane):
    screen, page = lane
    hostile = "<img src=x onerror=\"document.title='broken'\"><script>alert(1)</script>"
    opened = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    shown = a_shown(
        voucher=a_voucher(title=f"{hostile}\u202egnp.exe", category="<b>child", tail="<i>x"),
        arrival_number="<svg onload=alert(1)>",
        tickets=[a_ticket("<a href=javascript:alert(1)>")],
    )
    show(screen, page, shown)
    screen.take(
        replace(AROUND, name=hostile, broadcast=BroadcastPicture("b", hostile, hostile, True))
    )
    page.wait_for_function("() => document.querySelector('h1').textContent.includes('<img')")

    assert page.locator("img, script:not([src]), a, #stage svg[onload]").count() == 0
    assert "<img src=x" in page.locator(".voucher").inner_text()
    assert "\u202e" not in page.locator(".voucher").inner_text()
    assert (page.title(), opened) == ("Lane 通道", [])


def test_page_asks_nobody_else(tab):
    asked_for = []
    tab.on("request", lambda request: asked_for.append(request.url))
    with a_served_screen() as (screen, url):
        tab.goto(url)
        show(screen, tab, a_shown())
        blocked = tab.evaluate(
            "fetch('http://127.0.0.1:9/', {mode: 'no-cors'}).then(() => 'sent', () => 'blocked')"
        )

    assert {each for each in asked_for if not each.startswith((url, "data:"))} <= {
        "http://127.0.0.1:9/"
    }
    assert blocked == "blocked"


def test_thousand_verdicts_leave_nothing_behind(lane):
    screen, page = lane
    page.set_viewport_size({"width": 640, "height": 360})
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")

    def play(times):
        for _ in range(times):
            for name in ("go", "stop", "child", "voided"):
                screen.show(LOOKS[name])
            # What comes faster than a page can draw is not drawn: it gets the newest.
            time.sleep(0.002)
        show(screen, page, a_shown())
        tools.send("HeapProfiler.collectGarbage")
        metrics = tools.send("Performance.getMetrics")["metrics"]
        return {each["name"]: each["value"] for each in metrics}

    before, threads = play(20), threading.active_count()
    after = play(250)

    assert after["Nodes"] <= before["Nodes"] + 20
    assert after["JSEventListeners"] <= before["JSEventListeners"] + 2
    assert after["JSHeapUsedSize"] <= before["JSHeapUsedSize"] + 500_000
    assert threading.active_count() <= threads + 2


def test_party_is_answered_by_touch_key_or_not_at_all(lane):
    screen, page = lane
    ask = lambda most: asked(screen, lambda: screen.ask_party(a_shown().answer, most))  # noqa: E731
    said = []
    for most, do in (
        (5, lambda: page.get_by_role("button", name="3", exact=True).click()),
        (5, lambda: page.keyboard.press("4")),
        (40, lambda: page.keyboard.type("12")),
        (40, lambda: [page.get_by_role("button", name=n).first.click() for n in ("3", "OK")]),
        (5, lambda: page.keyboard.press("Escape")),
    ):
        _, answers, thread = ask(most)
        page.wait_for_selector("body[data-scene=question]")
        assert illegible(page) == []
        do()
        thread.join(5)
        page.wait_for_selector("body[data-scene=waiting]")
        said += answers

    assert said[:4] == [3, 4, 12, 3]
    assert isinstance(said[4], Unsaid)


def test_banner_comes_between_scans_only(tab):
    board = Board()
    screen = a_screen(verdict_s=1.0)
    with a_served_screen(screen, bulletin=board) as (_, url):
        tab.goto(url)
        screen.take(replace(AROUND, broadcast=BROADCAST))
        tab.wait_for_selector(".broadcast.high")
        screen.reading()
        see(tab, scene="reading")
        reading = tab.locator(".broadcast").count()
        show(screen, tab, a_shown())
        verdict = tab.locator(".broadcast").count()
        tab.wait_for_selector(".broadcast.high")

    assert (reading, verdict) == (0, 0)
    assert board.seen


def test_verdict_is_read_out_and_buttons_have_names(lane):
    screen, page = lane
    show(screen, page, LOOKS["stop"])
    live = page.locator("#speak")

    assert live.get_attribute("aria-live") == "assertive"
    for part in ("STOP", "暂不能入园", LOOKS["stop"].message.zh, LOOKS["stop"].message.en):
        assert part in live.inner_text()


def test_nothing_moves_for_those_who_asked_for_less(new_context):
    page = new_context(reduced_motion="reduce").new_page()
    with a_served_screen() as (screen, url):
        page.goto(url)
        page.wait_for_selector("body[data-scene=waiting]")
        moving = page.evaluate("document.getAnimations().length")
        show(screen, page, a_shown())

        assert (moving, page.evaluate("document.getAnimations().length")) == (0, 0)


# --- the scanner goes and comes ------------------------------------------------------------------


def test_page_says_that_the_scanner_is_gone_and_comes_back_without_a_reload(tab):
    with a_served_screen() as (screen, url):
        tab.goto(url)
        show(screen, tab, a_shown())
        tab.evaluate("window.same = true")
    tab.wait_for_selector("body[data-gone=true]", timeout=6000)
    gone = tab.locator("#stage").inner_text()
    with a_served_screen(port=int(url.rstrip("/").rpartition(":")[2])):
        tab.wait_for_selector("body[data-scene=waiting]", timeout=6000)

        assert "本通道暂停使用" in gone
        assert "This lane is out of order" in gone
        assert tab.evaluate("window.same") is True


def test_browser_that_starts_first_waits_for_the_scanner(tab):
    start = Path(__file__).parents[2] / "scanner_client/screen_page/start.html"
    with a_served_screen() as (_, url):
        port = int(url.rstrip("/").rpartition(":")[2])
    tab.goto(f"{start.as_uri()}#{port}")
    before = tab.locator("h1").inner_text()
    with a_served_screen(port=port):
        tab.wait_for_url(url, timeout=8000)
        tab.wait_for_selector("body[data-scene=waiting]")

    assert before == "本通道正在启动"


def test_operator_who_signs_in_is_drawn_at_once(lane):
    screen, page = lane
    screen.take(replace(AROUND, operator="4711 早**"))
    page.wait_for_selector(".operator")

    assert page.locator(".operator").inner_text() == "4711 早**"


def test_practice_is_marked_on_the_screen(lane):
    screen, page = lane
    screen.take(replace(AROUND, practice=True))
    page.wait_for_selector("#practice:not([hidden])")

    assert "练习 PRACTICE" in page.locator("#practice").inner_text()


def test_check_kiosk_invites_to_ask(tab):
    with a_served_screen(a_screen(mode=Mode.CHECK)) as (_, url):
        tab.goto(url)
        tab.wait_for_selector("body[data-scene=waiting]")

        assert "Will my code work today?" in tab.locator("#stage").inner_text()
        assert "自助查询" in tab.locator("header").inner_text()


def test_scan_without_a_verdict_is_drawn(lane):
    screen, page = lane
    answer = an_answer()
    show(screen, page, Shown("nonce-0001", LOOKS["call"].outcome, answer.message))

    assert page.locator(".word").inner_text() == "CALL"


def test_two_presses_call_for_help_and_the_lane_says_how_that_stands(tab):
    called = []
    with a_served_screen(call_help=lambda: called.append(1)) as (screen, url):
        screen.take(AROUND)
        tab.goto(url)
        tab.wait_for_selector("body[data-scene=waiting]")
        unstaffed = tab.locator("#help").is_visible()
        screen.take(replace(AROUND, staffed=True))
        tab.locator("#help").click()
        once = tab.locator("#help").inner_text()
        before = list(called)
        tab.locator("#help").click()
        tab.wait_for_selector("#help:not(.sure)")
        tab.keyboard.press("F9")
        tab.keyboard.press("Escape")
        line = Both("10:32 已求助，chen 已收到", "Help called at 10:32, seen by chen")
        screen.take(replace(AROUND, staffed=True, help=line))
        tab.wait_for_selector("#foot .help")

    assert not unstaffed
    assert "确认呼叫现场支援" in once
    assert (before, called) == ([], [1])
    assert "seen by chen" in tab.locator("#foot .help").inner_text()
