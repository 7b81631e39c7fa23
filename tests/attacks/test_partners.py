"""A partner of another platform asks for what is not its own: every call that partners may make."""

from __future__ import annotations

import pytest

from admission.tokens import PREFIX
from gate_server.web.callers import Role
from gate_server.web.nouns import NOUNS
from tests.server import slug_of
from tests.settlement_story import DAY, a_story

OPEN = {
    f"{each.method} {each.rule}": each
    for noun in NOUNS
    for each in noun.operations
    if Role.PARTNER in each.who
}
WHOLE = [name for name in OPEN if "<" not in name]
ONE = [name for name in OPEN if "<" in name]
THEIRS = ("DAY", "lvtu", "ORDER-", "V-1", "EARLY", "票")
"""What nobody else may read: the deal, its platform, its orders, its vouchers."""


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    with a_story(tmp_path_factory.mktemp("partners") / "var") as story:
        for kind in ("refunds", "compensation"):
            assert story.post("/lists", {"kind": kind}).status_code == 201
        assert story.post("/statements", None).status_code == 201
        yield story


@pytest.fixture(scope="module")
def outsider(story):
    return story.park.hire("partner", "wang", platform="youpiao")


def ask(story, name, member, **arguments):
    """Make a call about what the other platform really has, or about what there is not."""
    scan_id = story.get("/overrides").json()["overrides"][0]["scan_id"]
    given = {"deal_id": "DAY", "number": "1", "version": "1", "scan_id": scan_id}
    given |= {"finding_id": "1", "platform": "lvtu", "month": DAY[:7]} | arguments
    operation = OPEN[name]
    path = operation.rule
    for argument, value in given.items():
        path = path.replace(f"<{argument}>", value)
    body = None
    if operation.body is not None:
        body = {"hash": story.get("/statements/1").json()["hash"]}
    return story.site.call(operation.method, path, member, body)


def test_partners_have_calls_of_both_kinds():
    assert {"GET /deals", "GET /audit/heads"} <= set(WHOLE)
    assert {"GET /deals/<deal_id>/settlement", "GET /deals/<deal_id>/lists/<number>"} <= set(ONE)


@pytest.mark.parametrize("name", ONE)
def test_what_is_anothers_is_not_there_and_nothing_is_changed(story, outsider, name):
    before = story.park.ledger.revision
    answer = ask(story, name, outsider)

    assert (answer.status_code, slug_of(answer)) == (404, "not-found")
    assert story.park.ledger.revision == before


@pytest.mark.parametrize("name", [name for name in ONE if "<deal_id>" in name])
def test_what_is_anothers_cannot_be_told_from_what_there_is_not(story, outsider, name):
    anothers = ask(story, name, outsider).json()["detail"]
    nothing = ask(story, name, outsider, deal_id="NONE").json()["detail"]

    assert anothers.replace("DAY", "NONE") == nothing


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("query", ["", "?platform=lvtu", "?deal_id=DAY"])
def test_lists_hold_nothing_of_another(story, outsider, name, query):
    answer = story.site.call("GET", name.removeprefix("GET ") + query, outsider)

    assert answer.status_code in {200, 400}
    assert [each for each in THEIRS if f'"{each}' in answer.text] == []
    assert PREFIX not in answer.text


@pytest.mark.parametrize("name", ["GET /deals", "GET /deals/<deal_id>/settlement"])
def test_the_platforms_own_partner_is_answered(story, name):
    answer = ask(story, name, story.partner)

    assert answer.status_code == 200
    assert "DAY" in answer.text


def test_formats_and_moments_open_no_way_round(story, outsider):
    paths = [
        "/deals/DAY/settlement?format=xlsx",
        f"/deals/DAY/settlement?format=csv&as_of={DAY}T10:00:00Z",
        "/deals/DAY/statements/1?format=csv",
        "/deals/DAY/statements/1?format=settlement",
        "/deals/DAY/lists/2?format=csv",
        "/deals/day/settlement",
        "/deals/DAY%20/settlement",
        "/deals/youpiao/../DAY/settlement",
        "/deals/%2e%2e/deals/DAY",
    ]

    assert {story.site.get(path, outsider).status_code for path in paths} == {404}
