"""Every page with every role, and what holds of all of them."""

import re
from dataclasses import dataclass

import httpx
import pytest

from gate_server.app import GateApp
from gate_server.web.board.acts import REGISTRY
from gate_server.web.board.pages import POLICY
from gate_server.web.callers import Role
from tests.boards import be_seated
from tests.pushers import connect
from tests.server import Park, Site, an_app, slug_of

STAFF = "steward supervisor admin"
LEADERS = "supervisor admin"
EVERYBODY = " ".join(Role)

# By hand: a page that is missing here fails.
MAY = {
    "GET /": f"{STAFF} auditor",
    "GET /live": f"{STAFF} auditor",
    "GET /calls": f"{STAFF} auditor",
    "GET /lookup": STAFF,
    "POST /lookup": STAFF,
    "GET /gates": f"{STAFF} auditor",
    "GET /gates/<gate_id>": f"{STAFF} auditor",
    "GET /incidents": f"{LEADERS} auditor",
    "GET /incidents/<incident_id>": f"{LEADERS} auditor",
    "GET /incidents/<incident_id>/report/<name>": f"{LEADERS} auditor",
    "GET /conflicts": f"{LEADERS} auditor",
    "GET /broadcasts": f"{LEADERS} auditor",
    "GET /broadcasts/new": LEADERS,
    "GET /broadcasts/<broadcast_id>": f"{LEADERS} auditor",
    "GET /devices": f"{LEADERS} auditor",
    "GET /feeds": f"{STAFF} auditor",
    "GET /feeds/<feed_id>": f"{LEADERS} auditor",
    "GET /operators": f"{LEADERS} auditor",
    "GET /handover": f"{STAFF} auditor",
    "GET /handover/sheet": f"{STAFF} auditor",
    "GET /figures": f"{STAFF} auditor",
    "GET /audit": "admin auditor",
    "GET /users": "admin auditor",
    "GET /settings": "admin auditor",
    "GET /deals": f"{STAFF} auditor",
    "GET /deals/<deal_id>": f"{STAFF} auditor partner",
    "GET /partner": "partner",
    "GET /settlement": f"{LEADERS} auditor",
    "GET /deals/<deal_id>/bill": f"{LEADERS} auditor partner",
    "GET /deals/<deal_id>/settlement": f"{LEADERS} auditor partner",
    "GET /deals/<deal_id>/statements/<version>": f"{LEADERS} auditor partner",
    "GET /months/<platform>/<month>": f"{LEADERS} auditor partner",
    "GET /blocks": f"{LEADERS} auditor",
    "GET /closures": f"{LEADERS} auditor",
    "GET /act/<name>": EVERYBODY,
    "POST /act/<name>": EVERYBODY,
    "GET /account": EVERYBODY,
    "POST /account": EVERYBODY,
    "POST /account/sessions/end": EVERYBODY,
    "POST /logout": EVERYBODY,
    "POST /language": EVERYBODY,
}
MAY_ACT = {
    "gate-add": "admin",
    "broadcast-worded": LEADERS,
    "device-enrol": LEADERS,
    "device-move": LEADERS,
    "device-party": LEADERS,
    "device-revoke": LEADERS,
    "device-clear": LEADERS,
    "feed-ask": LEADERS,
    "feed-drop": "admin",
    "feed-retry": LEADERS,
    "operator-add": LEADERS,
    "operator-reset": LEADERS,
    "operator-disable": LEADERS,
    "user-add": "admin",
    "user-reset": "admin",
    "user-disable": "admin",
    "user-log-out": "admin",
    "gate-state": LEADERS,
    "emergency": LEADERS,
    "emergency-over": LEADERS,
    "call-admit": LEADERS,
    "call-close": LEADERS,
    "scan-override": LEADERS,
    "scan-annul": LEADERS,
    "broadcast-send": LEADERS,
    "broadcast-end": LEADERS,
    "incident-open": LEADERS,
    "incident-acknowledge": LEADERS,
    "incident-note": LEADERS,
    "incident-close": LEADERS,
    "conflict-resolve": LEADERS,
    "alarm-acknowledge": LEADERS,
    "occupancy": LEADERS,
    "queue-count": STAFF,
    "deal-hold": LEADERS,
    "deal-release": LEADERS,
    "deal-void": LEADERS,
    "deal-amend": LEADERS,
    "deal-restore": LEADERS,
    "finding-close": LEADERS,
    "list-make": LEADERS,
    "statement-make": LEADERS,
    "statement-sign": f"{LEADERS} partner",
    "override-confirm": "partner",
    "month-close": LEADERS,
    "block": LEADERS,
    "block-accept": LEADERS,
    "block-decline": LEADERS,
    "block-lift": LEADERS,
    "block-uphold": LEADERS,
    "block-appeal": LEADERS,
    "closure": LEADERS,
    "closure-amend": LEADERS,
    "closure-restore": LEADERS,
}
# A browser goes on reading it, so asking for it once never ends.
STREAMS = {"/live"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@dataclass
class House:
    """One park with one of everything, and a browser for each role; `None` has not logged in.

    Attributes:
        parts: what stands for the variable parts of an address.
    """

    park: Park
    app: GateApp
    browsers: dict[Role | None, Site]
    parts: dict[str, str]

    def address(self, rule: str) -> str:
        return re.sub(r"<([a-z_]+)>", lambda found: self.parts[found[1]], rule)

    def pages(self, method: str) -> list:
        return [page for page in self.app.board.pages if page.method == method]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    park = Park(tmp_path_factory.mktemp("house") / "var")
    with an_app(park) as (app, stranger):
        made = House(park, app, {None: stranger}, _furnish(park, stranger))
        for role in Role:
            transport = httpx.WSGITransport(app=app, remote_addr="127.0.0.1")
            browser = Site(httpx.Client(transport=transport, base_url="http://127.0.0.1"))
            be_seated(browser, park, role.value, f"house-{role.value}")
            made.browsers[role] = browser
        yield made
        for browser in made.browsers.values():
            browser.http.close()
    park.close()


def _furnish(park, site):
    """Put one of everything into a park, by its calls; return what names each."""
    boss = park.hire("supervisor")
    park.add_gate("G3", "<script>alert(1)</script>", "park")
    park.sell("CODE-0001")
    site.scan(park.enrol(), "CODE-0001")
    connect(park)
    (feed_id,) = park.ledger.catalogue.feeds
    fall = {"kind": "help", "title": "a visitor fell"}
    incident = site.post("/incidents", boss, fall).json()
    message = {"zh": "请等候", "en": "Please wait"}
    told = site.post("/broadcasts", boss, {"message": message}).json()
    statement = site.post("/deals/DAY/statements", boss).json()
    return {
        "gate_id": "G1",
        "deal_id": "DAY",
        "feed_id": str(feed_id),
        "incident_id": incident["incident_id"],
        "broadcast_id": told["broadcast_id"],
        "version": str(statement["version"]),
        "platform": "lvtu",
        "month": f"{park.ledger.venue.day_of(park.ledger.clock()):%Y-%m}",
    }


def _addresses(house, page):
    """Return where a page is: of the report the kinds that there are, of acts an own test."""
    if page.rule == "/act/<name>":
        return []
    if "<name>" in page.rule:
        names = ("zh.html", "en.md")
        return [house.address(page.rule.replace("<name>", name)) for name in names]
    return [house.address(page.rule)]


def test_every_page_and_act_says_who_may(house):
    pages = {f"{page.method} {page.rule}": page.who for page in house.app.board.pages}

    assert pages == {call: set(may.split()) for call, may in MAY.items()}
    assert {name: act.who for name, act in REGISTRY.items()} == {
        name: set(may.split()) for name, may in MAY_ACT.items()
    }


@pytest.mark.parametrize("role", Role)
def test_page_opens_for_its_roles_alone(house, role):
    browser = house.browsers[role]
    for page in house.pages("GET"):
        if page.rule in STREAMS and role in page.who:
            continue
        # Who has no board is sent on from it to a page of their own.
        sent_on = page.rule == "/" and role is Role.PARTNER
        other = 303 if sent_on else 403
        for address in _addresses(house, page):
            status = browser.http.get(address).status_code
            assert status == (200 if role in page.who else other), address


@pytest.mark.parametrize("role", Role)
def test_form_is_taken_from_its_roles_alone_and_only_with_its_token(house, role):
    browser = house.browsers[role]
    form = {"next": "/nowhere", "language": "en", "what": "CODE-0001", "how": "code"}
    before = house.park.ledger.revision
    for page in house.pages("POST"):
        address = page.rule.replace("<name>", "gate-state")
        for data in (form, form | {"csrf_token": "made-up"}):
            assert browser.http.post(address, data=data).status_code == 403, address
        if role not in page.who:
            assert browser.send("/account", address, **form).status_code == 403, address

    assert house.park.ledger.revision == before
    assert browser.http.get("/account").status_code == 200, "nobody was logged out by it"


@pytest.mark.parametrize("role", Role)
def test_act_is_refused_to_other_roles_before_anything_is_read(house, role):
    browser = house.browsers[role]
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.http.get("/account").text)[1]
    for name, act in REGISTRY.items():
        shown = browser.http.get(f"/act/{name}")
        if role in act.who:
            # Without what it is about it cannot be shown; else it opens.
            assert shown.status_code == (400 if act.subject else 200), name
            continue
        done = browser.http.post(f"/act/{name}", data={"csrf_token": token})
        assert (shown.status_code, done.status_code) == (403, 403), name


