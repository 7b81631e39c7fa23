"""Lists that a platform acts on: refunds that nobody is admitted on, buyers, what is disputed."""

import json

import pytest

from tests.replica_copy import Copy, should_be
from tests.server import slug_of
from tests.settlement_story import a_story


@pytest.fixture
def story(tmp_path):
    with a_story(tmp_path / "var") as story:
        yield story


def make(story, kind):
    answer = story.post("/lists", {"kind": kind})
    assert answer.status_code == 201, answer.text
    return answer.json()


def entries(story, number, by=None):
    return story.get(f"/lists/{number}", by).json()["rows"]


def audited(story, kind):
    sql = "SELECT body FROM audit WHERE kind = ?"
    rows = story.park.ledger.read(lambda db: db.execute(sql, (kind,)).fetchall())
    return [json.loads(body) for (body,) in rows]


def test_refunds_are_listed_by_order_and_voucher(story):
    made = make(story, "refunds")
    told = {row["voucher_ref"]: row["amount_minor"] for row in entries(story, made["number"])}

    assert (made["number"], made["entries"], made["amount_minor"]) == (1, 4, 70)
    assert told == {"V-3": 1, "V-5": 1, "V-6": 1, "V-7": 67}
    assert story.settle()["amounts_minor"]["refunds"] == 70


def test_nobody_is_admitted_on_what_is_listed(story):
    make(story, "refunds")
    story.at("10:00:00", "2015-05-02")
    assert story.post("/restore", {"reason": "the platform changed its mind"}).status_code == 200
    refused = [story.scan(code)["reason"] for code in ("STAYED-1", "PARTY-01", "BLOCKED-1")]
    made = story.settle()

    assert refused == ["refunded", "refunded", "refunded"]
    assert (made["counts"]["refund_due"], made["amounts_minor"]["refunds"]) == (3, 70)
    assert made["balanced"]


def test_replicas_learn_what_is_listed(story):
    member = story.park.enrol()
    copy = Copy().take(story.site.get("/replica?since=0", member).content)
    before = copy.revision
    make(story, "refunds")
    answer = story.site.get(f"/replica?since={before}&epoch={story.park.ledger.epoch}", member)
    copy.take(answer.content)

    key = story.park.keys.code_key(story.park.ledger.clock())
    catalogue = story.park.ledger.catalogue
    assert b'"refund_listed"' in answer.content
    assert copy.content == story.park.ledger.read(lambda db: should_be(db, catalogue, key))


def test_a_second_list_holds_only_what_is_new(story):
    make(story, "refunds")
    again = story.post("/lists", {"kind": "refunds"})
    story.sell("NEW-0001", order_ref="ORDER-NEW", price_paid_minor="5")
    second = make(story, "refunds")

    assert (again.status_code, slug_of(again)) == (409, "nothing-new")
    assert (second["number"], second["entries"], second["amount_minor"]) == (2, 1, 5)
    assert [row["order_ref"] for row in entries(story, 2)] == ["ORDER-NEW"]
    assert len(entries(story, 1)) == 4


def amend(story, arrived_by):
    body = {"reason": "later", "cost_bearer": "platform", "honour": {"arrived_by": arrived_by},
            "remedy": {"refund": "price_paid", "compensation_per_buyer_minor": 1000}}  # fmt: skip
    assert story.post("/void", body).status_code == 200


def test_who_may_still_come_is_not_listed(story):
    story.at("12:00:00", "2015-05-03")
    amend(story, "2015-05-03T17:00:00+08:00")
    story.stamp("STAYED-1")
    story.at("17:00:01", "2015-05-03")
    made = make(story, "refunds")

    assert "V-5" not in {row["voucher_ref"] for row in entries(story, made["number"])}
    assert story.scan("STAYED-1")["reason"] == "honoured"


@pytest.mark.parametrize("kind", ["refunds", "compensation"])
def test_no_money_is_listed_while_visitors_may_still_arrive(story, kind):
    story.at("10:19:00", "2015-05-03")
    amend(story, "2015-05-03T10:21:00+08:00")
    answer = story.post("/lists", {"kind": kind})
    listed, marked = story.get("/lists").json()["lists"], story.scan("STAYED-1")["reason"]
    story.at("10:21:00.001", "2015-05-03")

    assert (answer.status_code, slug_of(answer)) == (409, "cut-off-ahead")
    assert "Who arrives by 2015-05-03 10:21 is still received" in answer.json()["detail"]
    assert "2015-05-03 10:21 前到场的游客仍可照常入园" in answer.json()["detail"]
    assert (listed, marked) == ([], "honoured")
    assert make(story, kind)["number"] == 1


def test_what_does_not_promise_money_is_listed_before_the_cut_off_too(story):
    told_at = "2015-05-02T08:00:00+08:00"
    story.sell("CAME-001", status="refunded", status_at=told_at, updated_at=told_at)
    story.at("10:19:00", "2015-05-03")
    amend(story, "2015-05-03T10:21:00+08:00")

    assert make(story, "reverse")["entries"] == 1


def test_a_void_without_refund_lists_none(story):
    story.post("/void", {"reason": "no", "honour": None, "cost_bearer": "platform",
                         "remedy": {"refund": "none"}})  # fmt: skip
    answer = story.post("/lists", {"kind": "refunds"})

    assert (answer.status_code, slug_of(answer)) == (409, "nothing-new")
    assert story.scan("STAYED-1")["reason"] == "deal_voided"


