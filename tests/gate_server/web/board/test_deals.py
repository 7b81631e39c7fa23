"""Deals in a browser: what waits first, and void, hold, restore as they are told and done."""

import json
import re

import pytest

from admission.findings import Finding, FindingKind, Policy
from gate_server.ledger.findings import record_finding
from gate_server.web.board.terms import cut_off
from tests.builders import VENUE, at
from tests.deal_pages import PASSWORD, PEOPLE, a_desk, words
from tests.settlement_story import DAY

# By hand: what `test_pages` cannot open, for it needs a deal.
PAGES = {
    "/deals/DAY": {"mei", "stew", "aud", "part"},
    "/act/deal-hold?deal_id=DAY": {"mei"},
    "/act/deal-void?deal_id=DAY": {"mei"},
    "/act/deal-restore?deal_id=DAY": {"mei"},
}
TERMS = {
    "reason": "Sold at a wrong price",
    "who": "arrived",
    "honour.arrived_by": "2015-05-02T17:00",
    "cost_bearer": "platform",
    "settlement_unit_minor": "260.00",
    "remedy.refund": "price_paid",
    "remedy.compensation_per_buyer_minor": "10",
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A desk whose tests change nothing."""
    with a_desk(tmp_path_factory.mktemp("told") / "var") as desk:
        yield desk


@pytest.fixture
def desk(tmp_path):
    with a_desk(tmp_path / "var") as desk:
        yield desk


def versions(desk):
    return desk.story.get("").json()["void_versions"]


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_for_its_roles_alone(told, address):
    opened = {name: told.get(address, name).status_code for name in PEOPLE}

    assert {name for name, status in opened.items() if status == 200} == PAGES[address]
    assert set(opened.values()) <= {200, 403, 404}
    # There is nothing of another platform, and not even the word that there is.
    assert opened["alien"] == (404 if "part" in PAGES[address] else 403)


def test_what_waits_for_a_decision_stands_first(desk):
    desk.story.park.offer("CALM")
    desk.story.park.offer("HELD")
    desk.story.post("/restore", {"reason": "x"})
    held = {"reason": "price", "scope": {"price_at_most_minor": 100}}
    desk.story.site.post("/deals/HELD/hold", desk.story.boss, held)
    shown = desk.get("/deals").text
    first, rest = shown.split("<caption>", 1)

    assert 'id="deal-HELD"' in first
    assert "On hold since" in first
    assert re.findall(r"<small>(\w+) · lvtu", rest) == ["CALM", "DAY"]


def test_a_deal_tells_its_void_with_terms_and_who_made_it(told):
    page = told.read("/deals/DAY")

    assert "Voided, version 1 of 2015-05-01 09:00" in page
    assert "Let in: who arrived by 2015-05-01 17:00" in page
    assert "1 2015-05-01 09:00 anne arrived 2015-05-01 00:00 to 2015-05-01 17:00" in page
    assert "others get back the price paid · compensation CN¥10.00 a buyer" in page
    assert "2 honoured" in page
    assert "4 came in so far of 11 sold" in page


def test_scans_of_today_stand_by_reason(desk):
    desk.story.scan("LATE-001")
    page = desk.read("/deals/DAY")

    assert "Scans today: 1" in page
    assert re.search(r"Not let in at once .{0,40}refused 1", page)


def test_sales_are_drawn_by_the_hour(desk):
    desk.story.sell("SOLD-001", "SOLD-002", sold_at=f"{DAY}T22:10:00+08:00")
    desk.story.sell("SOLD-003", sold_at=f"{DAY}T23:10:00+08:00")
    page = desk.get("/deals/DAY").text

    assert 'aria-label="Vouchers sold"' in page
    assert "<title>05-01 22:00 valid: 2</title>" in page
    assert "3 vouchers, most of them, 2, from 2015-05-01 22:00 on." in page


def test_only_who_may_act_sees_a_button(told):
    assert "deal-restore" in told.get("/deals/DAY").text
    for name in ("stew", "aud", "part"):
        page = told.get("/deals/DAY", name).text
        assert "/act/" not in page, name


def test_a_steward_sees_no_amounts_owed(told):
    assert "/deals/DAY/bill" not in told.get("/deals/DAY", "stew").text
    assert "/deals/DAY/bill" in told.get("/deals/DAY", "aud").text


def test_a_platforms_text_is_text(desk):
    title = "<script>alert(1)</script>"
    desk.story.park.offer("EVIL", title=title)
    desk.story.site.post("/deals/EVIL/hold", desk.story.boss, {"reason": "<img src=x>"})

    for page in ("/deals", "/deals/EVIL", "/settlement", "/act/deal-release?deal_id=EVIL"):
        shown = desk.get(page).text
        assert title not in shown, page
        assert "<img" not in shown, page
    assert title in desk.read("/deals/EVIL")


@pytest.mark.parametrize("rest", ["", "/settlement", "/bill", "/statements/1"])
def test_a_deal_that_is_not_there_is_said_so(told, rest):
    assert told.get(f"/deals/NONE{rest}").status_code == 404


def test_pages_are_in_chinese_too(told):
    told.sit("mei")
    told.story.site.http.headers["Accept-Language"] = "zh-CN"
    shown = words(told.story.site.http.get("/deals/DAY").text)

    assert "活动已取消（第 1 版" in shown
    assert "照常入园：2015-05-01 17:00 前到场的游客" in shown


# --- void ----------------------------------------------------------------------------------------


def test_a_void_is_told_in_numbers_and_changes_nothing_yet(told):
    before = told.story.park.ledger.revision
    told_first = told.told("deal-amend", TERMS, deal_id="DAY")

    assert "7 vouchers for 9 people of 7 buyers" in told_first
    assert "Refunds: " in told_first
    assert "Compensation: " in told_first
    assert "Until now: CN¥" in told_first
    assert "4 people came in already" in told_first
    assert "At worst, until the cut-off: 5 people more to let in, CN¥1,300.00 more" in told_first
    assert told.story.park.ledger.revision == before


def test_what_the_preview_says_is_read_by_who_is_refused(desk):
    said = desk.told("deal-amend", TERMS, deal_id="DAY")
    desk.do("deal-amend", TERMS, deal_id="DAY")
    desk.story.at("18:00:00", "2015-05-02")
    shown = desk.story.scan("STAYED-1")

    assert shown["reason"] == "deal_voided"
    assert f"{shown['message']['zh']} / {shown['message']['en']}" in said


def test_a_void_asks_for_the_password_and_is_on_record(desk):
    desk.story.post("/restore", {"reason": "agreed"})
    values = desk.values("deal-void", deal_id="DAY")
    wrong = desk.send(
        "deal-void", {**values, **TERMS, "step": "do", "password": "not mine"}, deal_id="DAY"
    )
    assert (wrong.status_code, len(versions(desk))) == (403, 2)
    assert "The password is not right." in wrong.text
    # The fields are open again, so they are told again before they are done.
    assert "Show what this does" in wrong.text

    desk.do("deal-void", {**values, **TERMS}, deal_id="DAY")
    newest = versions(desk)[-1]
    assert (newest["void_version"], newest["by"], newest["reason"]) == (3, "mei", TERMS["reason"])
    assert newest["honour"]["arrived_by"] == "2015-05-02T09:00:00Z"
    assert newest["remedy"]["compensation_per_buyer_minor"] == 1000
    assert json.loads(desk.events("void")[-1])["by"] == "mei"


def test_other_terms_begin_with_those_in_force(told):
    values = told.values("deal-amend", deal_id="DAY")

    assert values["honour.arrived_by"] == "2015-05-01T17:00"
    assert values["who"] == "arrived"
    assert values["cost_bearer"] == "platform"
    assert values["settlement_unit_minor"] == "260.00"
    assert values["remedy.compensation_per_buyer_minor"] == "10.00"
    # What followed from the cut-off follows the next one, too.
    assert (values["honour.arrived_from"], values["honour.admit_until"]) == ("", "")


def test_the_same_terms_sent_again_are_the_same_terms(desk):
    values = desk.values("deal-amend", deal_id="DAY")
    desk.do("deal-amend", {**values, "reason": "again"}, deal_id="DAY")
    first, second = (
        {name: each[name] for name in ("honour", "cost_bearer", "settlement_unit_minor", "remedy",
                                       "notice", "statuses_since")}
        for each in versions(desk)
    )  # fmt: skip

    assert first == second


def test_a_first_void_offers_five_in_the_afternoon(desk):
    desk.story.post("/restore", {"reason": "agreed"})

    assert desk.values("deal-void", deal_id="DAY")["honour.arrived_by"] == "2015-05-02T17:00"


@pytest.mark.parametrize(
    ("now", "offered"),
    [("09:00", "17:00"), ("16:59", "17:00"), ("17:00", "19:00"), ("20:40", "22:00"),
     ("22:40", "23:59"), ("23:58", "23:59")],
)  # fmt: skip
def test_a_cut_off_is_offered_that_is_still_to_come_on_this_day(now, offered):
    assert cut_off(at(now), VENUE) == at(offered)


def test_cut_off_is_shown_to_the_second_where_it_has_seconds(desk):
    fields = {**TERMS, "honour.arrived_by": "2015-05-02T13:10:56"}
    desk.do("deal-amend", fields, deal_id="DAY")

    for page, name in (("/deals", "mei"), ("/deals/DAY", "mei"), ("/partner", "part")):
        assert "arrived by 13:10:56" in desk.read(page, name)
    assert "until 23:59" in desk.read("/deals/DAY")


def test_end_of_admission_holds_the_whole_minute_that_is_typed(desk):
    fields = {**TERMS, "honour.admit_until": "2015-05-02T18:30"}
    desk.do("deal-amend", fields, deal_id="DAY")

    assert versions(desk)[-1]["honour"]["admit_until"] == "2015-05-02T10:30:59.999000Z"
    assert desk.values("deal-amend", deal_id="DAY")["honour.admit_until"] == "2015-05-02T18:30"


def test_rights_are_said_in_words(desk):
    assert " · park once" in desk.read("/deals/DAY")


def test_terms_may_honour_nobody(desk):
    fields = {**TERMS, "who": "nobody"}
    said = desk.told("deal-amend", fields, deal_id="DAY")
    desk.do("deal-amend", fields, deal_id="DAY")

    assert "0 vouchers are let in" in said
    assert versions(desk)[-1]["honour"] is None
    assert desk.values("deal-amend", deal_id="DAY")["who"] == "nobody"
    assert "Nobody is let in." in desk.read("/deals/DAY")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"honour.arrived_by": ""}, "please fill this in"),
        ({"honour.arrived_by": "soon"}, "this cannot be read: soon"),
        ({"settlement_unit_minor": "2.605"}, "Amount a person: at most 2 digits behind the point."),
        (
            {"honour.admit_until": "2015-05-02T16:00"},
            "Let in until: the end lies before the beginning.",
        ),
        ({"notice.zh": "只有中文"}, "en"),
    ],
)
def test_terms_that_cannot_be_are_refused_and_named(told, fields, said):
    answer = told.send("deal-amend", {**TERMS, **fields}, deal_id="DAY")

    assert answer.status_code == 400
    assert said in words(answer.text)
    assert len(versions(told)) == 1


def test_a_restore_is_told_and_done(desk):
    said = desk.told("deal-restore", deal_id="DAY")
    desk.do("deal-restore", {"reason": "agreed with the platform"}, deal_id="DAY")

    assert "4 vouchers are let in" in said
    assert "0 refused; used up before: 3." in said
    assert versions(desk)[-1]["restored"] is True
    assert desk.story.scan("STAYED-1")["reason"] == "admitted"
    assert "restored" in desk.read("/deals/DAY")


def test_nothing_is_done_without_a_token_of_the_session(desk):
    desk.sit("mei")
    fields = {"deal_id": "DAY", "reason": "x", "step": "do", "password": PASSWORD}
    answer = desk.story.site.http.post("/act/deal-restore", data=fields)

    assert (answer.status_code, len(versions(desk))) == (403, 1)


def test_why_the_ledger_would_not_is_said_in_the_readers_language(told):
    said = {}
    for language in ("en", "zh-CN"):
        told.sit("mei")
        told.story.site.http.headers["Accept-Language"] = language
        fields = {"deal_id": "DAY", "reason": "x", "at_gate": "refer", "step": "do"}
        answer = told.story.site.send("/account", "/act/deal-hold", **fields)
        assert answer.status_code == 409
        said[language] = words(answer.text)

    assert "The deal is voided: restore it first." in said["en"]
    assert "该活动已取消，请先撤销取消。" in said["zh-CN"]


# --- hold and release ----------------------------------------------------------------------------


def test_a_hold_is_told_by_its_scope_and_released_by_password(desk):
    desk.story.post("/restore", {"reason": "agreed"})
    fields = {"reason": "price", "at_gate": "refer", "scope.price_at_most_minor": "0.01"}
    said = desk.told("deal-hold", fields, deal_id="DAY")
    desk.do("deal-hold", fields, deal_id="DAY")
    cheap, dear = desk.story.scan("STAYED-1"), desk.story.scan("PARTY-01", party=1)

    # Six for a fen each; the party of three paid more, and two are cancelled or refunded.
    assert "In scope: 6 vouchers for 6 people." in said
    assert (cheap["reason"], dear["reason"]) == ("deal_held", "admitted")
    assert "at most CN¥0.01 a person" in desk.read("/deals/DAY")
    assert desk.values("deal-hold", deal_id="DAY")["scope.price_at_most_minor"] == "0.01"

    assert "In scope: 6 vouchers for 6 people." in desk.told("deal-release", deal_id="DAY")
    refused = desk.send("deal-release", {"reason": "fine", "password": ""}, deal_id="DAY")
    assert refused.status_code == 403
    desk.do("deal-release", {"reason": "fine"}, deal_id="DAY")
    assert desk.story.get("").json()["status"] == "active"
    assert [json.loads(desk.events(kind)[-1])["by"] for kind in ("hold", "release")] == [
        "mei",
        "mei",
    ]


def test_what_was_found_stands_first_and_is_closed_with_a_note(desk):
    desk.story.post("/restore", {"reason": "x"})
    found = a_finding(desk)
    first = desk.read("/deals").split("In order")[0]
    desk.do("finding-close", {"note": "tested"}, finding_id=found)
    closed = desk.story.site.get(f"/findings/{found}", desk.story.boss).json()

    assert "can be guessed" in first
    assert (closed["state"], closed["decided_by"]) == ("closed", "mei")
    assert "Findings that were decided" in desk.read("/deals/DAY")


def a_finding(desk):
    """Have something found that holds nothing, and return its number."""
    park = desk.story.park
    deal_no = park.ledger.catalogue.deal_nos["DAY"]
    measure = {"sequential_share": 0.98, "space": 1160, "sold": 9}
    finding = Finding(kind=FindingKind.GUESSABLE_CODES, vouchers=9, people=11, measure=measure)
    noted = park.change(
        lambda tx: record_finding(
            tx, deal_no, finding, Policy.WARN, rehold_factor=2, now=park.ledger.clock()
        )
    )
    return str(noted.recorded.finding_id)
