"""A partner's own pages: its deals, its bill, what it confirms, and nothing of anybody else."""

import json

import pytest

from tests.chance import without_chance
from tests.deal_pages import a_desk, words
from tests.settlement_story import VOID

OWN = (
    "/deals/DAY",
    "/deals/DAY/bill",
    "/deals/DAY/settlement",
    "/deals/DAY/statements/1",
    "/months/lvtu/2015-05",
    "/act/statement-sign?deal_id=DAY&version=1&hash=x",
    "/act/override-confirm?deal_id=DAY&scan_id=1",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A desk with a statement, whose tests change nothing."""
    with a_desk(tmp_path_factory.mktemp("told") / "var") as desk:
        desk.story.post("/statements", None)
        yield desk


@pytest.fixture
def desk(tmp_path):
    with a_desk(tmp_path / "var") as desk:
        yield desk


def override_of(desk):
    return desk.story.get("/overrides").json()["overrides"][0]


def test_a_partner_begins_with_its_own_deals(told):
    answer = told.get("/", "part")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/partner")
    assert told.get("/").status_code == 200, "staff have the board"
    assert told.get("/partner").status_code == 403, "and staff are no partner"


def test_its_navigation_has_nothing_that_it_may_not_open(told):
    page = told.get("/partner", "part").text

    assert 'href="/partner" aria-current="page"' in page
    for other in ("/deals", "/settlement", "/blocks", "/closures"):
        assert f'href="{other}"' not in page


def test_its_page_tells_people_honoured_bill_and_what_to_confirm(told):
    page = told.read("/partner", "part")

    assert "2 people honoured" in page
    assert "4 came in so far of 11 sold" in page
    assert "Overrides to confirm: 1" in page
    assert "/deals/DAY/bill" in told.get("/partner", "part").text
    owed = told.story.settle()["amounts_minor"]["owed_to_venue"] / 100
    assert f"owed to the venue CN¥{owed:.2f}" in told.read("/deals/DAY/bill", "part")


@pytest.mark.parametrize("address", OWN)
def test_nothing_of_another_platform_is_there(told, address):
    own, other = told.get(address, "part"), told.get(address, "alien")

    assert own.status_code == 200
    assert other.status_code == 404
    assert "flash-sale" not in other.text


def test_another_platforms_page_names_no_deal_of_this_one(told):
    page = told.get("/partner", "alien").text

    assert "DAY" not in without_chance(page)
    assert "None of your deals is good now." in words(page)


@pytest.mark.parametrize("act", ["override-confirm", "statement-sign"])
def test_another_platform_can_do_nothing_here(desk, act):
    desk.story.post("/statements", None)
    statement = desk.story.get("/statements/1").json()
    subject = {"deal_id": "DAY", "scan_id": override_of(desk)["scan_id"]}
    if act == "statement-sign":
        subject = {"deal_id": "DAY", "version": "1", "hash": statement["hash"]}
    desk.sit("alien")
    fields = {**subject, "step": "do", "password": "a long password"}
    answer = desk.story.site.send("/account", f"/act/{act}", **fields)

    assert answer.status_code == 404
    assert override_of(desk)["confirmed_at"] is None
    assert desk.story.get("/statements/1").json()["signatures"] == []


def test_confirming_an_override_makes_it_owed(desk):
    before = desk.story.settle()["amounts_minor"]["owed_to_venue"]
    desk.do("override-confirm", {}, "part", deal_id="DAY", scan_id=override_of(desk)["scan_id"])
    after = desk.story.settle()["amounts_minor"]["owed_to_venue"]

    assert after - before == 26000
    assert override_of(desk)["confirmed_by"] == "part"
    assert "Overrides to confirm" not in desk.read("/partner", "part")
    assert json.loads(desk.events("override_confirmed")[0])["by"] == "part"


def test_staff_cannot_confirm_for_a_partner(desk):
    subject = {"deal_id": "DAY", "scan_id": override_of(desk)["scan_id"]}
    desk.sit("mei")
    answer = desk.story.site.send("/account", "/act/override-confirm", **subject)

    assert answer.status_code == 403
    assert override_of(desk)["confirmed_at"] is None


def test_the_ceiling_that_is_left_is_of_the_terms_else_of_the_quota(desk):
    assert "people may still be honoured" not in desk.read("/partner", "part")
    honour = {"arrived_by": "2015-05-02T17:00:00+08:00", "max_people": 5}
    desk.story.post("/void", VOID | {"honour": honour})
    desk.story.park.offer("QUOTA", quota="10")
    desk.story.sell("QUOTA-001", "QUOTA-002", deal_id="QUOTA")
    page = desk.read("/partner", "part")

    assert "3 people may still be honoured of 5" in page
    assert "8 left of the quota of 10" in page


def test_a_partner_is_not_told_who_of_the_venue_decided(told):
    for address in ("/deals/DAY", "/partner", "/deals/DAY/statements/1"):
        page = told.get(address, "part").text
        assert "anne" not in page, address
    assert "anne" in told.get("/deals/DAY").text
