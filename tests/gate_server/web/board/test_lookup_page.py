"""Pages of look-ups and conflicts: what a voucher has done, and what does not fit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.reconcile import ConflictKind
from gate_server.ledger.ledger import utc_now
from gate_server.web.board.conflict_pages import KINDS
from tests.chance import without_chance
from tests.desk import a_desk

OFFLINE = (
    '{"nonce": "%s", "verdict": {"outcome": "admit", "reason": "admitted", "admitted": 1},'
    ' "code": "%s", "scanned_at": "%s"}'
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    settings = "[limits]\nlookups_an_hour = 2\n"
    with a_desk(tmp_path_factory.mktemp("lookup"), "steward", settings=settings) as desk:
        desk.park.sell("CODE-0001", order_ref="ORDER-7", buyer_phone="13800138000", admits="2")
        desk.park.sell("CODE-0002", status="cancelled")
        yield desk


def look(desk, how, what, **fields):
    return desk.site.send("/lookup", "/lookup", how=how, what=what, **fields)


def test_page_lists_nothing_by_itself(desk):
    page = desk.see("/lookup")

    assert "CODE" not in page
    assert "0001" not in without_chance(page)


def test_lookup_tells_what_a_voucher_did_and_what_a_gate_would_say(desk):
    lane = desk.park.enrol()
    desk.site.scan(lane, "CODE-0001", party=1)

    page = look(desk, "code", "CODE-0001").text

    assert 'class="card verdict admit"' in page
    assert "1 of 2 let in, 1 left" in page
    assert "at South gate now" in page
    assert "· G1 ·" in page
    assert "CODE-0001" not in page
    assert desk.audited("lookup")[-1]["by"] == "anne"


def test_voucher_used_in_one_area_is_answered_for_the_other(desk):
    desk.park.offer("TWO", rights="park:1|valley:1")
    desk.park.sell("TWO-AREAS-1", deal_id="TWO")
    desk.site.scan(desk.park.enrol(), "TWO-AREAS-1")

    anywhere = look(desk, "code", "TWO-AREAS-1").text
    at_the_first = look(desk, "code", "TWO-AREAS-1", gate_id="G1").text

    assert 'class="card verdict admit"' in anywhere
    assert "at Valley lane now" in anywhere
    assert 'class="card verdict refuse"' in at_the_first


def test_question_records_no_scan(desk):
    before = desk.park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM scans").fetchone())

    look(desk, "code", "CODE-0002")

    after = desk.park.ledger.read(lambda db: db.execute("SELECT COUNT(*) FROM scans").fetchone())
    assert after == before


def test_answer_is_that_of_the_gate_that_is_named(desk):
    page = look(desk, "order_ref", "ORDER-7", gate_id="G2").text

    assert 'class="card verdict refuse"' in page
    assert "at Valley lane now" in page


def test_cancelled_voucher_is_said_to_be_so(desk):
    page = look(desk, "code", "CODE-0002").text

    assert 'class="card verdict refuse"' in page
    assert "<dd>cancelled</dd>" in page


def test_last_digits_need_a_reason_and_are_limited(desk):
    asked_why = look(desk, "phone_last4", "8000")
    assert asked_why.status_code == 400
    assert "Say why: the last 4 digits" in asked_why.text
    assert '<option value="phone_last4" selected>' in asked_why.text, "the form, to go on"
    assert 'data-needed-by="how" data-needed-for="phone_last4"' in asked_why.text
    assert "8000" not in without_chance(asked_why.text)
    assert look(desk, "phone_last4", "8000", reason="phone is broken").status_code == 200
    for _ in range(3):
        last = look(desk, "phone", "13800138000")
    assert last.status_code == 429
    assert "13800138000" not in last.text


def test_problem_of_a_lookup_is_told_above_its_form_in_the_persons_language(desk):
    desk.site.http.headers["Accept-Language"] = "zh"
    try:
        wrong = look(desk, "phone_last4", "12", reason="手机没电")
    finally:
        desk.site.http.headers["Accept-Language"] = "en"

    assert wrong.status_code == 400
    assert "请准确输入手机号后4位" in wrong.text
    assert 'value="手机没电"' in wrong.text


@pytest.mark.parametrize("how", ["deal_id", "'; --", ""])
def test_there_is_no_other_way_to_look(desk, how):
    assert look(desk, how, "DAY").status_code == 400


@pytest.mark.parametrize("role", ["partner", "auditor"])
def test_lookup_is_for_staff(desk, role):
    other = desk.beside(role)

    assert other.open("/lookup").status_code == 403
    assert other.site.send("/account", "/lookup", how="code", what="X-0000").status_code == 403


# --- override ------------------------------------------------------------------------------------


def test_supervisor_lets_in_all_the_same_whom_a_lane_refused(desk):
    park, lane = desk.park, desk.park.enrol()
    park.sell("ONCE-0009")
    desk.site.scan(lane, "ONCE-0009")
    refused = desk.site.scan(lane, "ONCE-0009")
    to_steward = look(desk, "code", "ONCE-0009").text
    lead = desk.beside("supervisor")
    page = look(lead, "code", "ONCE-0009").text
    subject = {"nonce": refused["nonce"], "device_id": lane.name}
    dialog = lead.ask("scan-override", **subject)
    lead.do("scan-override", **subject, reason="turnstile did not turn before", party="1")
    after = look(lead, "code", "ONCE-0009").text

    assert refused["outcome"] == "refuse"
    assert "scan-override" not in to_steward
    assert page.count('href="/act/scan-override?') == 1, "who was let in needs no other word"
    assert "…0009" in dialog
    assert 'value="turnstile did not turn before"' in dialog
    assert "people are inside; who is let in counts too." in dialog
    assert (lead.audited("override")[-1]["people"], "scan-override" in after) == (1, False)
    assert "Nobody can be let in on this scan any more." in lead.ask("scan-override", **subject)


# --- conflicts -----------------------------------------------------------------------------------


def test_both_scans_of_a_conflict_stand_side_by_side_until_it_is_resolved(desk):
    park, desk = desk.park, desk.beside("supervisor")
    first, other = park.enrol(), park.enrol(gate_id="G1")
    park.sell("TWICE-0001")
    desk.site.scan(first, "TWICE-0001")
    line = OFFLINE % ("offline-1", "TWICE-0001", utc_now().isoformat())
    assert desk.site.post("/scans/batch", other, line.encode()).status_code == 200
    page = desk.see("/conflicts")
    assert "Used twice" in page
    assert page.count("1 person let in") == 2
    assert "decided by the scanner alone" in page
    assert "decided by the server" in page
    number = page.partition('id="conflict-')[2].partition('"')[0]
    assert "Nothing is open." in desk.see("/conflicts?kind=clock_skew")

    desk.do("conflict-resolve", conflict_id=number, note="the same family, seen by the marshal")

    page = desk.see("/conflicts")
    assert "Nothing is open." in page
    assert "the same family, seen by the marshal" in page


def test_every_kind_of_conflict_has_a_name_and_what_to_do():
    assert KINDS.keys() == {kind.value for kind in ConflictKind}


# --- the clock goes on, so this comes last ------------------------------------------------------


def test_after_half_an_hour_a_refused_scan_is_not_offered_any_more(desk):
    park, lane, lead = desk.park, desk.park.enrol(), desk.beside("supervisor")
    park.sell("LATE-0001", status="cancelled")
    desk.site.scan(lane, "LATE-0001")
    before = look(lead, "code", "LATE-0001").text
    park.now = park.ledger.clock() + timedelta(minutes=31)
    after = look(lead, "code", "LATE-0001").text

    assert ("scan-override" in before, "scan-override" in after) == (True, False)
