"""The live board: what is wrong comes first, figures are right, and names cannot write into it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from gate_server.ledger.ledger import utc_now
from gate_server.ledger.tallies import Delta
from tests.boards import part_of, sit_down, tile_of
from tests.pushers import Pusher, connect
from tests.server import Park, an_app

DEAL = {
    "platform": "lvtu",
    "title": "New",
    "face_price_minor": 26000,
    "currency": "CNY",
    "valid_from": "2014-01-01",
    "valid_until": "2099-12-31",
}


@pytest.fixture
def boss(park):
    return park.hire("supervisor")


def beat(site, park, device, **more):
    word = {
        "epoch": park.ledger.epoch,
        "replica_revision": 7,
        "replica_age_s": 190.0,
        "outbox_depth": 17,
        "boot_id": "boot-1",
        "battery": 64,
    }
    assert site.post("/devices/self/heartbeat", device, word | more).status_code == 200


def midday():
    """Return when the last hour is of one venue day, and not past: a ledger refuses to go back."""
    return (utc_now() + timedelta(days=1)).replace(hour=4, minute=30)


def a_call(site, park, device):
    park.sell("FAMILY-1", "FAMILY-2", order_ref="ORDER-77")
    site.scan(device, "ORDER-77", nonce="a-referral")


# --- figures -------------------------------------------------------------------------------------


def test_counts_are_shown_and_names_are_text(site, park):
    park.add_gate("G3", "<script>alert(1)</script>", "park")
    park.sell("VOUCHER-1", admits="7")
    site.scan(park.enrol(), "VOUCHER-1")
    figures = part_of(sit_down(site, park).see(), "figures")
    answer = site.http.get("/")

    assert "<b>7</b> <span>inside now</span>" in figures
    assert "<b>7</b> <span>last 15 minutes</span>" in figures
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert site.http.get("/static/board/live.css").status_code == 200


def test_combined_ticket_at_two_gates_is_one_person_of_the_last_15_minutes(site, park):
    park.offer("BOTH", rights="park:1|valley:1")
    park.sell("TWO-AREAS", deal_id="BOTH")
    for gate_id in ("G1", "G2"):
        assert site.scan(park.enrol(gate_id=gate_id), "TWO-AREAS")["outcome"] == "admit"
    figures = part_of(sit_down(site, park).see(), "figures")

    assert "<b>1</b> <span>people today</span>" in figures
    assert "<b>1</b> <span>last 15 minutes</span>" in figures


def test_last_15_minutes_forget_who_came_before_and_who_was_taken_back(tmp_path):
    park = Park(tmp_path / "midday", now=midday())
    park.sell("EARLY-CODE", "LATER-CODE", "TAKEN-BACK")
    lane = park.enrol()
    with an_app(park) as (_, site):
        site.scan(lane, "EARLY-CODE")
        park.now += timedelta(minutes=15)
        site.scan(lane, "LATER-CODE")
        nonce = site.scan(lane, "TAKEN-BACK")["nonce"]
        site.post(f"/scans/{nonce}/annul", lane, {"reason": "did not pass"})
        figures = part_of(sit_down(site, park).see(), "figures")
    park.close()

    assert "<b>2</b> <span>people today</span>" in figures
    assert "<b>1</b> <span>last 15 minutes</span>" in figures


def test_page_has_no_style_or_script_of_its_own(site, park):
    page = sit_down(site, park).see()

    assert [word for word in (" style=", "<style", " onclick=", "<script>") if word in page] == []


@pytest.mark.parametrize(
    ("people", "kind", "says"),
    [(7, "", "normal"), (8, " warn", "report"), (9, " bad", "groups"), (10, " bad", "full")],
)
def test_how_full_it_is_is_said_in_words(tmp_path, people, kind, says):
    park = Park(tmp_path / "var", settings="[venue]\nlimit = 10\n")
    with an_app(park) as (_, site):
        body = {"kind": "walk_in", "people": people, "nonce": "a-count-1", "gate_id": "G1"}
        site.post("/counts", park.hire(), body)
        figures = part_of(sit_down(site, park).see(), "figures")
    park.close()

    assert f'<li class="figure wide{kind}"><b>{people}</b>' in figures
    assert says in figures
    assert f"{people * 10} % of the limit" in figures


def test_a_queue_is_shown_with_its_wait_and_age_and_else_called_unknown(site, park, boss):
    seat = sit_down(site, park)
    before = part_of(seat.see(), "figures")
    site.post("/queue-counts", boss, {"people": 120, "area": "park"})
    park.now = utc_now() + timedelta(minutes=4)
    after = part_of(seat.see(), "figures")

    assert "not known" in before
    assert "only" not in before
    assert "No exits are counted: all who came in today" in before
    assert "0 with valid vouchers may still come" in before
    assert "expected today" not in before
    assert "room for" not in before
    assert "<b>120</b> <span>wait at the gates" in after
    assert "<small>park only</small>" in after
    assert "4 min ago" in after


def test_what_is_ahead_is_told_as_far_as_it_is_known(tmp_path):
    midday = (utc_now() + timedelta(days=1)).replace(hour=4, minute=30)
    park = Park(tmp_path / "ahead", settings="[venue]\nlimit = 100\n", now=midday)
    park.sell("VOUCHER-1", admits="3")
    for back in (1, 2, 3):
        at_ms = int((midday - timedelta(days=back)).timestamp() * 1000)
        delta = Delta(at_ms, "G1", "admitted", people=100, persons=100)
        park.ledger.write(lambda tx: tx.count(delta))  # noqa: B023 - run at once
    with an_app(park) as (_, site):
        site.post("/occupancy", park.hire(), {"people": 40, "reason": "counted"})
        figures = part_of(sit_down(site, park).see(), "figures")
    park.close()

    assert "as entered by hand, and all who came in since" in figures
    assert re.search(r"expected today about [\d,]+ \([\d,]+ to [\d,]+\)", figures)
    assert "3 with valid vouchers may still come" in figures
    assert "room for 60" in figures


def test_chinese_page_has_chinese_punctuation_in_its_areas(site, park, boss):
    site.post("/queue-counts", boss, {"people": 120, "area": "park"})
    site.post("/queue-counts", boss, {"people": 0, "area": "valley"})
    figures = part_of(sit_down(site, park, language="zh").see(), "figures")

    assert "<span>valley：0 人排队，0 分钟</span>" in figures
    assert "<small>仅含" not in figures


# --- gates ---------------------------------------------------------------------------------------


def test_each_scanners_last_word_is_shown(site, park):
    device = park.enrol()
    beat(site, park, device)
    site.scan(device, "NO-SUCH-CODE")
    seat = sit_down(site, park)
    tile = tile_of(seat.see(), "G1")
    park.now = park.ledger.clock() + timedelta(seconds=40)
    later = tile_of(seat.see(), "G1")

    for shown in (device.name, "just now", "copy 3 min", "17 to upload", "battery 64 %"):
        assert shown in tile
    assert re.search(r"answers \d+ ms, slowest \d+", tile)
    assert "cut off" not in tile
    assert "cut off" in later
    assert "no word from 1 of 1 devices" in later
    assert "17 or more to upload" in later


def test_scanners_that_were_stopped_are_shown(site, park):
    device, unused = park.enrol(), park.enrol()
    site.scan(device, "NO-SUCH-CODE")
    for each in (device, unused):
        park.revoke(each.name)
    code = park.invite()
    for nonce in ("first-nonce", "other-nonce"):
        site.post("/devices/enrol", None, {"code": code, "nonce": nonce})
    tile = tile_of(sit_down(site, park).see(), "G1")

    assert tile.count("revoked") == 1
    assert "suspended: look at it" in tile
    assert "1 device is suspended" in tile


def test_gate_that_is_not_open_shows_no_pace_and_a_copy_of_seconds_is_fresh(site, park, boss):
    device = park.enrol()
    beat(site, park, device, replica_age_s=2.0)
    seat = sit_down(site, park)
    before = tile_of(seat.see(), "G1")
    site.post("/gates/G1/state", boss, {"state": "paused", "reason": "queue"})
    after = tile_of(seat.see(), "G1")

    assert "people a minute" in before
    assert "copy fresh" in before
    assert "people a minute" not in after
    assert '<div class="flow"><p><b>paused</b></p>' in after


def test_gates_say_why_people_were_not_let_in(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    site.scan(device, "NO-SUCH-CODE")
    site.post("/gates/G1/state", boss, {"state": "exit_only", "reason": "queue"})
    site.scan(device, "NO-SUCH-CODE")
    gate = site.get("/stats", boss).json()["gates"][0]
    seat = sit_down(site, park, language="zh")
    tile, calls = tile_of(seat.see(), "G1"), part_of(seat.see(), "calls")

    assert gate["refused"] == {"unknown_code": 1}
    assert gate["referred"] == {"several_vouchers": 1}
    assert gate["waited"] == {"gate_closed": 1}
    assert gate["calls_last_60min"] == 1
    for shown in ("未查到", "一单多票", "检票口暂停", "只出不进", "呼叫 1 次/小时"):
        assert shown in tile
    assert "unknown_code" not in tile
    assert "一单多票" in calls
    assert "nonce=a-referral" in calls


def test_calls_an_hour_are_those_of_the_last_hour_and_survive_a_restart(site, park, boss):
    device = park.enrol()
    a_call(site, park, device)
    site.scan(device, "FAMILY-1", direction="exit")
    with an_app(park) as (_, restarted):
        after = restarted.get("/stats", boss).json()["gates"][0]
    park.now = utc_now() + timedelta(minutes=61)
    later = site.get("/stats", boss).json()["gates"][0]

    assert (after["calls_last_60min"], later["calls_last_60min"]) == (1, 0)
    assert after["referred"] == {"several_vouchers": 1, "not_inside": 1}


def places(page):
    return [page.index(f'id="gate-{gate}"') for gate in ("G1", "G2", "G3")]


def test_what_is_wrong_comes_first(site, park, boss):
    park.add_gate("G3", "North gate", "park")
    dead, late = park.enrol(gate_id="G3"), park.enrol(gate_id="G2")
    seat = sit_down(site, park)
    well = places(seat.see())
    beat(site, park, late, outbox_depth=500)
    fault = {"nonce": "report-0001", "kind": "jammed", "at": utc_now().isoformat()}
    site.post("/devices/self/reports", dead, fault)
    page = seat.see()
    first, second, third = places(page)

    assert well == sorted(well)
    assert third < second < first
    assert "turnstile jammed" in tile_of(page, "G3")
    assert "500 scans not uploaded" in tile_of(page, "G2")


def test_a_gate_that_lets_in_far_fewer_than_it_could_is_called_slow(tmp_path):
    park = Park(tmp_path / "midday", now=midday())

    def fill(tx):
        first = int((park.now - timedelta(minutes=45)).timestamp() * 1000)
        for minute in range(45):
            people = 8 if minute < 25 else 1
            at_ms = first + minute * 60_000
            for gate, some in (("G1", people), ("G2", 8)):
                tx.count(Delta(at_ms, gate, "admitted", some, some, 0, some, some, some))

    park.change(fill)
    with an_app(park) as (_, site):
        site.post("/queue-counts", park.hire(), {"people": 90, "area": "park"})
        page = sit_down(site, park).see()
    park.close()

    assert "slow: 1 a minute, it has done 8" in tile_of(page, "G1")
    assert "slow" not in tile_of(page, "G2")


# --- the desk, deals, alarms ---------------------------------------------------------------------


def test_stopped_deals_are_marked(site, park, boss):
    park.offer("EAST-1")
    site.post("/deals/EAST-1/hold", boss, {"reason": "price"})
    site.post("/deals/DAY/void", boss, {"reason": "x", "honour": None, "cost_bearer": "venue"})
    deals = part_of(sit_down(site, park).see(), "deals")

    assert "on hold" in deals
    assert "voided" in deals
    assert deals.index("EAST-1") < deals.index("DAY")
    assert "/act/deal-release?" in deals
    assert "/act/deal-hold?" not in deals


def test_deals_of_the_hour_have_their_shares(site, park):
    park.offer("EAST-1")
    park.sell("VOUCHER-1", admits="3")
    park.sell("VOUCHER-2", deal_id="EAST-1")
    device = park.enrol()
    for code in ("VOUCHER-1", "VOUCHER-2"):
        site.scan(device, code)
    deals = part_of(sit_down(site, park).see(), "deals")

    assert ">75 %<" in deals
    assert ">25 %<" in deals


def test_what_nobody_sees_to_lies_on_the_desk(site, park, boss):
    park.sell("VOUCHER-1")
    first, second = park.enrol(), park.enrol(gate_id="G1")
    at = utc_now().isoformat()
    line = (
        '{"nonce": "offline-%s", "verdict": {"outcome": "admit", "reason": "admitted",'
        ' "admitted": 1}, "code": "VOUCHER-1", "scanned_at": "%s"}'
    )
    for device in (first, second):
        site.post("/scans/batch", device, (line % (device.name, at)).encode())
    site.post("/incidents", boss, {"kind": "crowd", "title": "Crowding at the tail"})
    desk = part_of(sit_down(site, park).see(), "desk")

    assert "let in twice" in desk
    assert "Crowding at the tail" in desk
    assert "unanswered" in desk


def test_a_platform_that_says_nothing_is_seen(site, park):
    secret = connect(park)
    seat = sit_down(site, park)
    before = part_of(seat.see(), "desk")
    Pusher(site, secret).deals({"deal_id": "NEW", **DEAL})
    well = part_of(seat.see(), "desk")
    park.now = utc_now() + timedelta(minutes=9)
    late = part_of(seat.see(), "desk")

    assert "never heard" in before
    assert 'class="badge">well' in well
    assert 'class="badge wrong">too old' in late
    assert "9 min" in late


def test_an_evacuation_is_seen_before_anything_else(site, park, boss):
    site.post("/venue/emergency", boss, {"on": True, "reason": "fire"})
    page = sit_down(site, park).see()

    assert "Evacuation: nobody enters" in part_of(page, "banner")
    assert "End the evacuation" in part_of(page, "banner")
    assert page.index('id="part-banner"') < page.index('id="part-figures"')
    tile = tile_of(page, "G1")
    assert '<b class="badge exit_only">evacuation</b>' in tile
    assert "afterwards: open" in tile
    assert "people a minute</small>" not in tile


# --- who sees it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["steward", "auditor"])
def test_who_may_only_look_is_offered_nothing(site, park, role):
    a_call(site, park, park.enrol())
    page = sit_down(site, park, role).see()

    assert "Calls waiting" in page
    assert "/act/" not in page


def test_nobody_sees_it_without_a_log_in(site):
    for address in ("/", "/live", "/act/emergency"):
        answer = site.http.get(address)

        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")


def test_every_text_is_in_both_languages(site, park):
    a_call(site, park, park.enrol())
    english = sit_down(site, park).see()
    site.http.headers["Accept-Language"] = "zh"
    chinese = site.http.get("/").text

    assert "Calls waiting" in english
    assert "待人工核验" not in english
    assert "待人工核验" in chinese
    assert "Calls waiting" not in chinese
    assert 'lang="zh-CN"' in chinese
