"""The live board in a real browser, with a real server and a real scanner at its gate."""

import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from drill.plug import PASS, REFUSE, Plug
from scripts import web_parts
from tests.axe import AXE, needs_axe, serious
from tests.boards import PASSWORD
from tests.e2e.outage import a_lane, wait_until
from tests.e2e.processes import gate_server
from tests.server import Park, a_running_server

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
WITHIN_MS = 5000
# A stream whose events a test makes itself.
OWN_STREAM = """
window.EventSource = class extends EventTarget {
  constructor() { super(); window.stream = this; }
};
"""
# Gates change places, and one of them has another text and another button, again and again.
TURN_ROUND = """
(times) => {
  const tell = (name, data) => window.stream.dispatchEvent(new MessageEvent(name, {data}));
  const text = document.querySelector('[data-part="gates-G1"]').innerHTML;
  for (let turn = 0; turn < times; turn++) {
    const gates = document.querySelector('[data-part="gates"]').cloneNode(true);
    const tiles = gates.querySelector('.tiles');
    tiles.append(...[...tiles.children].reverse());
    tell('gates', gates.innerHTML);
    tell('gates-G1', `${text.replaceAll('state=open', `state=${turn}`)}<p>${turn}</p>`);
  }
  tell('gates-G1', text);
}
"""
ROOT = Path(__file__).parents[2]
CODES = [f"LIVE-{number:04}-PAPER" for number in range(1, 9)]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A server with a scanner at gate G1, and a way to it that can be cut."""
    if not web_parts.are_current(ROOT):
        pytest.skip("no parts from npm on this machine: apt-get install npm, then make test")
    folder = tmp_path_factory.mktemp("live")
    park = Park(folder / "var", settings="[venue]\nlimit = 400\n")
    park.sell(*CODES)
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    boss = park.hire("supervisor", "anne", password=PASSWORD)
    code = park.invite()
    park.close()
    with (
        a_running_server(folder / "var") as server,
        a_lane(folder / "lane", server, code) as lane,
        Plug(server.port) as way,
    ):
        yield server, lane, way, boss


@pytest.fixture(scope="module")
def seat(place, browser):
    """What a browser keeps once somebody has logged in, for all that only look."""
    context = browser.new_context(base_url=place[0].url)
    page = context.new_page()
    page.goto("/login")
    page.fill("[name=name]", "anne")
    page.fill("[name=password]", PASSWORD)
    page.click("button.main")
    page.wait_for_selector("#part-gates")
    kept = context.storage_state()
    context.close()
    return kept


@contextmanager
def a_board(browser, way, seat, *, viewport=DESK, locale="en-GB", cut=False, **options):
    """Show the board as it moves, and hold the browser to what it must never say.

    A line that is `cut` is told of, too; a broken policy or a script's failure is nothing else.
    """
    url = f"http://127.0.0.1:{way.port}"
    options |= {"viewport": viewport, "locale": locale, "storage_state": seat}
    context = browser.new_context(base_url=url, **options)
    page, said = context.new_page(), []
    page.set_default_timeout(WITHIN_MS)
    page.on("console", lambda each: said.append(each.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/")
    page.wait_for_selector("#part-gates")
    try:
        yield page
        assert cut or said == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def shared(place, seat, browser):
    with a_board(browser, place[2], seat) as page:
        yield page


@pytest.fixture
def board(shared):
    """A board that stands open all day."""
    shared.keyboard.press("Escape")
    yield shared
    shared.keyboard.press("Escape")


def wait_for_text(page, selector, text):
    """Return after how many seconds a part of the page says something."""
    began_s = time.monotonic()
    expect(page.locator(selector)).to_contain_text(text, timeout=WITHIN_MS)
    return time.monotonic() - began_s


def people_today(page):
    figure = page.locator(".figure", has_text="people today").locator("b")
    return int(figure.inner_text().replace(",", ""))


def test_a_scan_appears_within_a_second(place, board):
    _, lane, _, _ = place
    # Open for a while: the first word of the stream is not what is measured.
    board.wait_for_timeout(1000)
    before = people_today(board)
    assert lane.scan(CODES[0])["reason"] == "admitted"
    took_s = wait_for_text(board, "#part-figures", f"{before + 1} people today")

    assert took_s < 1


def test_a_paused_gate_makes_the_scanner_wait(place, board):
    _, lane, _, _ = place
    board.locator("#act-gate-G1").click()
    dialog = board.locator("dialog")
    assert dialog.get_by_label("From now on").input_value() == "paused"
    dialog.get_by_role("button", name="long queue").click()
    dialog.get_by_role("button", name="Change the gate").click()
    wait_for_text(board, "#gate-G1", "paused")
    paused = lane.scan(CODES[1])
    told = board.locator("#told").inner_text()

    # By keyboard: Space opens it, Enter in a field does it, Escape would leave it.
    board.locator("#act-gate-G1").focus()
    board.keyboard.press("Space")
    dialog.get_by_label("From now on").select_option("open")
    dialog.get_by_label("Reason").fill("it is short again")
    board.keyboard.press("Enter")
    wait_for_text(board, "#gate-G1 .head", "open")

    assert (paused["outcome"], paused["reason"]) == ("wait", "gate_closed")
    assert "South gate is paused now." in told
    assert lane.scan(CODES[1])["reason"] == "admitted"


def overrides_shown(lane):
    """Return each line by which the scanner has shown that a supervisor lets somebody in."""
    screen = lane.directory.with_name(f"{lane.directory.name}.log").read_text("utf-8")
    return [line for line in screen.splitlines() if "主管放行" in line]


def test_an_answered_call_lets_the_visitor_in(place, board):
    server, lane, _, boss = place
    before = len(overrides_shown(lane))
    referred = lane.scan("ORDER-77")
    took_s = wait_for_text(board, "#part-calls", "several vouchers")
    board.get_by_role("button", name="Let in at South gate", exact=True).click()
    dialog = board.locator("dialog")
    told = dialog.locator(".consequence").inner_text()
    usual = dialog.get_by_label("Reason").input_value()
    dialog.get_by_label("People").fill("2")
    dialog.get_by_role("button", name="Let in").click()
    wait_for_text(board, "#told", "2 people let in.")
    wait_for_text(board, "#part-calls", "Nobody waits for a human.")
    wait_until(lambda: len(overrides_shown(lane)) > before, 5, "the scanner's GO")
    again = server.post(f"/scans/{referred['nonce']}/override", boss, {
        "device_id": lane.device_id, "reason": "twice",
    })  # fmt: skip

    assert referred["outcome"] == "refer"
    assert took_s < 1
    assert "South gate: several vouchers" in told
    assert usual == "order seen on the phone"
    # On the scanner's own screen, once, for the two people.
    [shown] = overrides_shown(lane)[before:]
    assert "GO" in shown
    assert "2 人" in shown
    assert again.status_code == 409, "it was overridden from the board"


def test_an_evacuation_takes_two_presses_and_ends_with_a_count(place, board):
    _, lane, _, _ = place
    dialog = board.locator("dialog")
    board.locator("#act-emergency").click()
    dialog.get_by_role("button", name="Evacuate now").click()
    wait_for_text(board, "#part-banner", "Evacuation: nobody enters")
    during = lane.scan(CODES[7])
    board.locator("#act-emergency-over").click()
    dialog.get_by_label("Reason").fill("false alarm")
    dialog.get_by_role("button", name="End the evacuation").click()
    dialog.get_by_label("People inside now").fill("212")
    dialog.get_by_label("Reason").fill("counted after the evacuation")
    dialog.get_by_role("button", name="Enter").click()
    wait_for_text(board, "#part-figures", "212 inside now")

    assert (during["outcome"], during["reason"]) == ("wait", "emergency")
    assert "Evacuation" not in board.locator("#part-banner").inner_text()


def test_an_open_dialog_and_the_focus_outlive_what_changes_around_them(place, board):
    _, lane, _, _ = place
    board.locator("#act-incident-open").click()
    line = board.locator("dialog").get_by_label("What it is, in one line")
    line.fill("Crowding at the ta")
    before = people_today(board)
    lane.scan(CODES[2])
    wait_for_text(board, "#part-figures", f"{before + 1} people today")
    line.press_sequentially("il")
    typed = line.input_value()
    board.keyboard.press("Escape")
    board.locator("#act-occupancy").focus()
    lane.scan(CODES[3])
    wait_for_text(board, "#part-figures", f"{before + 2} people today")

    assert typed == "Crowding at the tail"
    assert board.evaluate("document.activeElement.id") == "act-occupancy"


def test_a_new_gate_comes_by_itself_and_works_like_the_others(place, board):
    server, lane, _, _ = place
    gate_server(server.directory, "gate", "add", "G3", "--name", "North gate", "--area", "park")
    wait_for_text(board, "#gate-G3 .head", "open")
    board.locator("#act-gate-G3").click()
    dialog = board.locator("dialog")
    dialog.get_by_label("From now on").select_option("paused")
    dialog.get_by_label("Reason").fill("not open yet")
    dialog.get_by_role("button", name="Change the gate").click()
    wait_for_text(board, "#gate-G3 .head", "paused")
    # It stands first now; what comes later still finds its place.
    before = int(board.locator("#gate-G1 .facts").first.inner_text().partition(" ")[0])
    lane.scan(CODES[5])
    wait_for_text(board, "#gate-G1 .facts >> nth=0", f"{before + 1} people today")

    assert board.locator("article.tile").first.get_attribute("id") == "gate-G3"


def test_without_the_parts_from_npm_it_moves_too(place, seat, browser):
    _, lane, way, _ = place
    with a_board(browser, way, seat, cut=True) as board:
        board.route("**/static/npm/**", lambda route: route.abort())
        board.reload()
        before = people_today(board)
        lane.scan(CODES[6])
        wait_for_text(board, "#part-figures", f"{before + 1} people today")
        board.locator("#act-incident-open").click()
        board.wait_for_url("**/act/incident-open?**")

        assert board.locator("dialog").get_by_label("Kind").is_visible()


def test_a_lost_connection_is_said_and_nothing_is_missed(place, seat, browser):
    server, lane, _, boss = place
    with Plug(server.port) as way, a_board(browser, way, seat, cut=True) as board:
        way.turn(REFUSE)
        fall = {"kind": "other", "title": "A step is loose"}
        made = server.post("/incidents", boss, fall).json()
        server.post("/gates/G2/state", boss, {"state": "exit_only", "reason": "x"})
        lane.scan(CODES[4])
        expect(board.locator(".stale-note")).to_be_visible(timeout=9000)
        stale = board.locator("#part-desk").inner_text()
        way.turn(PASS)
        expect(board.locator(".stale-note")).to_be_hidden(timeout=9000)
        wait_for_text(board, "#part-desk", "A step is loose")
        wait_for_text(board, "#gate-G2 .head", "exit only")
    server.post(f"/incidents/{made['incident_id']}/close", boss, {"summary": "mended"})

    assert "A step is loose" not in stale


def test_who_was_turned_away_asks_again(place, seat, browser):
    with a_board(browser, place[2], seat, cut=True) as board:
        board.clock.install()
        board.route("**/live?*", lambda route: route.fulfill(status=503))
        board.reload()
        board.clock.run_for(5500)
        expect(board.locator(".stale-note")).to_be_visible()
        board.unroute("**/live?*")
        board.clock.run_for(5500)

        expect(board.locator(".stale-note")).to_be_hidden()


def test_updates_leave_nothing_behind_in_the_browser(place, seat, browser):
    with a_board(browser, place[2], seat) as board:
        board.add_init_script(OWN_STREAM)
        board.reload()
        board.wait_for_function("window.stream")
        board.evaluate(TURN_ROUND, 10)
        before = what_stays(board)
        board.evaluate(TURN_ROUND, 100)
        after = what_stays(board)
        asked = []
        board.on("request", lambda each: asked.append(each.url))
        board.locator("#act-gate-G1").click()
        board.locator("dialog").wait_for()

        assert after["JSEventListeners"] == before["JSEventListeners"]
        assert after["Nodes"] < before["Nodes"] + 50
        assert len([url for url in asked if "/act/" in url]) == 1


def what_stays(board):
    """Return how many of which things the page keeps once its garbage is gone."""
    tools = board.context.new_cdp_session(board)
    tools.send("Performance.enable")
    tools.send("HeapProfiler.collectGarbage")
    figures = tools.send("Performance.getMetrics")["metrics"]
    tools.detach()
    return {each["name"]: each["value"] for each in figures}


def test_first_screen_has_figures_calls_and_gates(place, board):
    bottoms = {
        name: board.locator(selector).first.bounding_box()["y"]
        for name, selector in (
            ("figures", "#part-figures .figure"),
            ("calls", "#part-calls .card"),
            ("gates", "#gate-G1 .flow"),
        )
    }

    assert {name for name, y in bottoms.items() if y > DESK["height"] - 60} == set()
    assert board.evaluate("document.documentElement.scrollWidth") <= DESK["width"]


def test_phone_in_chinese_has_one_column_and_no_sideways_scrolling(place, seat, browser):
    with a_board(browser, place[2], seat, viewport=PHONE, locale="zh-CN") as board:
        order = [board.locator(f"#part-{name}").bounding_box()["y"] for name in ("calls", "gates")]

        assert board.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert order == sorted(order)
        assert board.locator("html").get_attribute("lang") == "zh-CN"
        for words in ("园内人数", "近15分钟入园", "待人工核验", "检票口"):
            assert words in board.locator("main").text_content()


def test_axe_finds_nothing_serious(place, seat, browser):
    needs_axe()
    # Only so that axe itself may run; the policy is held to by every other test.
    with a_board(browser, place[2], seat, locale="zh-CN", bypass_csp=True) as board:
        board.add_script_tag(path=AXE)
        found = serious(board)
        board.locator("#act-emergency").click()
        board.locator("dialog").wait_for()
        found += serious(board, "#dialog")
        board.emulate_media(color_scheme="dark")
        found += serious(board, "#dialog")
        board.keyboard.press("Escape")
        found += serious(board, "#main", {"runOnly": ["color-contrast"]})

        assert found == []


def test_a_session_that_ends_takes_the_board_with_it(place, seat, browser):
    with a_board(browser, place[2], seat) as board:
        other = board.context.new_page()
        other.goto("/account")
        other.get_by_role("button", name="Log out everywhere").click()
        board.wait_for_url("**/login*", timeout=WITHIN_MS)