def test_compensation_names_the_platforms_own_accounts(story):
    made = make(story, "compensation")
    rows = entries(story, made["number"], story.partner)

    assert (made["entries"], made["amount_minor"]) == (3, 3000)
    assert [row["buyer_ref"] for row in rows] == ["buyer-3", "buyer-5", "buyer-8"]
    assert {row["amount_minor"] for row in rows} == {1000}
    assert [each["by"] for each in audited(story, "buyers_unsealed")] == [story.partner.name]


def test_a_blocked_buyers_compensation_is_withheld_until_the_block_ends(story):
    make(story, "compensation")
    block = story.site.get("/blocks", story.boss).json()["blocks"][0]["block_id"]
    story.site.post(f"/blocks/{block}/lift", story.boss, {"reason": "explained"})
    second = make(story, "compensation")

    assert [row["buyer_ref"] for row in entries(story, second["number"])] == ["buyer-6"]


def test_accounts_that_share_a_phone_are_flagged_and_not_merged(story):
    for number in (11, 12, 13):
        phone = "13911112222" if number < 13 else "13933334444"
        story.sell(f"SHARED-{number}", buyer_ref=f"buyer-{number}", buyer_phone=phone)
    made = make(story, "compensation")
    shared = {row["buyer_ref"]: row["same_phone"] for row in entries(story, made["number"])}

    assert made["entries"] == 6
    assert shared["buyer-11"] == shared["buyer-12"] is not None
    assert shared["buyer-13"] is None


def test_accounts_stand_in_no_audit_and_no_other_list(story):
    make(story, "compensation")
    make(story, "refunds")
    story.get("/lists/1?format=csv", story.partner)
    dump = "\n".join(story.park.ledger.read(lambda db: [*db.iterdump()]))

    assert "buyer-3" not in dump
    assert "buyer-3" not in story.get("/lists/2").text
    assert "buyer-3" in story.get("/lists/1").text


def test_what_the_platform_refunded_to_who_came_is_to_be_reversed(story):
    told_at = "2015-05-02T08:00:00+08:00"
    story.sell("CAME-001", status="refunded", status_at=told_at, updated_at=told_at)
    made = make(story, "reverse")

    assert story.settle()["amounts_minor"]["refunds_to_reverse"] == 1
    assert [row["voucher_ref"] for row in entries(story, made["number"])] == ["V-2"]


def test_a_list_is_downloaded_as_csv_without_formulas(story):
    story.sell("HOSTILE-1", order_ref="=1+1", price_paid_minor="5")
    number = make(story, "refunds")["number"]
    answer = story.get(f"/lists/{number}?format=csv", story.partner)

    assert answer.headers["content-disposition"].endswith(f"refunds-DAY-{number}.csv")
    assert answer.text.splitlines()[0] == "order_ref,voucher_ref,amount_minor,currency,tail"
    assert answer.text.splitlines()[-1].startswith("'=1+1,,5,CNY")


def test_lists_are_kept_and_numbered_by_deal(story):
    make(story, "refunds")
    make(story, "compensation")
    listed = story.get("/lists", story.partner).json()["lists"]

    assert [(each["number"], each["kind"]) for each in listed] == [
        (1, "refunds"),
        (2, "compensation"),
    ]
    assert {each["made_by"] for each in listed} == {"anne"}
    assert all(each["finished_at"] for each in listed)


@pytest.mark.parametrize("path", ["/lists/9", "/lists/one", "/lists/99999999999999999999"])
def test_what_is_no_list_is_not_found(story, path):
    assert slug_of(story.get(path)) == "not-found"


def test_a_partner_sees_no_other_platforms_lists(story):
    stranger = story.park.hire("partner", platform="ctrip")
    paths = ("/lists", "/lists/1", "/overrides", "/settlement")

    assert {slug_of(story.get(path, stranger)) for path in paths} == {"not-found"}
    assert slug_of(story.post("/lists", {"kind": "refunds"}, story.partner)) == "forbidden"


# --- overrides that the platform bears ------------------------------------------------------------


def test_an_override_is_owed_once_the_partner_confirms_it(story):
    (told,) = story.get("/overrides", story.partner).json()["overrides"]
    path = f"/overrides/{told['scan_id']}/confirm"
    before = story.settle()["amounts_minor"]["owed_to_venue"]
    refused = story.site.post(f"/deals/DAY{path}", story.boss)
    confirmed = story.site.post(f"/deals/DAY{path}", story.partner)
    again = story.site.post(f"/deals/DAY{path}", story.partner)

    assert (told["people"], told["reason"], told["confirmed_at"]) == (1, "deal_voided", None)
    assert slug_of(refused) == "forbidden"
    assert confirmed.json()["confirmed_by"] == story.partner.name
    assert again.json() == confirmed.json()
    assert len(audited(story, "override_confirmed")) == 1
    assert story.settle()["amounts_minor"]["owed_to_venue"] == before + 26000


def test_another_platforms_partner_confirms_nothing(story):
    (told,) = story.get("/overrides").json()["overrides"]
    stranger = story.park.hire("partner", platform="ctrip")
    path = f"/deals/DAY/overrides/{told['scan_id']}/confirm"

    assert slug_of(story.site.post(path, stranger)) == "not-found"
    assert (
        slug_of(story.site.post(path.replace(told["scan_id"], "1"), story.partner)) == "not-found"
    )


def test_an_override_that_was_taken_back_is_not_confirmed(story):
    (told,) = story.get("/overrides").json()["overrides"]
    body = {"reason": "went home", "device_id": story.gate.name}
    story.site.post("/scans/help-0001/annul", story.boss, body)
    answer = story.site.post(f"/deals/DAY/overrides/{told['scan_id']}/confirm", story.partner)

    assert slug_of(answer) == "annulled"
