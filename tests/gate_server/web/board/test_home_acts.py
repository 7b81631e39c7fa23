"""Acts of the board: each is done by whoever may, leaves its audit line, and needs its token."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from gate_server.alarms import AlarmWatch
from gate_server.ledger.ledger import utc_now
from gate_server.web.alarms import alarm_sources
from gate_server.web.board.acts import REGISTRY
from tests.boards import part_of, tile_of
from tests.offline_lines import CODE, a_line, send

REASON = "told by the marshal"


@pytest.fixture
def lead(seat):
    browser = seat("supervisor")
    browser.http.headers["Accept-Language"] = "en"
    return browser


def audited(park, kind):
    sql = "SELECT body FROM audit WHERE kind = ?"
    return park.ledger.read(lambda db: [row[0] for row in db.execute(sql, (kind,))])


def tells(browser, act, **subject):
    """Return what the dialog of an act tells before it is done."""
    page = browser.http.get(f"/act/{act}", params=subject)
    assert page.status_code == 200, page.text
    found = re.search(r'<ul class="consequence".*?</ul>', page.text, re.DOTALL)
    return "" if found is None else found[0]


def do(park, browser, act, event, subject=None, **fields):
    """Do an act; return the one audit line that it left, which must name who did it."""
    before = len(audited(park, event))
    answer = browser.send("/account", f"/act/{act}", **(subject or {}), **fields)
    assert answer.status_code == 303, answer.text
    (line,) = audited(park, event)[before:]
    assert f'"by":"{browser.name}"' in line
    return line


def a_call(park, browser):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    device = park.enrol()
    browser.scan(device, "ORDER-77", nonce="a-referral")
    return {"nonce": "a-referral", "device_id": device.name}


# --- calls and lanes -----------------------------------------------------------------------------


def test_call_is_answered_without_letting_anybody_in(park, lead):
    subject = a_call(park, lead)
    told = tells(lead, "call-close", **subject)
    line = do(park, lead, "call-close", "call_answered", subject, reason=REASON)

    assert "South gate: several vouchers" in told
    assert "0 other calls wait" in told
    assert REASON in line
    assert "Nobody waits for a human" in lead.http.get("/").text


def test_people_let_in_on_a_call_are_told_in_numbers(park, lead):
    subject = a_call(park, lead)
    told = tells(lead, "call-admit", **subject)
    line = do(park, lead, "call-admit", "override", subject, reason=REASON, party="2")

    assert "0 people are inside" in told
    assert REASON in line
    assert "2 people let in." in lead.http.get("/").text
    assert "does not wait any more" in tells(lead, "call-admit", **subject)


def test_call_says_whose_it_is_how_many_ask_and_how_many_are_left(park, lead):
    park.offer("GROUP", title="Spring group")
    park.sell("GROUP-0012", deal_id="GROUP", admits="12")
    device = park.enrol()
    lead.scan(device, "GROUP-0012", nonce="a-large-party", party=20)
    behind = "…0012 · Spring group · asked 20, left 12"
    page = lead.http.get("/").text
    dialog = lead.http.get("/act/call-admit?nonce=a-large-party&device_id=" + device.name).text

    assert f'<div class="behind">{behind}</div>' in page
    assert f"<li>{behind}</li>" in dialog
    assert "Unless you enter another number, 20 people are let in." in dialog
    assert 'name="reason" value="group came in parts"' in dialog


def test_usual_answer_of_a_call_is_filled_in(park, lead):
    subject = a_call(park, lead)
    page = lead.http.get("/act/call-admit", params=subject).text
    filled = re.search(r'name="reason" value="([^"]+)"', page)[1]
    other = lead.http.get("/act/call-close", params=subject).text

    assert filled == "order seen on the phone"
    assert "Unless you enter another number, 1 person is let in." in page
    assert page.count('data-fill="field-reason"') == 5
    assert 'name="reason" value="sent to the help desk"' in other
    line = do(park, lead, "call-admit", "override", subject, reason=filled)
    assert filled in line
    assert '"people":1' in line


def test_every_call_that_waits_has_its_place_with_the_oldest_first(park, lead):
    device = park.enrol()
    for number in range(8):
        park.sell(f"FAMILY-{number}A", f"FAMILY-{number}B", order_ref=f"ORDER-{number}")
        park.now = park.ledger.clock() + timedelta(seconds=61)
        lead.scan(device, f"ORDER-{number}", nonce=f"a-referral-{number}")
    board, page = lead.http.get("/").text, lead.http.get("/calls").text
    found = re.findall(r'<li id="call-[^"]*-a-referral-(\d)">.*?class="age">(\d+) min<', page)

    assert '<a id="to-more-calls" href="/calls">and 2 more</a>' in board
    assert [number for number, _ in found] == list("01234567")
    assert (found[0][1], found[-1][1]) == ("7", "0")
    assert 'id="act-admit-' in page


def test_people_of_a_dead_lane_are_taken_back(park, lead):
    park.sell("GROUP-0001", admits="5")
    device = park.enrol()
    lead.scan(device, "GROUP-0001", nonce="admission-1")
    told = tells(lead, "scan-annul", device_id=device.name)
    fields = {"nonce": "admission-1", "people": "2", "reason": REASON}
    do(park, lead, "scan-annul", "annul", {"device_id": device.name}, **fields)

    assert "This lane let in 5 people lately." in told
    assert lead.scan(device, "GROUP-0001")["admitted"] == 2


def test_scan_of_another_lane_cannot_be_taken_back_by_mistake(park, lead):
    park.sell("GROUP-0001", admits="5")
    device, other = park.enrol(), park.enrol()
    lead.scan(device, "GROUP-0001", nonce="admission-1")
    fields = {"device_id": other.name, "nonce": "admission-1", "reason": REASON}
    answer = lead.send("/account", "/act/scan-annul", **fields)

    assert (answer.status_code, audited(park, "annul")) == (404, [])


def test_alarm_whose_figure_is_well_again_is_shown_less_loudly(park, app, lead):
    wait = [40.0]
    sources = replace(alarm_sources(app.services), wait_minutes=lambda: wait[0])
    watch = AlarmWatch(park.ledger, park.settings, sources)
    watch.look()
    before = part_of(lead.http.get("/").text, "banner")
    park.now, wait[0] = utc_now() + timedelta(minutes=1), 27.0
    watch.look()
    after = part_of(lead.http.get("/").text, "banner")

    assert 'class="alarm warning"' in before
    assert "act now" in before
    assert 'class="alarm notice"' in after
    assert "falling; clears below 24" in after
    assert "act now" not in after


def test_gate_is_paused_by_one_choice_and_one_confirmation(park, lead):
    park.enrol()
    address = re.search(r'id="act-gate-G1"[^>]* href="([^"]+)"', lead.http.get("/").text)[1]
    page = lead.http.get(unescape(address)).text
    usual = re.search(r'data-fill="field-reason" value="([^"]+)"', page)[1]
    do(park, lead, "gate-state", "gate_state", {"gate_id": "G1"}, state="paused", reason=usual)
    tile = tile_of(lead.http.get("/").text, "G1")
    told = re.search(r'id="act-tell-G1"[^>]* href="([^"]+)"', tile)[1]

    assert '<option value="G1" selected>' in lead.http.get(unescape(told)).text
    assert '<option value="paused" selected>' in page
    assert "state=open" in tile
    assert "state=paused" not in tile


# --- the venue -----------------------------------------------------------------------------------


def test_evacuation_takes_one_press_and_one_confirmation(park, lead):
    park.enrol()
    page = lead.http.get("/act/emergency").text
    filled = re.search(r'name="reason" value="([^"]+)"', page)
    do(park, lead, "emergency", "emergency", reason=filled[1])

    assert "0 people are inside." in tells(lead, "emergency")
    assert "1 device learns of it within a second." in page
    assert park.ledger.catalogue.emergency


def test_after_an_evacuation_people_inside_are_asked_for(park, lead):
    do(park, lead, "emergency", "emergency", reason="fire")
    told = tells(lead, "emergency-over")
    answer = lead.send("/account", "/act/emergency-over", reason="fire is out")
    do(park, lead, "occupancy", "occupancy", people="340", reason=REASON)

    assert "2 gates let people in again." in told
    assert answer.headers["location"] == "/act/occupancy"
    assert "<b>340</b> <span>inside now" in lead.http.get("/").text


def test_board_asks_for_people_inside_until_somebody_has_counted(park, lead):
    do(park, lead, "emergency", "emergency", reason="fire")
    lead.send("/account", "/act/emergency-over", reason="fire is out")
    asks = part_of(lead.http.get("/").text, "banner")
    do(park, lead, "occupancy", "occupancy", people="340", reason=REASON)

    assert "People inside not counted since the evacuation" in asks
    assert 'id="act-uncounted"' in asks
    assert "not counted" not in part_of(lead.http.get("/").text, "banner")


def test_dialog_for_people_inside_opens_at_once_where_there_are_scripts(park, lead):
    do(park, lead, "emergency", "emergency", reason="fire")
    page = lead.http.get("/account").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    form = {"csrf_token": token, "reason": "out"}
    answer = lead.http.post("/act/emergency-over", data=form, headers={"HX-Request": "true"})

    assert 'action="/act/occupancy"' in answer.text
    assert answer.headers["hx-trigger"] == "acted"


def test_queue_is_counted_by_whoever_stands_there(park, seat):
    steward = seat("steward")
    steward.http.headers["Accept-Language"] = "en"
    told = tells(steward, "queue-count")
    do(park, steward, "queue-count", "queue_count", people="90", area="park")

    assert "not known how many wait" in told
    assert "about 90 people are taken to wait" in tells(steward, "queue-count")


# --- duty ----------------------------------------------------------------------------------------


def test_broadcast_is_sent_once_its_reach_was_told_and_taken_back(park, lead):
    park.enrol()
    park.enrol(gate_id="G2")
    fields = {
        "message.zh": "请引导至北门",
        "message.en": "Lead to the north",
        "gates": "G2",
        "priority": "high",
    }
    told = lead.send("/account", "/act/broadcast-send", **fields)
    lead.send("/account", "/act/broadcast-send", **fields, step="as-told")
    unsent = len(park.ledger.catalogue.broadcasts)
    do(park, lead, "broadcast-send", "broadcast", **fields, step="do")
    [sent] = park.ledger.catalogue.broadcasts
    subject = {"broadcast_id": sent}
    reach = tells(lead, "broadcast-end", **subject)
    do(park, lead, "broadcast-end", "end_broadcast", subject, reason=REASON)

    assert "1 device shows it within a second." in told.text
    assert unsent == 0
    assert "Shown on 0 of 1 devices" in reach


def test_what_is_worded_already_is_offered_and_told_at_once(park, lead):
    park.enrol()
    dialog = lead.http.get("/act/broadcast-send").text
    address = re.search(r'href="([^"]+template=help_desk[^"]*)"', dialog)[1]
    page = lead.http.get(unescape(address)).text
    step = re.search(r'name="step" value="([^"]+)"', page)[1]
    fields = {"template": "help_desk", "step": step}
    otherwise = lead.send("/account", "/act/broadcast-worded", **fields, gates="G2")
    unsent = len(park.ledger.catalogue.broadcasts)
    do(park, lead, "broadcast-worded", "broadcast", fields)

    assert "1 device shows it." in page
    assert "Show what this does" not in page
    assert ("0 devices show it." in otherwise.text, unsent) == (True, 0)


def test_incident_is_opened_answered_noted_and_closed(park, lead):
    fields = {"kind": "crowd", "title": "Crowding", "gate_id": "G1", "note": "at the tail"}
    do(park, lead, "incident-open", "incident", **fields)
    page = lead.http.get("/").text
    subject = {"incident_id": re.search(r'id="incident-(I[0-9a-f]+)"', page)[1]}
    told = tells(lead, "incident-acknowledge", **subject)
    for act, kind, more in (
        ("incident-acknowledge", "incident_acknowledged", {}),
        ("incident-note", "incident_note", {"note": "two more marshals"}),
        ("incident-close", "incident_closed", {"summary": "queue is short again"}),
    ):
        do(park, lead, act, kind, subject, **more)

    assert "unanswered" in page
    assert "Crowding" in told
    assert "called 0 times" in told
    assert "Crowding" not in lead.http.get("/").text


def test_conflict_is_resolved_with_what_was_found_out(park, lead):
    park.sell(CODE)
    for device in (park.enrol(), park.enrol()):
        send(lead, device, a_line())
    page = lead.http.get("/").text
    number = re.search(r'id="conflict-(\d+)"', page)[1]
    told = tells(lead, "conflict-resolve", conflict_id=number)
    do(park, lead, "conflict-resolve", "conflict_resolved", {"conflict_id": number}, note=REASON)

    assert "1 conflict is open in all." in told
    assert f'id="conflict-{number}"' not in lead.http.get("/").text


def test_alarm_is_seen_to(app, park, lead):
    park.now = utc_now()
    device = park.enrol()
    word = {"epoch": park.ledger.epoch, "replica_revision": 0, "replica_age_s": None}
    lead.post("/devices/self/heartbeat", device, word | {"outbox_depth": 9000})
    AlarmWatch(park.ledger, park.settings, alarm_sources(app.services)).look()
    page = lead.http.get("/").text
    subject = {"alarm_id": re.search(r'id="alarm-(\d+)"', page)[1]}
    told = tells(lead, "alarm-acknowledge", **subject)
    do(park, lead, "alarm-acknowledge", "alarm_acknowledged", subject, note=REASON)

    assert "9000" in page.replace(",", "")
    assert "1 alarm stands" in told
    assert f"{lead.name} sees to it" in lead.http.get("/").text


# --- from the board to what is behind it ---------------------------------------------------------


def test_what_the_board_names_leads_to_its_page(park, lead, seat):
    park.sell(CODE)
    for device in (park.enrol(), park.enrol()):
        send(lead, device, a_line())
    do(park, lead, "incident-open", "incident", kind="crowd", title="Crowding", gate_id="G1")
    fields = {"message.zh": "请稍候", "message.en": "Please wait", "priority": "normal"}
    do(park, lead, "broadcast-send", "broadcast", **fields, step="do")
    links = re.findall(r'<a (?:class="to" )?id="to-[^"]+" href="([^"]+)"', lead.http.get("/").text)
    to_steward = seat("steward").http.get("/").text

    kinds = "/gates/ /deals/ /incidents/I /broadcasts/B /conflicts# /calls /incidents /conflicts"
    assert [kind for kind in kinds.split() if not any(kind in link for link in links)] == []
    assert {lead.http.get(link).status_code for link in links} == {200}
    assert 'href="/incidents' not in to_steward.partition('class="board"')[2]


def test_deal_of_the_hour_can_be_held_voided_and_restored_from_the_board(park, lead):
    park.sell("GROUP-0001")
    lead.scan(park.enrol(), "GROUP-0001")
    page = lead.http.get("/").text
    terms = {"reason": "withdrawn", "honour": None, "cost_bearer": "venue"}
    assert lead.post("/deals/DAY/void", park.hire("supervisor"), terms).status_code == 200
    voided = lead.http.get("/").text
    told = re.search(r'id="act-tell-DAY"[^>]* href="([^"]+)"', voided)[1]

    assert [name for name in ("hold", "void", "restore") if f"act-{name}-DAY" in page] == [
        "hold",
        "void",
    ]
    assert 'id="act-restore-DAY"' in voided
    assert '<option value="DAY" selected>' in lead.http.get(unescape(told)).text


# --- what holds of all ---------------------------------------------------------------------------


def test_no_act_is_done_without_the_pages_token(park, lead):
    before = park.ledger.revision
    for name, act in REGISTRY.items():
        form = dict.fromkeys(act.subject, "x") | {field.name: "x" for field in act.fields}
        assert lead.http.post(f"/act/{name}", data=form).status_code == 403, name

    assert park.ledger.revision == before


def test_what_an_act_is_about_must_be_there(lead):
    subjects = {
        "gate-state": {"gate_id": "G9"},
        "broadcast-end": {"broadcast_id": "B0"},
        "incident-close": {"incident_id": "I0"},
        "deal-hold": {"deal_id": "NONE"},
    }
    found = {
        name: lead.http.get(f"/act/{name}", params=subject).status_code
        for name, subject in subjects.items()
    }

    assert found == dict.fromkeys(subjects, 404)
