"""Pages of the board in a real browser: a scanner enrols by the screen, an account begins."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import expect

from admission.deals import AtGate, HoldScope
from gate_server.ledger import actions
from tests import nursery
from tests.axe import AXE, needs_axe
from tests.desk import PASSWORD
from tests.server import Park, a_running_server

DETAILS = ["/gates/G1", "/deals/ODD", "/deals/ODD/settlement", "/account"]
LOOK = """async (address) => {
  // In one document after the other: to load axe anew for each costs more than to run it.
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
  const wanted = [...shown.querySelectorAll("link[rel=stylesheet]")];
  const had = [...document.querySelectorAll("link[rel=stylesheet]")];
  for (const sheet of had) {
    // One that is disabled would be fetched anew once it is wanted again.
    sheet.media = wanted.some((each) => each.href === sheet.href) ? "all" : "not all";
  }
  for (const sheet of wanted.filter((each) => !had.some((one) => one.href === each.href))) {
    await new Promise((done) => { sheet.onload = done; document.head.append(sheet); });
  }
  document.title = shown.title;
  document.body.replaceWith(shown.body);
  const { violations } = await axe.run({ resultTypes: ["violations"] });
  const cut = [...document.querySelectorAll("a.act")]
    .filter((act) => act.getBoundingClientRect().right > innerWidth)
    .map((act) => "cut off: " + act.textContent);
  return { violations, cut };
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("board-ops") / "var")
    park.sell("CODE-0001", "CODE-0002")
    park.hire("admin", "boss", password=PASSWORD)
    park.hire("partner", "part", password=PASSWORD, platform="lvtu")
    park.enrol()
    park.offer("ODD")
    park.sell("ODD-0001", deal_id="ODD", buyer_ref="trader", sold_at="2026-01-05T09:00:00+08:00")
    held = {"scope": HoldScope(), "at_gate": AtGate.REFER, "now": park.ledger.clock()}
    park.change(lambda tx: actions.hold_deal(tx, "ODD", reason="odd price", by="anne", **held))
    park.close()
    with a_running_server(park.directory, tls=True) as server:
        yield server


@pytest.fixture(scope="module")
def page(browser, server):
    context = browser.new_context(
        # The venue's own authority, which staff's browsers are told of at /ca.
        ignore_https_errors=True,
        locale="en-GB",
        base_url=server.url,
        viewport={"width": 1366, "height": 768},
    )
    page = context.new_page()
    log_in(page, "boss", PASSWORD)
    yield page
    context.close()


