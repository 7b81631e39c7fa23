"""Every page with every role, and what holds of all of them."""

import re

import pytest

from gate_server.web.board.acts import REGISTRY
from gate_server.web.callers import Role

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


def test_every_page_and_act_says_who_may(app):
    pages = {f"{page.method} {page.rule}": page.who for page in app.board.pages}

    assert pages == {call: set(may.split()) for call, may in MAY.items()}
    assert {name: act.who for name, act in REGISTRY.items()} == {
        name: set(may.split()) for name, may in MAY_ACT.items()
    }


@pytest.mark.parametrize("role", Role)
def test_page_opens_for_its_roles_alone(app, seat, role):
    browser = seat(role.value)
    for page in app.board.pages:
        if page.rule in STREAMS or "<" in page.rule or page.method != "GET":
            continue
        status = browser.http.get(page.rule).status_code
        # Who has no board is sent on from it to a page of their own.
        sent_on = page.rule == "/" and role is Role.PARTNER
        other = 303 if sent_on else 403
        assert status == (200 if role in page.who else other), page.rule


@pytest.mark.parametrize("role", Role)
def test_act_is_refused_to_other_roles_before_anything_is_read(seat, role):
    browser = seat(role.value)
    for name, act in REGISTRY.items():
        if role in act.who:
            continue
        shown = browser.http.get(f"/act/{name}")
        done = browser.send("/account", f"/act/{name}")
        assert (shown.status_code, done.status_code) == (403, 403), name


def test_stranger_opens_no_page_at_all(app, park):
    from tests.server import an_app

    with an_app(park) as (_, site):
        for page in app.board.pages:
            rule = page.rule.replace("<name>", "gate-state")
            answer = site.http.request(page.method, rule)
            assert answer.headers["location"].startswith("/login"), rule


def test_no_page_has_code_or_style_of_its_own(app, seat):
    browser = seat("admin")
    pages = [page.rule for page in app.board.pages if page.method == "GET"]
    rules = [rule for rule in pages if "<" not in rule and rule not in STREAMS]
    for rule in [*rules, "/login", "/nowhere", "/act/gate-state?gate_id=G1"]:
        answer = browser.http.get(rule)
        text = answer.text
        policy = answer.headers["content-security-policy"]

        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
        assert re.findall(r"\s(?:style|on[a-z]+)=", text) == []
        assert re.findall(r"""(?:src|href|action)=["'](?:[a-z]+:)?//""", text) == []
        assert answer.headers["cache-control"] == "no-store"


def test_names_are_shown_as_they_are_and_never_as_markup(park, seat):
    park.add_gate("G3", "<script>alert(1)</script>", "park")
    page = seat("supervisor").http.get("/").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_part_that_is_missing_says_so_in_words(seat):
    browser = seat("supervisor")
    for path, status in (("/act/nothing", 404), ("/act/gate-state", 400), ("/nowhere", 404)):
        answer = browser.http.get(path)
        assert answer.status_code == status
