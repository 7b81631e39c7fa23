"""Acts: what a dialog asks and tells, what it does, and what stays undone."""

import re

import pytest

from gate_server.web.board.acts import REGISTRY, ByCall
from gate_server.web.nouns import NOUNS


@pytest.fixture
def lead(seat):
    return seat("supervisor")


def events(park, kind):
    sql = "SELECT body FROM audit WHERE kind = ?"
    return park.ledger.read(lambda db: [row[0] for row in db.execute(sql, (kind,))])


def test_gate_is_paused_with_its_consequence_told_before(park, lead):
    dialog = lead.http.get(
        "/act/gate-state?gate_id=G1&state=paused", headers={"HX-Request": "true"}
    )
    done = lead.send("/", "/act/gate-state", gate_id="G1", state="paused", reason="rain")

    assert "South gate" in dialog.text
    assert "<html" not in dialog.text
    assert 'value="paused" selected' in dialog.text
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert park.ledger.catalogue.gates["G1"].state == "paused"
    assert any(lead.name in body and "rain" in body for body in events(park, "gate_state"))


def test_act_tells_that_it_is_done_on_the_next_page_or_at_once(lead):
    lead.send("/", "/act/gate-state", gate_id="G1", state="paused", reason="rain")
    page = lead.http.get("/").text
    headers = {"HX-Request": "true"}
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "gate_id": "G1", "state": "open", "reason": "dry"}
    at_once = lead.http.post("/act/gate-state", data=form, headers=headers)

    assert '"told">South gate 目前为：暂停。' in page
    assert '"told">South gate 目前为：开放。' in at_once.text
    assert 'class="told"' not in lead.http.get("/").text
    assert (at_once.status_code, at_once.headers["hx-trigger"]) == (200, "acted")


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_nothing_is_done_without_a_reason_and_what_was_typed_stays(park, lead, reason):
    answer = lead.send("/", "/act/gate-state", gate_id="G1", state="paused", reason=reason)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert 'value="paused" selected' in answer.text
    assert park.ledger.catalogue.gates["G1"].state == "open"


def test_problem_of_the_call_is_told_in_the_dialog(lead):
    answer = lead.send("/", "/act/gate-state", gate_id="G9", state="paused", reason="rain")

    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


def test_nobody_is_sent_unwarned_to_a_gate_where_nobody_works(site, park, lead):
    device = park.enrol(gate_id="G2")
    lead.send("/", "/act/gate-state", gate_id="G2", state="paused", reason="rain")
    fields = {"template": "go_to_gate", "values.gate": "G2"}
    unmanned = lead.send("/account", "/act/broadcast-worded", **fields).text
    site.scan(device, "NO-SUCH-CODE")
    manned = lead.send("/account", "/act/broadcast-worded", **fields).text

    assert "目前为：暂停。" in unmanned
    assert "目前为：暂停。" in manned
    assert "目前没有设备在验票" in unmanned
    assert "目前没有设备在验票" not in manned


def test_evacuation_stops_entries_until_it_is_ended(park, lead):
    park.sell("CODE-0001")
    device = park.enrol()
    lead.send("/", "/act/emergency", reason="smoke")
    during = lead.scan(device, "CODE-0001")["reason"]
    banner = lead.http.get("/").text
    lead.send("/", "/act/emergency-over", reason="clear")

    assert during == "emergency"
    assert "emergency-over" in banner
    assert lead.scan(device, "CODE-0001")["reason"] == "admitted"


def test_call_is_answered_and_its_people_are_let_in(park, lead):
    park.sell("CODE-0001", "CODE-0002", order_ref="ORDER-1")
    device = park.enrol()
    scan = lead.scan(device, "ORDER-1", nonce="call-0001")
    waiting = lead.http.get("/").text
    subject = {"nonce": "call-0001", "device_id": device.name}
    done = lead.send("/", "/act/call-admit", **subject, reason="shown at the desk", party="2")

    assert scan["outcome"] == "refer"
    assert "nonce=call-0001" in waiting
    assert done.status_code == 303
    assert "nonce=call-0001" not in lead.http.get("/").text
    assert events(park, "override")


def test_calls_ask_for_the_password_wherever_their_acts_do():
    calls = [(act, act.run.operation) for act in REGISTRY.values() if isinstance(act.run, ByCall)]
    flagged = {each.name for noun in NOUNS for each in noun.operations if each.password}

    # An act of such a call that does not ask would be a way round as well.
    assert {act.name: act.password for act, _ in calls} == {
        act.name: operation.password for act, operation in calls
    }
    assert {operation.name for act, operation in calls if act.password} == flagged
    assert {"void", "restore", "release", "restore_closure"} <= flagged


def test_dialog_that_follows_another_has_nothing_of_what_was_typed_there(lead):
    lead.send("/", "/act/emergency", reason="smoke in the valley")
    page = lead.http.get("/").text
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "reason": "the fire is out", "next": "/gates"}
    followed = lead.http.post("/act/emergency-over", data=form, headers={"HX-Request": "true"})

    assert 'action="/act/occupancy"' in followed.text
    assert 'name="reason" value=""' in followed.text
    assert "the fire is out" not in followed.text
    assert 'name="next" value="/gates"' in followed.text


def titled(lead, act, **subject):
    page = lead.http.get(f"/act/{act}", params=subject).text
    return re.search(r'<h2 id="act-title">(.*?)</h2>', page)[1]


def test_dialog_calls_what_it_is_about_by_its_name(park, lead):
    lead.http.headers["Accept-Language"] = "en"
    one = park.enrol()
    alone = titled(lead, "call-admit", nonce="call-0001", device_id=one.name)
    park.enrol()
    twin = titled(lead, "call-admit", nonce="call-0001", device_id=one.name)

    assert alone == "Let in <small>South gate lane</small>"
    assert twin == f"Let in <small>South gate lane {one.name}</small>"
    assert titled(lead, "gate-state", gate_id="G1") == "State of a gate <small>South gate</small>"
    assert titled(lead, "deal-hold", deal_id="DAY") == "Put on hold <small>票 DAY</small>"
    worded = titled(lead, "broadcast-worded", template="go_to_gate")
    assert worded.endswith(
        "<small>Please lead people in the queue to [Gate], which has room.</small>"
    )
