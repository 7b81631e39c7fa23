"""Blocks and closures in a browser: proposals and appeals first, nobody accused, all previewed."""

import json

import pytest

from admission.findings import Finding, FindingKind, Policy
from gate_server.ledger.findings import record_finding
from tests.deal_pages import a_desk, words

CLOSED = {
    "reason": "typhoon",
    "closed_from": "2015-05-02T00:00",
    "closed_until": "2015-05-02T23:59:59.999",
    "extend_until": "2015-06-30T23:59",
    "deals": "DAY",
    "used_too": "1",
}


@pytest.fixture
def desk(tmp_path):
    with a_desk(tmp_path / "var") as desk:
        yield desk


def blocks(desk, state="in_force"):
    answer = desk.story.site.get(f"/blocks?state={state}", desk.story.boss)
    return answer.json()["blocks"]


def propose(desk):
    """Have the purchases of one account found, and return the proposal's number."""
    park = desk.story.park
    park.change(
        lambda tx: record_finding(
            tx,
            park.ledger.catalogue.deal_nos["DAY"],
            Finding(kind=FindingKind.BUYER_HOARD, subject="1", vouchers=200, people=200),
            Policy.WARN,
            rehold_factor=2,
            now=park.ledger.clock(),
        )
    )
    return blocks(desk, "proposed")[0]["block_id"]


# --- blocks --------------------------------------------------------------------------------------


def test_an_account_is_blocked_and_named_nowhere(desk):
    desk.story.post("/restore", {"reason": "x"})
    fields = {"platform": "lvtu", "buyer_ref": "buyer-5", "reason": "letter 7", "origin": "feed"}
    answer = desk.do("block", {**fields, "origin_id": "letter-7"})
    page = desk.get("/blocks").text

    assert "buyer-5" not in page + answer.headers["Location"]
    assert "letter 7" in page
    assert blocks(desk)[0]["origin_id"] == "letter-7"
    assert not [body for body in desk.events("block") if "buyer-5" in body]
    assert desk.story.scan("STAYED-1")["reason"] == "buyer_blocked"


def test_a_proposal_stands_first_and_is_decided_either_way(desk):
    number = propose(desk)
    page = desk.read("/blocks")
    said = desk.told("block-decline", block_id=number)
    desk.do("block-decline", {"reason": "a travel agency that we know"}, block_id=number)

    assert page.index("Proposed: block this account?") < page.index("In force")
    assert "1 voucher for 1 person in 1 deal;" in said
    assert blocks(desk, "proposed") == []
    assert "a travel agency that we know" in desk.read("/blocks")


def test_a_deal_sends_on_to_the_accounts_that_somebody_must_decide_about(desk):
    desk.story.post("/restore", {"reason": "x"})
    propose(desk)

    for page in ("/deals", "/deals/DAY"):
        shown = desk.get(page).text
        assert "1 account bought very many." in shown
        assert '<a href="/blocks">Decide about them</a>' in shown
        assert "finding-close" not in shown, "it is decided by its account"
    assert '<a href="/blocks">' not in desk.get("/deals", "stew").text


def test_a_proposal_that_is_accepted_is_a_block(desk):
    number = propose(desk)
    desk.do("block-accept", {"reason": "resold", "expires_at": "2015-05-03T18:00"}, block_id=number)
    made = blocks(desk)[0]

    assert (made["reason"], made["created_by"]) == ("resold", "mei")
    assert made["expires_at"] == "2015-05-03T10:00:00Z"


def test_an_appeal_stands_first_until_it_is_answered(desk):
    number = blocks(desk)[0]["block_id"]
    desk.do("block-appeal", {"note": "it is a school"}, block_id=number)
    waiting = desk.read("/blocks")
    said = desk.told("block-lift", block_id=number)
    desk.do("block-uphold", {"reason": "other names"}, block_id=number)
    answered = desk.read("/blocks")

    assert f"An appeal waits: block {number}" in waiting
    assert "it is a school" in waiting
    assert "1 appeal is answered by it." in said
    assert "An appeal waits" not in answered
    assert "other names" in answered


