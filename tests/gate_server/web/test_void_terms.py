"""Voids previewed, amended and restored: what staff are told before, and what is kept after."""

from datetime import timedelta

import pytest

from tests.server import slug_of
from tests.settlement_story import AFTER, DAY, VOID, a_story

WIDER = VOID | {"reason": "until six", "honour": {"arrived_by": f"{DAY}T18:45:00+08:00"}}
NARROWER = VOID | {"reason": "until ten", "honour": {"arrived_by": f"{DAY}T10:00:00+08:00"}}
NOBODY = VOID | {"reason": "nobody", "honour": None}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A park after its day; the tests that use it change nothing."""
    with a_story(tmp_path_factory.mktemp("told") / "var") as story:
        yield story


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def preview(story, terms):
    return story.post("/void?preview=true", terms).json()["preview"]


@pytest.mark.parametrize("terms", [VOID, WIDER, NARROWER, NOBODY], ids=lambda each: each["reason"])
def test_preview_says_what_the_settlement_then_says(story, terms):
    story.at("18:41:00")
    story.park.now = story.park.ledger.clock()
    before = story.park.ledger.revision
    money = preview(story, terms)["money"]
    assert story.park.ledger.revision == before
    story.post("/void", terms)
    settled = story.settle()
    amounts, counts = settled["amounts_minor"], settled["counts"]

    assert money["refunds_minor"] == amounts["refunds"]
    assert money["refund_vouchers"] == counts["refund_due"]
    assert money["compensation_minor"] == amounts["compensation"]
    assert money["buyers_compensated"] == settled["buyers_compensated"]
    assert money["buyers_withheld"] == settled["buyers_withheld"] == 1
    assert (money["owed_minor"], money["disputed_minor"]) == (
        amounts["owed_to_venue"],
        amounts["disputed"],
    )
    assert money["waiting_vouchers"] == counts["honour_open"]


def test_preview_without_a_compensation_compensates_nobody(told):
    money = preview(told, NOBODY | {"remedy": {"refund": "price_paid"}})["money"]

    assert money["refund_vouchers"] > 0
    assert (money["buyers_compensated"], money["buyers_withheld"]) == (0, 0)


def test_preview_of_a_restore_says_what_would_be_open_again(told):
    before = told.park.ledger.revision
    answer = told.post("/restore?preview=true", {"reason": "x"}).json()
    seen = answer["preview"]

    assert (answer["status"], answer["void_version"]) == ("voided", None)
    assert (seen["money"]["refund_vouchers"], seen["money"]["refunds_minor"]) == (0, 0)
    assert seen["before"]["refund_vouchers"] > 0
    assert seen["newly_covered"] == seen["before"]["refund_vouchers"]
    assert (seen["would_refuse"], told.park.ledger.revision) == (0, before)


def test_preview_compares_other_terms_with_those_in_force(tmp_path):
    with a_story(tmp_path / "var") as story:
        story.sell("WAITING-1", buyer_ref="buyer-20", price_paid_minor="1")
        again = {"arrived_by": "2015-05-02T17:00:00+08:00"}
        story.post("/void", VOID | {"honour": again})
        story.stamp("WAITING-1")
        seen = preview(story, NOBODY)

    assert (seen["before"]["waiting_vouchers"], seen["before"]["waiting_people"]) == (1, 1)
    assert seen["before"]["waiting_minor"] == 26000
    assert (seen["money"]["waiting_vouchers"], seen["money"]["waiting_minor"]) == (0, 0)
    assert (seen["newly_covered"], seen["no_longer_covered"]) == (0, 1)


def test_preview_says_what_it_may_come_to_at_worst(tmp_path):
    with a_story(tmp_path / "var") as story:
        story.sell("WAITING-1", admits="3", buyer_ref="buyer-20", price_paid_minor="1")
        open_still = VOID | {"honour": {"arrived_by": f"{AFTER}T17:00:00+08:00"}}
        first = preview(story, open_still)["money"]
        story.post("/void", open_still)
        story.stamp("WAITING-1")
        then = preview(story, open_still)["money"]
        honoured = story.park.ledger.catalogue.honoured[1]
        limited = {**open_still["honour"], "max_people": honoured + 3 + 1}
        few = preview(story, open_still | {"honour": limited})["money"]
        by_venue = preview(story, open_still | {"cost_bearer": "venue"})["money"]
        over = preview(story, VOID)["money"], preview(story, NOBODY)["money"]

    assert first["to_come_people"] > 3
    assert first["to_come_minor"] == 26000 * first["to_come_people"]
    assert by_venue["to_come_people"] == then["to_come_people"]
    assert by_venue["to_come_minor"] == 0
    assert then["waiting_people"] == first["waiting_people"] + 3
    assert then["to_come_people"] == first["to_come_people"] - 3
    assert few["to_come_people"] == 1
    assert [each["to_come_people"] for each in over] == [0, 0]


def test_a_first_preview_has_nothing_to_compare_with(story):
    story.post("/restore", {"reason": "x"})

    assert preview(story, NOBODY)["before"] is None


def test_every_version_is_kept_with_who_when_and_terms(story):
    story.post("/void", NARROWER)
    story.post("/restore", {"reason": "agreed"})
    first, second, third = story.get("").json()["void_versions"]

    assert [each["void_version"] for each in (first, second, third)] == [1, 2, 3]
    assert {each["by"] for each in (first, second, third)} == {story.boss.name}
    assert first["honour"]["arrived_by"] == "2015-05-01T09:00:00Z"
    assert second["honour"]["arrived_by"] == "2015-05-01T02:00:00Z"
    assert first["remedy"] == {"refund": "price_paid", "compensation_per_buyer_minor": 1000}
    assert (third["restored"], third["reason"], third["honour"]) == (True, "agreed", None)
    assert story.get("", story.partner).json()["void_versions"][0]["by"] is None


@pytest.mark.parametrize(
    ("honour", "field"),
    [
        ({"arrived_by": "2015-05-02T09:00:00+08:00",
          "arrived_from": "2015-05-02T17:00:00+08:00"}, "honour.arrived_by"),
        ({"arrived_by": "2015-05-02T17:00:00+08:00",
          "admit_until": "2015-05-02T16:00:00+08:00"}, "honour.admit_until"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?preview=true"])
def test_times_that_contradict_each_other_are_refused_by_field(told, honour, field, query):
    answer = told.post(f"/void{query}", VOID | {"honour": honour})

    assert (answer.status_code, slug_of(answer)) == (400, "invalid")
    assert [each["field"] for each in answer.json()["errors"]] == [field]


def test_cut_off_that_is_far_off_is_asked_about_and_not_refused(told):
    now = told.park.ledger.clock()
    far, near = now + timedelta(days=30), now + timedelta(hours=8)
    warned = [
        told.post("/void?preview=true", VOID | {"honour": {"arrived_by": by.isoformat()}}).json()
        for by in (far, near)
    ]

    assert "36小时" in warned[0]["warnings"][0]["zh"]
    assert warned[1]["warnings"] == []


def test_terms_that_do_not_say_what_others_get_back_are_asked_about(told):
    silent = {name: term for name, term in NOBODY.items() if name != "remedy"}
    (warning,) = told.post("/void?preview=true", silent).json()["warnings"]

    assert "price paid" in warning["en"]
    assert "退款以平台公告为准" in warning["zh"]
    assert told.post("/void?preview=true", NOBODY).json()["warnings"] == []


def test_notice_that_other_terms_drop_is_told_before_and_after(story):
    notice = {"zh": "活动取消", "en": "called off"}
    story.post("/void", NOBODY | {"notice": notice})
    answers = [story.post(path, WIDER).json() for path in ("/void?preview=true", "/void")]
    kept = story.post("/void", NOBODY | {"notice": notice}).json()

    for answer in answers:
        (warning,) = answer["warnings"]
        assert "the notice of version 2 no longer applies" in warning["en"]
        assert "第 2 版" in warning["zh"]
    assert kept["warnings"] == []
