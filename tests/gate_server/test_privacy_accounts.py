"""What leads to a buyer stays until accounts are closed; rows set aside are erased on request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.voids import CostBearer
from admission.wire_staff import VoidRequest
from gate_server.ledger import actions, retention
from gate_server.ledger.retention import Why
from gate_server.privacy import erase, purge
from tests.gate_server.test_intake import DEAL, Fed, query
from tests.refund_requests import request
from tests.server import Park
from tests.settlement_story import a_story

PHONE, BUYER = "13812345678", "alice-account"
TERMS = {"phone_days": 10, "buyer_days": 20, "seal_keep_days": 5}
SETTINGS = "[privacy]\n" + "".join(f"{name} = {days}\n" for name, days in TERMS.items())


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", settings=SETTINGS)
    yield park
    park.close()


def sell_old(park: Park) -> None:
    park.offer("OLD", valid_until="2015-02-12")
    person = {"buyer_phone": PHONE, "buyer_ref": BUYER, "order_ref": "ORDER-1"}
    by_code = frozenset({"lvtu"})
    park.sell("OLD-CODE-01", deal_id="OLD", by_code=by_code, voucher_ref="V-1", **person)


def do_purge(park: Park):
    done = purge(park.ledger, park.keys, park.settings, by="test", dry_run=False)
    kept = [(each.why, each.vouchers, each.statements) for each in done.kept]
    return {what for what, rows in done.removed.items() if rows}, kept


def test_what_is_sealed_stays_so_many_days_after_the_accounts_were_closed(park):
    sell_old(park)
    now = park.ledger.clock()
    void = VoidRequest(reason="test", honour=None, cost_bearer=CostBearer.PLATFORM)
    park.change(lambda tx: actions.void_deal(tx, "OLD", void, by="test", now=now))
    open_accounts = do_purge(park)
    park.change(lambda tx: retention.mark_settled(tx, "OLD", by="test", now=now))
    park.now = now + timedelta(days=4)
    closed = do_purge(park)
    park.now = now + timedelta(days=6)

    assert open_accounts == (set(), [(Why.OPEN_SETTLEMENT, 1, 0)])
    assert closed == ({"phones"}, [])
    assert do_purge(park) == ({"sealed_codes", "buyers", "accounts"}, [])


def test_buyer_whose_refund_the_platform_has_not_told_of_stays(park):
    sell_old(park)
    assert request(park, ref="V-1").refundable == 1
    waiting = do_purge(park)
    asked = erase(park.ledger, park.keys, park.settings, phone=PHONE, buyer=None, by="test",
                  dry_run=False)  # fmt: skip
    back = {"status": "refunded", "voucher_ref": "V-1", "order_ref": "ORDER-1"}
    park.sell("OLD-CODE-01", deal_id="OLD", buyer_phone=PHONE, buyer_ref=BUYER, **back)

    assert waiting == (set(), [(Why.OPEN_REFUND, 1, 0)])
    assert [each.why for each in asked.kept] == [Why.OPEN_REFUND]
    assert do_purge(park)[0] == {"phones", "sealed_codes", "buyers", "accounts"}


def settled(story) -> int:
    sql = "SELECT COUNT(*) FROM audit WHERE kind = 'settled'"
    return query(story.park, sql)[0][0]


def sign(story, version: int) -> None:
    read = story.get(f"/statements/{version}").json()["hash"]
    for by in (story.boss, story.partner):
        path = f"/deals/DAY/statements/{version}/sign"
        assert story.site.post(path, by, {"hash": read}).status_code == 200


def why_kept(story) -> list[Why]:
    return list(story.park.ledger.read(retention.read_kept).deals.values())


def test_accounts_are_closed_by_two_signatures_and_every_list(tmp_path):
    with a_story(tmp_path / "var") as story:
        story.post("/lists", {"kind": "refunds"})
        story.post("/statements", None)
        sign(story, 1)
        still = settled(story), why_kept(story)
        story.post("/lists", {"kind": "compensation"})

        assert still == (0, [Why.OPEN_SETTLEMENT])
        assert (settled(story), why_kept(story)) == (1, [])
        assert do_purge(story.park)[1] == [(Why.SIGNED, 0, 1)]


def test_statement_that_awaits_its_signatures_opens_the_accounts_again(tmp_path):
    with a_story(tmp_path / "var") as story:
        for kind in ("refunds", "compensation"):
            story.post("/lists", {"kind": kind})
        story.post("/statements", None)
        sign(story, 1)
        closed = why_kept(story)
        story.sell("LATER-001", voucher_ref="V-99", price_paid_minor="1")
        assert story.post("/statements", None).json()["version"] == 2

        assert (closed, why_kept(story)) == ([], [Why.OPEN_SETTLEMENT])


def ask_erasure(park: Park, **who) -> int:
    given = {"phone": None, "buyer": None} | who
    done = erase(park.ledger, park.keys, park.settings, by="test", dry_run=False, **given)
    return done.removed["set_aside"]


@pytest.mark.parametrize("who", [{"phone": f"+86 {PHONE}"}, {"buyer": ("lvtu", BUYER)}], ids=str)
def test_row_that_is_set_aside_goes_in_without_whoever_asked_to_be_erased(park, who):
    fed = Fed(park)
    waits = {"deal_id": "NEW", "buyer_phone": PHONE, "buyer_ref": BUYER}
    fed.vouchers(waits, {"deal_id": "NEW", "code": "BOB-CODE-1", "buyer_phone": "13900000000"})
    erased = ask_erasure(park, **who), ask_erasure(park, **who)
    fed.deals(DEAL)

    assert fed.retry() == 2
    assert erased == (1, 0)
    rows = query(park, "SELECT phone IS NULL, buyer_no IS NULL FROM vouchers ORDER BY voucher_id")
    assert sorted(rows) == [(0, 1), (1, 1)]
    assert fed.rejects() == []


def test_another_platforms_account_of_that_name_and_a_legal_hold_keep_the_row(park):
    fed = Fed(park)
    fed.vouchers({"deal_id": "NEW", "buyer_ref": BUYER, "buyer_phone": PHONE})
    other = ask_erasure(park, buyer=("elsewhere", BUYER))
    now = park.ledger.clock()
    park.change(
        lambda tx: retention.add_legal_hold(tx, "flood", None, reason="court", by="test", now=now)
    )

    assert (other, ask_erasure(park, phone=PHONE)) == (0, 0)


def test_row_that_nobody_could_take_for_long_is_let_go_of(park):
    fed = Fed(park)
    fed.vouchers({"deal_id": "NEW", "buyer_phone": PHONE})
    young = do_purge(park)
    park.now = park.ledger.clock() + timedelta(days=21)

    assert young == (set(), [])
    assert do_purge(park) == ({"set_aside"}, [])
    assert fed.rejects() == []
