"""A watch over a real ledger: every kind of alarm, by what calls, devices and feeds left there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from admission.errors import LedgerConflict, LedgerUnavailable, NotFound
from gate_server.duty_forms import Outcome
from gate_server.heads import sign_head
from gate_server.ledger import audit, feeds
from gate_server.ledger.reports import DealBook
from gate_server.settings import read_why_words
from gate_server.surges import SurgeWatch
from gate_server.web.callers import identify
from gate_server.why import WhyBook
from tests.alarm_venue import amiss
from tests.gate_server.ledger.test_full_disk import file_size_limit
from tests.gate_server.test_conduct_watch import override
from tests.platforms_redeem import a_platform
from tests.redeem_desk import Desk

HOLD = {"reason": "odd price"}


@pytest.fixture
def venue(tmp_path):
    with amiss(tmp_path / "var") as venue:
        yield venue


def test_ordinary_venue_raises_nothing(venue):
    venue.beat(venue.park.enrol())
    venue.connect()

    assert venue.look() == venue.look(1) == []


def test_people_inside_by_their_three_bars(venue):
    lane = venue.park.enrol()
    venue.count(lane, 8)
    first = venue.look()
    venue.count(lane, 2)
    second = venue.look()
    venue.count(lane, 8, "exit")

    assert (first, second) == (["raised capacity"], ["rose capacity critical"])
    assert venue.calm() == ["cleared capacity"]
    assert venue.desk.standing() == ()
    ((over,)) = venue.desk.view().cleared
    assert (over.worst, over.figure, over.severity) == (1.0, 1.0, "critical")


def test_wait_where_one_is_known(venue):
    unknown = venue.look()
    venue.wait = 40.0

    assert unknown == []
    assert venue.look() == ["raised wait"]
    venue.wait = None
    assert venue.calm() == ["cleared wait"]


def test_wait_and_calls_are_no_alarms_while_the_venue_is_evacuated(venue):
    boss = venue.park.hire()
    venue.wait = 40.0
    raised = venue.look()
    for on in (True, False):
        order = {"on": on, "reason": "smoke"}
        assert venue.site.post("/venue/emergency", boss, order).status_code == 200
        if on:
            during = venue.names(), venue.calm(), venue.look()
            assert venue.site.get("/stats", boss).json()["alarms_standing"] == 0

    assert raised == ["raised wait"]
    assert during == ([], ["cleared wait"], [])
    assert venue.look() == ["raised wait"]


def test_referred_visitors_who_wait_for_long_or_are_many(venue):
    park, boss = venue.park, venue.park.hire()
    park.sell("CODE-0001", "CODE-0002")
    lane = park.enrol()
    assert venue.site.post("/deals/DAY/hold", boss, HOLD).status_code == 200
    for code in ("CODE-0001", "CODE-0002"):
        assert venue.site.scan(lane, code)["outcome"] == "refer"
    many = venue.look()
    venue.beat(lane)
    venue.park.now += timedelta(minutes=6)
    venue.beat(lane)
    long = venue.look()
    venue.site.post("/deals/DAY/release", boss, HOLD)
    for code in ("CODE-0001", "CODE-0002"):
        assert venue.site.scan(lane, code)["outcome"] == "admit"

    assert (many, long) == (["raised calls_many"], ["raised calls_old"])
    assert sorted(venue.calm()) == ["cleared calls_many", "cleared calls_old"]


def test_gate_that_falls_silent_while_another_goes_on(venue):
    # Silence before the start of the watch would be its own.
    venue.park.now += timedelta(hours=1)
    for ago_min in range(70):
        venue.come("G2", 2, ago_min=ago_min)
        if ago_min > 11:
            venue.come("G1", 2, ago_min=ago_min)
    raised = venue.look()
    venue.come("G1", 2)

    assert raised == ["raised gate_silent"]
    assert venue.names() == [("gate_silent", "G1")]
    assert venue.calm() == ["cleared gate_silent"]


def test_gate_that_refuses_far_more_than_before(venue):
    for gate_id in ("G1", "G2"):
        venue.come(gate_id, 60, ago_min=30)
        venue.come(gate_id, 30)
    venue.come("G1", 25, "wrong_gate")

    assert venue.look() == ["raised gate_refusals"]
    (view,) = venue.desk.standing()
    assert view.says.en.startswith("45% of the scans at South gate were refused")


def test_deal_that_surges_has_an_alarm_too_and_it_goes_with_the_surge(venue):
    ledger = venue.park.ledger
    why = WhyBook(ledger, DealBook(ledger), read_why_words(ledger.venue))
    surges = SurgeWatch(ledger, why, venue.park.settings)
    venue.come("G1", 200, ago_min=30)
    venue.come("G1", 75, "deal_voided")
    venue.come("G2", 75, "deal_voided")
    surges.look()
    raised = venue.look()
    venue.park.now += timedelta(minutes=30)
    surges.look()

    assert "raised deal_refusals" in raised
    assert ("deal_refusals", "DAY") in venue.names()
    assert "cleared deal_refusals" in venue.calm()


def test_device_that_is_gone_and_comes_back(venue):
    lane = venue.park.enrol()
    venue.beat(lane)
    quiet = venue.look(2)
    raised = venue.look(2)
    venue.beat(lane)

    assert (quiet, raised) == ([], ["raised device_gone"])
    (view,) = venue.desk.standing()
    assert view.says.zh.startswith(f"South gate lane（{lane.name}）已4分钟没有消息")
    assert venue.look() == venue.look(1) == []
    venue.beat(lane)
    assert venue.look(1) == ["cleared device_gone"]


def test_device_at_a_paused_gate_is_not_missed(venue):
    lane, boss = venue.park.enrol(), venue.park.hire()
    venue.beat(lane)
    venue.site.post("/gates/G1/state", boss, {"state": "paused", "reason": "lunch"})

    assert venue.look(5) == []


def test_old_replica_deep_outbox_and_wrong_clock_of_one_device(venue):
    lane = venue.park.enrol()
    off = (venue.park.now + timedelta(minutes=3)).isoformat()
    venue.beat(lane, replica_age_s=2000.0, outbox_depth=9, device_time=off)
    raised = venue.look()
    venue.beat(lane)
    venue.look()
    venue.park.now += timedelta(minutes=2)
    venue.beat(lane)

    assert raised == ["raised replica_old", "raised outbox_deep", "raised device_clock"]
    assert sorted(venue.look()) == sorted(each.replace("raised", "cleared") for each in raised)


def test_three_devices_that_disagree_with_the_servers_clock(venue):
    lanes = [venue.park.enrol() for _ in range(3)]
    ahead = (venue.park.now + timedelta(minutes=5)).isoformat()
    for lane in lanes:
        venue.beat(lane, device_time=ahead)
    raised = venue.look()
    for lane in lanes:
        venue.beat(lane)

    assert raised == ["raised clock"]
    assert venue.calm() == ["cleared clock"]


def test_feed_that_is_silent_and_one_that_fails(venue):
    feed_id = venue.connect()
    park = venue.park
    for _ in range(3):
        park.change(lambda tx: feeds.note_failed(tx, feed_id, "502", now=park.now))
    failing = venue.look()
    silent = venue.look(11)
    park.change(lambda tx: feeds.note_accepted(tx, feed_id, now=park.now))

    assert (failing, silent) == (["raised feed_failing"], ["raised feed_old"])
    assert sorted(venue.calm()) == ["cleared feed_failing", "cleared feed_old"]


def test_people_let_in_who_wait_to_be_reported(venue):
    with a_platform() as platform:
        desk = Desk(venue.park, venue.site, platform)
        desk.report()
        venue.park.sell("CODE-0001", voucher_ref="V1")
        assert desk.scan("CODE-0001")["outcome"] == "admit"
        early = venue.look(4)
        late = venue.look(2)
        desk.report()

        assert not any("redemptions" in each for each in early)
        assert "raised redemptions_late" in late
        assert "cleared redemptions_late" in venue.calm()
        desk.reporter.close()


def test_disk_that_fills_up(venue):
    venue.free = 900 << 20
    first = venue.look()
    venue.free = 100 << 20
    second = venue.look()
    (view,) = venue.desk.standing()
    venue.free = 5 << 30

    assert (first, second) == (["raised disk"], ["rose disk critical"])
    assert "900" not in view.says.en
    assert "100 MiB" in view.says.en
    assert venue.calm() == ["cleared disk"]


def test_reserve_that_is_gone(venue):
    reserve = venue.park.directory / "reserve"
    reserve.unlink()
    # Nothing can be laid there, or the idle writer would do it before the look.
    reserve.symlink_to(venue.park.directory / "nowhere" / "reserve")
    raised = venue.look()
    reserve.unlink()
    reserve.write_bytes(b"")

    assert raised == ["raised reserve_gone"]
    assert venue.calm() == ["cleared reserve_gone"]


def test_head_that_was_not_signed_for_more_than_a_day(venue):
    park = venue.park
    sign_head(park.ledger, park.keys)
    park.add_gate("G3", "North", "park")
    quiet = venue.look(25 * 60)
    raised = venue.look(2 * 60)
    sign_head(park.ledger, park.keys, again=True)

    assert (quiet, raised) == ([], ["raised heads_unsigned"])
    # The clearing itself is a row that no head covers yet; it is only seconds old.
    assert venue.calm() == ["cleared heads_unsigned"]


def test_hour_of_overrides_that_stands_out_names_nobody(venue):
    venue.park.now = venue.park.now.replace(minute=10)
    override(venue.site, venue.park, 16, boss=venue.park.hire(name="anne"))
    raised = venue.look()
    venue.beat(venue.park.enrol())

    assert "raised overrides" in raised
    view = next(each for each in venue.desk.standing() if each.kind == "overrides")
    assert view.says.zh.startswith("主管放行：一小时内有一人共16次")
    assert "anne" not in str(view)
    assert "cleared overrides" in venue.look(125) + venue.look(2)


def test_duty_list_that_does_not_answer(venue):
    venue.call()
    venue.wait = 40.0
    venue.look()
    for pause in (0, 6, 16):
        venue.park.now += timedelta(seconds=pause)
        (message,) = venue.calls.due("feeder")
        venue.calls.settle([Outcome(message_id=message.message_id, problem="no answer")])

    assert venue.look() == ["raised duty_failing"]


def test_event_streams_that_are_all_in_use(venue):
    boss = venue.park.hire()
    environ = {"HTTP_AUTHORIZATION": f"Bearer {boss.token}"}
    stream = venue.app.services.hub.join(identify(environ, venue.park.ledger.catalogue))
    raised = venue.look()
    stream.close()

    assert raised == ["raised streams_full"]
    assert venue.calm() == ["cleared streams_full"]


# --- on record -----------------------------------------------------------------------------------


def test_every_change_is_in_the_audit_and_the_chain_holds(venue):
    lane = venue.park.enrol()
    venue.count(lane, 8)
    venue.look()
    (view,) = venue.desk.standing()
    venue.desk.acknowledge(view.alarm_id, "gate 4 opens", by="li")
    venue.count(lane, 2)
    venue.look()
    (risen,) = venue.desk.standing()
    venue.count(lane, 9, "exit")
    venue.calm()
    found = venue.park.ledger.read(
        lambda db: db.execute("SELECT kind FROM audit WHERE kind LIKE 'alarm%'").fetchall()
    )

    assert [kind for (kind,) in found] == [
        "alarm_raised",
        "alarm_acknowledged",
        "alarm_changed",
        "alarm_cleared",
    ]
    assert risen.acknowledged_by is None
    assert venue.park.ledger.read(audit.verify).findings == ()


def test_alarm_that_is_over_or_unknown_cannot_be_acknowledged(venue):
    venue.wait = 40.0
    venue.look()
    (view,) = venue.desk.standing()
    venue.wait = None
    venue.calm()

    with pytest.raises(LedgerConflict):
        venue.desk.acknowledge(view.alarm_id, None, by="li")
    with pytest.raises(NotFound):
        venue.desk.acknowledge(999, None, by="li")


def test_figure_that_is_shown_is_half_a_minute_old_at_most(venue):
    venue.wait = 40.0
    venue.look()
    venue.wait = 50.0
    early = venue.look(0.1), venue.desk.standing()[0].figure
    late = venue.look(0.5), venue.desk.standing()[0]

    assert early == ([], 40.0)
    assert (late[0], late[1].figure, late[1].worst) == ([], 50.0, 50.0)


def test_full_disk_only_puts_an_alarm_off(venue):
    venue.wait = 40.0
    log = venue.park.directory / "ledger.db-wal"
    with file_size_limit(log.stat().st_size), pytest.raises(LedgerUnavailable):
        venue.look()

    # To record it the reserve was given up, which is an alarm of its own.
    assert venue.look() == ["raised wait", "raised reserve_gone"]


def test_clock_that_is_set_back_neither_raises_nor_clears_anything(venue):
    lane = venue.park.enrol()
    venue.beat(lane)
    venue.wait = 40.0
    venue.look()
    venue.wait = 10.0
    venue.look()

    assert venue.look(-600) == []
    assert venue.names() == [("wait", "")]
    venue.park.now += timedelta(minutes=602)
    assert "cleared wait" in venue.look()
