"""Attacks by those who work at the lanes: each is tried, and fails or is found and marked."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from admission.journal_chain import first_head
from gate_server.conduct_watch import ConductWatch
from gate_server.incidents import IncidentDesk
from gate_server.venue_setup import create_venue
from tests.chance import without_chance
from tests.offline_lines import a_line, beat, chained, check, conflicts, send
from tests.server import Site, an_app, slug_of
from tests.settlement_story import DAY, VOID, PastPark, clock

CODE = "9K3F-22AX-8K2F"
SHOWN = {"outcome": "refuse", "reason": "deal_voided", "admitted": 0}


class Lane:
    """A park at a set time, with a lane, a marshal and a supervisor."""

    def __init__(self, park: PastPark, site: Site) -> None:
        self.park, self.site = park, site
        self.gate, self.marshal = park.enrol(), park.enrol("marshal")
        self.boss = park.hire("supervisor", "anne")

    def at(self, text: str) -> None:
        self.park.now = clock(text)

    def sell(self, *codes: str, **columns: str) -> None:
        told_at = self.park.ledger.clock().isoformat()
        columns = {"updated_at": told_at, "price_paid_minor": "1"} | columns
        self.park.sell(*codes, **columns)

    def scan(self, code: str = CODE, **fields):
        return self.site.scan(self.gate, code, **fields)

    def annul(self, nonce: str, **fields):
        body = {"reason": "did not turn", **fields}
        return self.site.post(f"/scans/{nonce}/annul", self.gate, body)

    def void(self) -> None:
        assert self.site.post("/deals/DAY/void", self.boss, VOID).status_code == 200

    def settle(self):
        return self.site.get("/deals/DAY/settlement", self.boss).json()


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """A venue that was set up that morning, to be copied."""
    directory = tmp_path_factory.mktemp("venue") / "var"
    create_venue(directory, now=clock("08:00:00"))
    return directory


@pytest.fixture
def lane(venue, tmp_path):
    shutil.copytree(venue, tmp_path / "var")
    park = PastPark(tmp_path / "var", clock("09:00:00"))
    with an_app(park) as (_, site):
        lane = Lane(park, site)
        lane.sell(CODE)
        yield lane
    park.close()


# --- a friend is let in on a code whose admission was taken back ------------------------------


def test_friend_who_comes_later_on_an_annulled_code_meets_a_supervisor(lane):
    lane.at("10:00:00")
    lane.scan(nonce="visitor-1")
    assert lane.annul("visitor-1").status_code == 200
    lane.at("10:10:01")

    assert lane.scan()["reason"] == "annulled_before"


def test_second_annulment_of_a_code_brings_nobody_else_in(lane):
    lane.at("10:00:00")
    lane.scan(nonce="visitor-1")
    lane.annul("visitor-1")
    assert lane.scan(nonce="friend-01")["outcome"] == "admit"
    lane.annul("friend-01")

    answer = lane.scan()
    assert (answer["outcome"], answer["reason"]) == ("refer", "annulled_before")


def test_friend_is_not_let_in_once_the_visitor_has_left(lane):
    lane.at("10:00:00")
    lane.scan(nonce="visitor-1")
    lane.at("10:08:00")
    exits = lane.park.enrol()
    lane.site.scan(exits, CODE, direction="exit")
    by_lane = lane.annul("visitor-1")
    body = {"reason": "did not turn", "device_id": lane.gate.name}
    by_boss = lane.site.post("/scans/visitor-1/annul", lane.boss, body)

    assert {slug_of(by_lane), slug_of(by_boss)} == {"moved-since"}
    assert "leave this one as it is" in by_boss.json()["detail"]
    assert lane.scan()["reason"] == "used_up"


def test_annulment_that_avoids_the_server_is_marked(lane):
    lane.at("10:00:00")
    entry = a_line(CODE) | {"scanned_at": f"{DAY}T10:00:00+08:00"}
    send(lane.site, lane.gate, entry)
    lane.at("10:05:00")
    lane.site.scan(lane.park.enrol(), CODE, direction="exit")
    lane.at("10:09:00")
    late = {"scanned_at": f"{DAY}T10:08:00+08:00", "reason": "did not turn"}
    send(lane.site, lane.gate, {"annul": entry["nonce"], **late})

    assert [each["kind"] for each in conflicts(lane.site, lane.park)] == ["annulled_after_move"]
    check(lane.park)


def test_attendant_who_does_it_all_day_is_found_and_nobody_is_named(lane):
    watch, codes = ConductWatch(lane.park.ledger), [f"FRIEND-{n:03}" for n in range(12)]
    lane.sell(*codes)
    lane.at("10:00:00")
    for number, code in enumerate(codes):
        lane.scan(code, nonce=f"visitor-{number}", operator="4711")
        lane.annul(f"visitor-{number}", operator="4711")
        lane.scan(code, operator="4711")

    assert watch.look() == 1
    found = IncidentDesk(lane.park.ledger, lane.park.settings).page("open", None).incidents
    told = lane.site.get(f"/conduct?day={DAY}", lane.park.hire("auditor")).json()
    assert [each.kind.value for each in found] == ["conduct"]
    assert "4711" not in without_chance(str(found))
    assert [(each["act"], each["who"]) for each in told["alarms"]] == [("annul", "4711")]


# --- overrides, strikes -----------------------------------------------------------------------


def test_lane_cannot_override_nor_strike_by_itself(lane):
    lane.scan("NO-SUCH-CODE", nonce="a-refusal")
    body = {"device_id": lane.gate.name, "reason": "a friend"}
    answers = [
        lane.site.post(f"/scans/a-refusal/{act}", by, body)
        for act in ("override", "strike")
        for by in (lane.gate, lane.marshal, lane.park.hire("steward"))
    ]

    assert {(answer.status_code, slug_of(answer)) for answer in answers} == {(403, "forbidden")}


def test_supervisor_who_overrides_own_scans_is_found_sooner(lane):
    watch = ConductWatch(lane.park.ledger)
    for number in range(6):
        lane.scan(f"NO-CODE-{number}", nonce=f"refusal-{number}", operator="2001")
        body = {"device_id": lane.gate.name, "reason": "a friend", "operator": "2001"}
        lane.site.post(f"/scans/refusal-{number}/override", lane.boss, body)

    assert watch.look() == 1
    told = lane.site.get(f"/conduct?day={DAY}", lane.park.hire("auditor")).json()
    assert [(each["act"], each["who"]) for each in told["alarms"]] == [("override_own", "2001")]


def test_supervisor_cannot_have_the_platform_pay_for_a_friend(lane):
    lane.at("15:10:00")
    lane.void()
    lane.at("18:00:00")
    assert lane.scan(nonce="a-refusal")["reason"] == "deal_voided"
    body = {"device_id": lane.gate.name, "reason": "a friend", "cost_bearer": "platform"}
    let_in = lane.site.post("/scans/a-refusal/override", lane.boss, body).json()
    own = lane.site.post(f"/deals/DAY/overrides/{let_in['scan_id']}/confirm", lane.boss)
    before = lane.settle()["amounts_minor"]["owed_to_venue"]
    partner = lane.park.hire("partner")
    lane.site.post(f"/deals/DAY/overrides/{let_in['scan_id']}/confirm", partner)

    assert let_in["reason"] == "overridden"
    assert slug_of(own) == "forbidden"
    assert (before, lane.settle()["amounts_minor"]["owed_to_venue"]) == (0, 26000)


# --- arrivals that never were -----------------------------------------------------------------


def an_arrival(text: str, code: str = CODE) -> dict:
    """An arrival as a scanner without network stamps it."""
    stamp = {"mode": "arrive", "party": 1, "verdict": SHOWN}
    return a_line(code) | {"scanned_at": f"{DAY}T{text}+08:00"} | stamp


def test_invented_arrival_is_no_earlier_than_the_scanners_last_contact(lane):
    lane.at("15:10:00")
    lane.void()
    lane.at("17:30:00")
    beat(lane.site, lane.marshal, boot_id="boot-1", outbox_seq=0,
         outbox_head=first_head(lane.marshal.name))  # fmt: skip
    lane.at("18:00:00")
    (line,) = chained(lane.marshal, [an_arrival("16:58:00")])

    assert send(lane.site, lane.marshal, line)[0]["conflicts"] == ["clock_skew"]
    assert lane.scan()["reason"] == "deal_voided"
    assert lane.settle()["counts"]["honoured"] == 0


def test_invented_arrival_of_a_silent_scanner_is_honoured_on_its_word_alone_and_told_apart(lane):
    lane.sell("SEEN-0001")
    lane.at("15:10:00")
    lane.void()
    lane.at("16:50:00")
    lane.site.scan(lane.marshal, "SEEN-0001", mode="arrive")
    silent = lane.park.enrol("marshal")
    lane.at("18:00:00")
    send(lane.site, silent, *chained(silent, [an_arrival("16:58:00")]))

    assert lane.scan()["reason"] == lane.scan("SEEN-0001")["reason"] == "honoured"
    assert lane.settle()["evidence"] == {"server": 1, "device_bounded": 0, "device": 1}


def test_scanner_whose_head_was_seen_cannot_slip_an_arrival_under_it(lane):
    lane.sell("TRUE-0001", "TRUE-0002")
    lane.at("14:40:00")
    silent = lane.park.enrol("marshal")
    true = [an_arrival("14:50:00", "TRUE-0001"), an_arrival("14:55:00", "TRUE-0002")]
    kept = chained(silent, true)
    lane.at("15:00:00")
    beat(lane.site, silent, boot_id="boot-1", outbox_depth=2, outbox_seq=2,
         outbox_head=kept[1]["head"])  # fmt: skip
    lane.at("15:10:00")
    lane.void()
    lane.at("18:00:00")
    slipped = chained(silent, [true[0], an_arrival("14:52:00"), true[1]])
    send(lane.site, silent, *slipped)
    lane.scan()

    sql = "SELECT COUNT(*) FROM offline_scans WHERE bounded_at IS NOT NULL"
    assert lane.park.ledger.read(lambda db: db.execute(sql).fetchone()) == (0,)
    assert lane.settle()["evidence"]["device_bounded"] == 0


def test_arrival_behind_a_head_that_was_seen_is_no_earlier_than_that_head(lane):
    lane.sell("TRUE-0001")
    lane.at("14:40:00")
    silent = lane.park.enrol("marshal")
    true = an_arrival("14:50:00", "TRUE-0001")
    lines = chained(silent, [true, an_arrival("16:58:00")])
    lane.at("15:10:00")
    lane.void()
    lane.at("17:20:00")
    beat(lane.site, silent, boot_id="boot-1", outbox_depth=1, outbox_seq=1,
         outbox_head=lines[0]["head"])  # fmt: skip
    lane.at("18:00:00")
    answers = send(lane.site, silent, *lines)

    assert [each["conflicts"] for each in answers] == [[], ["clock_skew"]]
    assert lane.scan()["reason"] == "deal_voided"
    assert lane.scan("TRUE-0001")["reason"] == "honoured"


def test_struck_stamp_lets_nobody_in_and_is_counted(lane):
    lane.at("15:10:00")
    lane.void()
    lane.at("16:58:00")
    lane.site.scan(lane.marshal, CODE, mode="arrive", nonce="a-stamp-1")
    lane.at("18:00:00")
    body = {"device_id": lane.marshal.name, "reason": "was not there"}
    assert lane.site.post("/scans/a-stamp-1/strike", lane.boss, body).status_code == 200

    assert lane.scan()["reason"] == "deal_voided"
    told = lane.site.get(f"/conduct?day={DAY}", lane.park.hire("auditor")).json()["hours"]
    assert [(each["act"], each["who"], each["acts"]) for each in told] == [("strike", "anne", 1)]


def test_clock_that_was_set_back_moves_no_arrival_before_the_cut_off(lane):
    lane.at("15:10:00")
    lane.void()
    lane.at("18:00:00")
    back = (lane.park.now - timedelta(hours=2)).isoformat()
    stamped = lane.site.scan(lane.marshal, CODE, mode="arrive", scanned_at=back)

    assert stamped["clock_skew_s"] == pytest.approx(-7200, abs=1)
    assert lane.scan()["reason"] == "deal_voided"