def test_stranger_opens_no_page_and_sends_no_form_at_all(house):
    stranger, before = house.browsers[None], house.park.ledger.revision
    for page in house.app.board.pages:
        for address in _addresses(house, page) or ["/act/gate-state"]:
            answer = stranger.http.request(page.method, address)
            assert answer.status_code == 303, address
            assert answer.headers["location"].startswith("/login"), address

    assert house.park.ledger.revision == before


def test_no_page_has_code_or_style_of_its_own(house):
    browser = house.browsers[Role.ADMIN]
    found = [each for page in house.pages("GET") for each in _addresses(house, page)]
    # The report is a file to be kept, with a style of its own.
    pages = [each for each in found if each not in STREAMS and "/report/" not in each]
    for rule in [*pages, "/login", "/nowhere", "/act/gate-state?gate_id=G1"]:
        answer = browser.http.get(rule, headers=BROWSER)
        text = answer.text
        policy = answer.headers["content-security-policy"]

        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"\s(?:style|on[a-z]+)=", text) == [], rule
        assert re.findall(r"""(?:src|href|action)=["'](?:[a-z]+:)?//""", text) == []
        assert answer.headers["cache-control"] == "no-store"


def test_names_are_shown_as_they_are_and_never_as_markup(house):
    for page in ("/", "/gates", "/gates/G3"):
        shown = house.browsers[Role.SUPERVISOR].http.get(page).text

        assert "<script>alert" not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_part_that_is_missing_says_so_in_words(house):
    browser = house.browsers[Role.SUPERVISOR]
    for path, status in (("/act/nothing", 404), ("/act/gate-state", 400), ("/nowhere", 404)):
        answer = browser.http.get(path)
        assert answer.status_code == status


@pytest.mark.parametrize("role", [None, Role.SUPERVISOR, Role.PARTNER])
@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/gates/", 404), ("/logout", 405)]
)
def test_unknown_address_is_a_page_with_a_way_back(house, role, path, status):
    for language, words in (("zh", "没有这个页面"), ("en", "There is no such page.")):
        headers = BROWSER | {"Accept-Language": language}
        answer = house.browsers[role].http.get(path, headers=headers)

        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert words in answer.text
        assert '<a href="/">' in answer.text
        assert ('action="/logout"' in answer.text) is (role is not None)
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers.get("allow") == ("POST" if status == 405 else None)


def test_programs_get_problems_to_read_and_parts_of_a_page_words(house):
    site = house.browsers[None]
    program = site.http.get("/nowhere")
    part = site.http.get("/nowhere", headers=BROWSER | {"HX-Request": "true"})
    call = site.http.get("/api/v1/nowhere", headers=BROWSER)

    assert [slug_of(each) for each in (program, call)] == ["not-found"] * 2
    assert (part.status_code, "没有这个页面。" in part.text) == (404, True)
