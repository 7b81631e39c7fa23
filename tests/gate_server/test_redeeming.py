"""People let in are reported to a real HTTP platform, and its books come to the ledger's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from admission.errors import LedgerUnavailable
from tests.platforms_redeem import a_platform
from tests.redeem_desk import Desk, a_desk
from tests.server import Park, an_app


@pytest.fixture
def desk(tmp_path):
    with a_platform() as platform, a_desk(tmp_path / "var", platform) as desk:
        yield desk


def test_people_let_in_are_redeemed_and_those_taken_back_are_undone(desk):
    desk.park.sell("GROUP-CODE-1", admits="3", voucher_ref="V1")
    desk.scan("GROUP-CODE-1", party=2, nonce="first-scan")
    desk.report()
    first = dict(desk.platform.people)

    desk.annul("first-scan", people=1)
    desk.report()

    assert first == {"V1": 2}
    assert desk.platform.people == {"V1": 1}
    assert desk.deeds() == [("redeem", 2, "done", 1, ""), ("undo", 1, "done", 1, "")]


def test_clock_and_gate_of_the_scan_travel_and_no_code_does(desk):
    desk.park.sell("SECRET-CODE-1", voucher_ref="V1")
    at = desk.park.now
    desk.scan("SECRET-CODE-1")
    desk.pass_time(minutes=3)

    desk.report()

    (row,) = desk.platform.seen.values()
    assert row["at"] == at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert (row["gate_id"], row["people"], row["voucher_ref"]) == ("G1", 1, "V1")
    assert "SECRET-CODE-1" not in str(row)


def test_scan_that_is_taken_back_at_once_is_never_told(desk):
    desk.report(1)
    desk.park.sell("QUICK-CODE-1", voucher_ref="V1")
    desk.scan("QUICK-CODE-1", nonce="quick-scan")
    desk.annul("quick-scan")

    desk.report()

    assert desk.deeds() == []
    assert desk.platform.calls["redemptions"] == 0


def test_deeds_travel_in_batches_of_one_kind(desk):
    desk.settings = replace(desk.settings, batch=10)
    desk.reporter = desk.a_reporter()
    codes = [f"BATCH-CODE-{n:03}" for n in range(15)]
    for code in codes:
        desk.park.sell(code, voucher_ref=code[-3:])
        desk.scan(code, nonce=f"of-{code}")
    desk.report(1)
    at_once = desk.reporter.due_s() <= 0
    desk.annul("of-BATCH-CODE-000")
    desk.report(3)

    assert desk.platform.batches == [10, 5, 1]
    assert (at_once, sum(desk.platform.people.values())) == (True, 14)


def test_admissions_from_before_the_feed_was_added_are_not_told(desk, tmp_path):
    desk.park.sell("EARLY-CODE-1", voucher_ref="V1")
    other = Park(tmp_path / "other")
    other.now = desk.park.now
    other.sell("EARLY-CODE-1", voucher_ref="V1")
    other.sell("LATER-CODE-1", voucher_ref="V2")
    with an_app(other) as (_, site):
        lane = other.enrol()
        site.scan(lane, "EARLY-CODE-1")
        other.now += timedelta(minutes=1)
        late = Desk(other, site, desk.platform)
        site.scan(lane, "LATER-CODE-1")

        late.report()
        late.reporter.close()

    assert desk.platform.people == {"V2": 1}
    other.close()


def test_voucher_that_comes_after_its_scan_is_told(desk):
    desk.report(1)
    refused = desk.scan("LATE-CODE-01", nonce="late-scan")
    path, body = f"/scans/{refused['nonce']}/override", {"device_id": desk.lane.name}
    desk.site.post(path, desk.boss, body | {"reason": "has paid"})
    desk.report()
    before = desk.deeds()

    desk.park.sell("LATE-CODE-01", voucher_ref="V1")
    desk.report()

    assert before == []
    assert desk.platform.people == {"V1": 1}


def test_exchange_redeems_the_voucher_and_its_tickets_redeem_nothing_more(desk):
    desk.park.sell("GROUP-CODE-2", admits="3", voucher_ref="V1")
    counter = desk.park.enrol("exchange")
    made = desk.site.scan(counter, "GROUP-CODE-2", mode="exchange", nonce="desk-scan", party=2)
    desk.report()
    exchanged = dict(desk.platform.people)
    desk.scan(made["tickets"][0]["code"])
    desk.scan("GROUP-CODE-2")
    desk.report()
    with_one_more = dict(desk.platform.people)

    body = {"reason": "came back", "people": 1}
    answer = desk.site.post("/scans/desk-scan/annul", counter, body)
    desk.report()

    assert answer.status_code == 200, answer.text
    assert (exchanged, with_one_more) == ({"V1": 2}, {"V1": 3})
    assert desk.platform.people == {"V1": 2}


# --- answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["lose", "cut", "fail_after"])
def test_lost_answer_is_asked_about_and_nothing_is_sent_twice(desk, trouble):
    desk.park.sell("LOST-CODE-01", voucher_ref="V1")
    desk.scan("LOST-CODE-01")
    desk.platform.trouble = lambda kind, _: trouble if kind == "redemptions" else None

    desk.report()
    lost = desk.states()
    desk.platform.trouble = lambda _kind, _: None
    desk.settle()

    assert lost == ["lost"]
    assert desk.states() == ["done"]
    assert (desk.platform.calls["redemptions"], desk.platform.people["V1"]) == (1, 1)


@pytest.mark.parametrize("trouble", ["fail", "html", "reset"])
def test_deed_that_the_platform_does_not_know_is_sent_again_under_its_key(desk, trouble):
    desk.park.sell("LOST-CODE-02", voucher_ref="V1")
    desk.scan("LOST-CODE-02")
    desk.platform.trouble = lambda kind, n: trouble if kind == "redemptions" and n == 1 else None

    desk.settle()

    assert desk.deeds() == [("redeem", 1, "done", 2, "")]
    assert len(desk.platform.done) == 1


def test_where_nothing_can_be_asked_the_same_key_is_sent_again(desk):
    desk.platform.offers = ["partial"]
    desk.park.sell("LOST-CODE-03", voucher_ref="V1")
    desk.scan("LOST-CODE-03")
    desk.platform.trouble = lambda kind, n: "lose" if kind == "redemptions" and n == 1 else None

    desk.settle()

    assert desk.platform.calls["redemptions"] == 2
    assert (desk.states(), desk.platform.people["V1"]) == (["done"], 1)


def test_annulment_waits_for_the_fate_of_what_it_undoes(desk):
    desk.park.sell("ORDER-CODE-1", voucher_ref="V1")
    desk.scan("ORDER-CODE-1", nonce="order-scan")
    desk.platform.trouble = lambda kind, n: "lose" if kind == "redemptions" else None
    desk.report()

    desk.annul("order-scan")
    desk.report()
    open_deeds = desk.states()
    desk.settle()

    assert open_deeds == ["lost"]
    assert [row[:3] for row in desk.deeds()] == [("redeem", 1, "done"), ("undo", 1, "done")]
    assert desk.platform.people["V1"] == 0


def test_too_many_calls_are_waited_out_and_cost_no_try(desk):
    desk.park.sell("BUSY-CODE-01", voucher_ref="V1")
    desk.scan("BUSY-CODE-01")
    desk.platform.trouble = lambda kind, _: "busy" if kind == "redemptions" else None

    desk.report(1)
    waiting = desk.deeds()
    paused = desk.reporter.due_s()
    desk.platform.trouble = lambda _kind, _: None
    desk.settle()

    assert waiting == [("redeem", 1, "waiting", 0, "the platform answers 429")]
    assert paused > 4
    assert desk.platform.people == {"V1": 1}


def test_platform_that_is_down_costs_no_try_however_long(desk):
    desk.park.sell("DOWN-CODE-01", voucher_ref="V1")
    desk.report(1)
    desk.scan("DOWN-CODE-01")
    url = desk.platform.url
    desk.platform.go_down()
    for _ in range(20):
        desk.report(1)
        desk.pass_time(seconds=60)

    (deed,) = desk.deeds()
    assert deed[:4] == ("redeem", 1, "waiting", 0)
    assert url not in deed[4]


def test_ladder_ends_on_the_poison_list_and_a_human_sends_it_on(desk):
    desk.park.sell("POISON-CODE-1", voucher_ref="V1")
    desk.report(1)
    desk.scan("POISON-CODE-1")
    desk.platform.trouble = lambda _kind, _: "lose"
    desk.settle()
    poisoned = desk.deeds()
    desk.platform.trouble = lambda _kind, _: None

    desk.caller.call("feed redemptions retry", {"platform": "lvtu", "key": None})
    desk.settle()

    assert [row[2:4] for row in poisoned] == [("exhausted", 14)]
    assert desk.states() == ["done"]
    assert (desk.platform.people["V1"], len(desk.platform.done)) == (1, 1)


def test_refused_deed_is_kept_with_its_reason_and_other_vouchers_go_on(desk):
    desk.platform.refuses["V1"] = "已退款 refunded"
    desk.park.sell("REFUSED-CODE", voucher_ref="V1")
    desk.park.sell("GOOD-CODE-01", voucher_ref="V2")
    desk.scan("REFUSED-CODE")
    desk.scan("GOOD-CODE-01")

    desk.settle()

    assert desk.platform.people == {"V2": 1}
    (poison,) = desk.caller.call("feed redemptions", {"platform": "lvtu", "state": "poison"})
    assert (poison["voucher_ref"], poison["problem"]) == ("V1", "已退款 refunded")
    assert poison["tail"] == "CODE"


def test_undo_that_comes_too_late_is_on_the_poison_list(desk):
    desk.park.sell("WINDOW-CODE", voucher_ref="V1")
    desk.scan("WINDOW-CODE", nonce="window-scan")
    desk.report()
    desk.platform.refuses["V1"] = "undo window closed"

    desk.annul("window-scan")
    desk.settle()

    assert [row[:3] for row in desk.deeds()] == [("redeem", 1, "done"), ("undo", 1, "refused")]


def test_voucher_without_a_reference_is_refused_by_us(desk):
    desk.park.sell("NO-REF-CODE")
    desk.scan("NO-REF-CODE")

    desk.report()

    ((_, _, state, _, problem),) = desk.deeds()
    assert (state, "keep_codes" in problem) == ("refused", True)


def test_deed_whose_sender_was_killed_is_asked_about(desk):
    desk.park.sell("KILLED-CODE", voucher_ref="V1")
    desk.report(1)
    desk.scan("KILLED-CODE")
    wanted = {"platform": "lvtu", "can_ask": True, "most": 100}
    (handed,) = desk.caller.call("redemptions next", wanted)["send"]
    desk.platform.do("redemptions", handed)
    again = desk.caller.call("redemptions next", wanted)

    desk.reporter = desk.a_reporter()
    desk.settle()

    assert again == {"ask": [], "send": [], "more": False}
    assert desk.states() == ["done"]
    assert desk.platform.calls["redemptions"] == 0


def test_what_the_server_could_not_take_is_told_again(desk):
    desk.park.sell("FULL-CODE-01", voucher_ref="V1")
    desk.report(1)
    desk.scan("FULL-CODE-01")
    inside = desk.caller

    class Failing:
        def call(self, name, params=None):
            if name == "redemptions settle":
                raise LedgerUnavailable("disk full")
            return inside.call(name, params)

    with pytest.raises(LedgerUnavailable):
        desk.reporter.run(Failing())
    desk.report(1)

    assert desk.states() == ["done"]
    assert desk.platform.calls["ask"] == 1  # the one for what it offers


def test_platform_that_lets_nobody_in_is_told_before_anything_was_sent(desk):
    desk.platform.knows_us = False
    desk.report(1)

    (status,) = desk.caller.call("feed status")

    told = status["redemptions"]
    assert (told["state"], "401" in told["problem"]) == ("unknown", True)


def test_platform_without_redemptions_is_owed_them_until_it_takes_them(desk):
    desk.platform.there = False
    desk.park.sell("OWED-CODE-01", voucher_ref="V1")
    desk.report(1)
    desk.scan("OWED-CODE-01")
    desk.report(1)
    owed = desk.deeds(), desk.reporter.due_s() > 500

    desk.platform.there = True
    desk.report()

    assert owed == ([], True)
    assert desk.platform.people == {"V1": 1}


def test_wrong_secret_is_no_fault_of_a_deed(desk):
    desk.park.sell("WRONG-CODE-1", voucher_ref="V1")
    desk.report(1)
    desk.scan("WRONG-CODE-1")
    desk.platform.knows_us = False
    for _ in range(15):
        desk.report(1)
        desk.pass_time(seconds=41)
    refused = desk.deeds()

    desk.platform.knows_us = True
    desk.settle()

    assert [row[2:4] for row in refused] == [("waiting", 0)]
    assert desk.platform.people == {"V1": 1}