def log_in(page, name, password):
    page.goto("/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def scanner(directory, *arguments):
    """Run a command of a scanner; return its exit status and what it says as JSON."""
    done = nursery.run("scanner-client", "--state", directory, *arguments)
    last = done.stdout.strip().splitlines()[-1:] or ["{}"]
    return done.returncode, json.loads(last[0]) if last[0].startswith("{") else done.stdout


def read_screen(page):
    """Return what the QR code on the screen says."""
    picture = Image.open(io.BytesIO(page.locator(".qr").screenshot())).convert("L")
    return zxingcpp.read_barcode(np.asarray(picture)).text


def test_reason_of_a_lookup_is_asked_for_by_the_browser_where_one_is_needed(page):
    page.goto("/lookup")
    reason = page.get_by_label("Why")
    needed = [reason.get_attribute("required")]
    for how in ("phone_last4", "code"):
        page.get_by_label("It is a").select_option(how)
        needed.append(reason.get_attribute("required"))
    page.goto("/nowhere")

    assert needed == [None, "", None]
    expect(page.get_by_role("alert")).to_have_text("There is no such page.")
    expect(page.get_by_role("link", name="To the board")).to_be_visible()


def test_scanner_enrols_by_the_qr_on_the_screen_moves_and_is_revoked(page, server, tmp_path):
    lane = tmp_path / "lane"
    page.goto("/devices")
    page.get_by_role("button", name="Add a device").click()
    page.get_by_label("Gate").select_option("G1")
    page.get_by_label("What staff call it").fill("Lane at the screen")
    page.get_by_role("button", name="Show the QR code").click()
    url = read_screen(page)

    assert url.startswith(f"{server.url}/enrol#")
    assert nursery.run("scanner-client", "--state", lane, "enrol", url).returncode == 0
    assert scanner(lane, "read", "--code", "CODE-0001", "--json")[0] == 0
    page.get_by_role("button", name="Close this window").click()
    row = page.locator("tr", has_text="Lane at the screen")
    # The page behind the dialog has learnt of it without being loaded anew.
    expect(row).to_contain_text("South gate")

    row.get_by_role("button", name="Move").click()
    page.get_by_role("dialog").get_by_label("Gate").select_option("G2")
    page.get_by_role("dialog").get_by_role("button", name="Move to another gate").click()
    expect(row).to_contain_text("Valley lane")
    scanner(lane, "sync")
    assert scanner(lane, "status", "--json")[1]["gate_id"] == "G2"

    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke the device").click()
    expect(row).to_have_count(0)
    status, told = scanner(lane, "read", "--code", "CODE-0002", "--json")
    assert (status, told.get("outcome")) != (0, "admit")


def test_new_account_begins_with_a_password_of_its_own(page, browser, server):
    page.goto("/users")
    page.get_by_role("button", name="Add an account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name to log in with").fill("anne")
    dialog.get_by_label("Role").select_option("supervisor")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Add an account").click()
    first = page.get_by_label("First password").input_value()
    page.keyboard.press("Escape")
    expect(page.locator("tr", has_text="anne")).to_contain_text("has not logged in yet")
    other = browser.new_context(ignore_https_errors=True, locale="en-GB", base_url=server.url)
    hers = other.new_page()
    log_in(hers, "anne", first)

    expect(hers.get_by_text("Please choose your own")).to_be_visible()
    hers.goto("/devices")
    assert hers.url.endswith("/account"), "nothing else is open before"
    hers.get_by_label("Password until now").fill(first)
    hers.get_by_label("New password, at least").fill("quite another one")
    hers.get_by_label("New password once more").fill("quite another one")
    hers.get_by_role("button", name="Change the password").click()
    hers.goto("/devices")
    expect(hers.get_by_role("heading", name="Devices")).to_be_visible()

    page.locator("tr", has_text="anne").get_by_role("button", name="Log out everywhere").click()
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Log out everywhere").click()
    expect(page.get_by_role("status")).to_contain_text("Done.")
    hers.reload()
    assert "/login" in hers.url
    other.close()


@pytest.mark.parametrize(("name", "more"), [("boss", DETAILS), ("part", ["/deals/ODD"])])
def test_every_page_is_well_made_on_a_phone(browser, server, name, more):
    needs_axe()
    # Only so that axe itself may run; the policy is held to by every other test.
    context = browser.new_context(
        ignore_https_errors=True,
        bypass_csp=True,
        base_url=server.url,
        locale="zh-CN",
        viewport={"width": 390, "height": 844},
    )
    page = context.new_page()
    page.goto("/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.main")
    page.wait_for_url(lambda address: "/login" not in address)
    links = page.locator(".menu nav a")
    # The menu is of all that this account may open, so that a new page is looked at, too.
    pages = list(dict.fromkeys(links.evaluate_all("all => all.map(a => a.pathname)")))
    page.goto("/account")
    page.add_script_tag(path=AXE)
    found = {address: flaws(page, address) for address in [*pages, *more]}
    context.close()

    assert {address: told for address, told in found.items() if told} == {}
    assert len(pages) > (15 if name == "boss" else 0)


def flaws(page, address):
    """Return what axe finds serious on a page, and acts that a phone's screen cuts off."""
    seen = page.evaluate(LOOK, address)
    return seen["cut"] + [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in seen["violations"]
        if each["impact"] in {"serious", "critical"}
    ]