def test_a_block_is_lifted_and_stays_on_record(desk):
    number = blocks(desk)[0]["block_id"]
    desk.do("block-lift", {"reason": "it is a school"}, block_id=number)
    twice = desk.send("block-lift", {"reason": "x"}, block_id=number)

    assert blocks(desk) == []
    assert "lifted 09:00 mei: it is a school" in desk.read("/blocks")
    assert twice.status_code == 409
    assert json.loads(desk.events("lift")[0])["by"] == "mei"


def test_a_block_that_is_not_there_is_said_so(desk):
    acts = ("block-lift", "block-accept", "block-decline", "block-appeal", "block-uphold")
    asked = [f"/act/{act}?block_id={number}" for act in acts for number in ("999", "-1", "x")]

    assert {desk.get(address).status_code for address in asked} == {404}


# --- closures ------------------------------------------------------------------------------------


def closures(desk):
    return desk.story.site.get("/closures", desk.story.boss).json()["closures"]


def test_a_closure_is_told_declared_amended_and_ended(desk):
    desk.story.post("/restore", {"reason": "x"})
    said = desk.told("closure", CLOSED)
    assert closures(desk) == []
    desk.do("closure", CLOSED)
    made = closures(desk)[0]

    assert "Bound: 1 deal." in said
    assert "vouchers are good for longer" in said
    assert made["terms"]["deals"] == ["DAY"]
    assert made["terms"]["closed_until"] == "2015-05-02T15:59:59.999000Z"
    assert "typhoon" in desk.read("/deals/DAY")

    number = {"closure_id": made["closure_id"]}
    values = desk.values("closure-amend", **number)
    assert values["closed_until"] == "2015-05-02T23:59"
    changed = {**CLOSED, **values, "reason": "two days", "closed_until": "2015-05-03T12:00"}
    assert "Under the terms in force:" in desk.told("closure-amend", changed, **number)
    desk.do("closure-amend", changed, **number)
    assert closures(desk)[0]["terms"]["closed_until"] == "2015-05-03T04:00:59.999000Z"

    assert "What the closure gave is taken back:" in desk.told("closure-restore", **number)
    desk.do("closure-restore", {"reason": "it turned away"}, **number)
    assert closures(desk)[0]["status"] == "restored"
    assert "Ended (1)" in desk.read("/closures")


def test_times_of_a_closure_that_nobody_changes_stay_as_they_are(desk):
    desk.story.post("/restore", {"reason": "x"})
    body = {"reason": "rain", "deals": ["DAY"], "closed_from": "2015-05-02T08:00:00+08:00"}
    ends = {"closed_until": "2015-05-02T18:00:00+08:00", "extend_until": "2015-06-30T12:00:30Z"}
    desk.story.site.post("/closures", desk.story.boss, body | ends)
    made = closures(desk)[0]
    number = {"closure_id": made["closure_id"]}
    fields = desk.values("closure-amend", **number)
    assert fields["closed_until"] == "2015-05-02T18:00"
    desk.do("closure-amend", fields | {"reason": "heavy rain", "deals": "DAY"}, **number)
    after = closures(desk)[0]

    assert after["terms"]["reason"] == "heavy rain"
    for name in ("closed_from", "closed_until", "extend_until"):
        assert after["terms"][name] == made["terms"][name]


def test_a_closure_of_nothing_is_refused_and_named(desk):
    fields = {name: value for name, value in CLOSED.items() if name != "deals"}
    answer = desk.send("closure", fields)

    assert answer.status_code == 400
    assert "deals" in words(answer.text)


def test_ending_a_closure_asks_for_the_password(desk):
    desk.do("closure", CLOSED)
    number = closures(desk)[0]["closure_id"]
    refused = desk.send("closure-restore", {"reason": "x", "password": "guess"}, closure_id=number)

    assert refused.status_code == 403
    assert closures(desk)[0]["status"] == "in_force"
