"""What a scanner keeps of broadcasts, when its terminal says them, and what it tells of that."""

import io
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admission import wire
from admission.broadcasts import Priority
from admission.errors import InvalidInput
from admission.wire_notices import Said, WhyCard
from scanner_client.announcer import VERDICT_WITHIN_S, Announcer, tell_broadcast
from scanner_client.broadcasts import MOST_KEPT, Broadcasts, BroadcastSettings
from scanner_client.cards import tell_cards
from scanner_client.checkin import UNSAID, Shown
from scanner_client.presenter import Presenter
from scanner_client.settings import load_settings
from tests.fakes import NOW, ZONE

LATER = NOW + timedelta(hours=3)


def a_broadcast(name="B1", **changes):
    fields = {
        "broadcast_id": name,
        "message": wire.Text(zh=f"请走南门 {name}", en=f"Use the south gate {name}"),
        "made_at": NOW,
        "expires_at": LATER,
    }
    return wire.BroadcastEvent(**(fields | changes))


def a_beat(*messages, in_force=None):
    return wire.Heartbeat(
        server_time=NOW,
        epoch="e",
        ledger_revision=1,
        audit_head="",
        messages=list(messages),
        in_force=in_force,
    )


def names(broadcasts, now=NOW):
    return [each.broadcast_id for each in broadcasts.current(now)]


@pytest.fixture
def broadcasts():
    return Broadcasts()


# --- what is kept --------------------------------------------------------------------------------


def test_high_ones_come_first_then_the_newest(broadcasts):
    early = NOW - timedelta(minutes=5)
    broadcasts.take(
        a_broadcast("OLD", made_at=early),
        a_broadcast("NEW"),
        a_broadcast("HIGH", made_at=early, priority=Priority.HIGH),
    )

    assert names(broadcasts) == ["HIGH", "NEW", "OLD"]


def test_the_same_told_twice_is_one(broadcasts):
    heard = []
    broadcasts.listen(lambda: heard.append(1))
    broadcasts.take(a_broadcast())
    broadcasts.take(a_broadcast())
    broadcasts.take_heartbeat(a_beat(a_broadcast()), [])

    assert names(broadcasts) == ["B1"]
    assert heard == [1]


def test_what_expires_is_shown_to_its_last_instant(broadcasts):
    broadcasts.take(a_broadcast())

    assert names(broadcasts, LATER) == ["B1"]
    assert names(broadcasts, LATER + timedelta(milliseconds=1)) == []


def test_clock_that_was_wrong_for_a_while_loses_nothing(broadcasts):
    broadcasts.take(a_broadcast())
    wrong = names(broadcasts, NOW + timedelta(days=30))

    assert (wrong, names(broadcasts)) == ([], ["B1"])


def test_what_was_ended_vanishes_and_a_late_heartbeat_does_not_bring_it_back(broadcasts):
    broadcasts.take(a_broadcast())
    broadcasts.take(a_broadcast(ended_at=NOW))
    ended = names(broadcasts)
    broadcasts.take_heartbeat(a_beat(a_broadcast(), in_force=["B1"]), ["B1"])

    assert ended == []
    assert names(broadcasts) == []


def test_what_the_heartbeat_does_not_name_any_more_vanishes(broadcasts):
    broadcasts.take(a_broadcast("GONE"), a_broadcast("STAYS"))
    broadcasts.take_heartbeat(a_beat(in_force=["STAYS"]), broadcasts.held())

    assert names(broadcasts) == ["STAYS"]


def test_what_came_while_the_heartbeat_was_under_way_stays(broadcasts):
    held = broadcasts.held()
    broadcasts.take(a_broadcast("MEANWHILE"))
    broadcasts.take_heartbeat(a_beat(in_force=[]), held)

    assert names(broadcasts) == ["MEANWHILE"]


def test_older_server_that_names_none_takes_none_away(broadcasts):
    broadcasts.take(a_broadcast())
    broadcasts.take_heartbeat(a_beat(), broadcasts.held())

    assert names(broadcasts) == ["B1"]


def test_no_server_can_fill_the_memory(broadcasts):
    for number in range(3 * MOST_KEPT):
        broadcasts.take(a_broadcast(f"B{number}"), a_broadcast(f"E{number}", ended_at=NOW))

    assert len(names(broadcasts)) == MOST_KEPT


# --- what is acknowledged ------------------------------------------------------------------------


def test_shown_is_told_until_the_server_has_heard(broadcasts):
    broadcasts.take(a_broadcast("B1"), a_broadcast("B2"))
    broadcasts.shown("B1")
    broadcasts.shown("B1")
    broadcasts.shown("NEVER-TOLD")
    first, again = broadcasts.unsaid(), broadcasts.unsaid()
    broadcasts.said(first)

    assert first == again == ["B1"]
    assert broadcasts.unsaid() == []


def test_restored_server_that_knows_nothing_of_it_is_told_again(broadcasts):
    broadcasts.take(a_broadcast())
    broadcasts.shown("B1")
    broadcasts.said(broadcasts.unsaid())
    broadcasts.take_heartbeat(a_beat(a_broadcast(), in_force=["B1"]), broadcasts.held())

    assert broadcasts.unsaid() == ["B1"]


def test_a_heartbeat_carries_as_many_as_it_may(broadcasts):
    for number in range(150):
        broadcasts.take(a_broadcast(f"B{number}"))
        broadcasts.shown(f"B{number}")
    first = broadcasts.unsaid()
    broadcasts.said(first)

    assert (len(first), len(broadcasts.unsaid())) == (wire.MOST_SEEN, 50)


def test_threads_lose_nothing(broadcasts):
    def work(lane):
        for number in range(20):
            broadcasts.take(a_broadcast(f"{lane}-{number}"))
            broadcasts.shown(f"{lane}-{number}")
            broadcasts.current(NOW)
            broadcasts.said(broadcasts.unsaid()[:1])

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(names(broadcasts)) == 120


def test_word_without_any_is_one_that_an_older_server_takes():
    word = wire.HeartbeatRequest(epoch="", replica_revision=0, replica_age_s=0, outbox_depth=0)

    assert b"seen" not in wire.write(word)


# --- the terminal --------------------------------------------------------------------------------


class Screen(io.StringIO):
    """What somebody can look at."""

    def isatty(self):
        return True


class Lane:
    """A terminal at a lane, and its clock."""

    def __init__(self, broadcasts, out=None, *, shown_elsewhere=False):
        self.out = Screen() if out is None else out
        self.now_s = 1000.0
        presenter = Presenter(io.StringIO(), self.out, colour="always")
        self.announcer = Announcer(
            broadcasts,
            presenter,
            BroadcastSettings(repeat_s=60, quiet_s=3, shown_elsewhere=shown_elsewhere),
            now=lambda: NOW,
            zone=lambda: ZONE,
            monotonic=lambda: self.now_s,
        )

    def said(self, after_s=0.0):
        """Look once, after a while; return what is new on the terminal."""
        self.now_s += after_s
        before = len(self.out.getvalue())
        self.announcer.look()
        return self.out.getvalue()[before:]


def test_broadcast_is_said_once_and_then_acknowledged(broadcasts):
    lane = Lane(broadcasts)
    broadcasts.take(a_broadcast())
    unsaid = broadcasts.unsaid()
    line = lane.said()

    assert (unsaid, broadcasts.unsaid()) == ([], ["B1"])
    assert "NOTICE 通知" in line
    assert "请走南门 B1 Use the south gate B1" in line
    assert lane.said(after_s=3600) == ""


def test_important_one_is_said_again(broadcasts):
    lane = Lane(broadcasts)
    broadcasts.take(a_broadcast(priority=Priority.HIGH))
    first, soon, later = lane.said(), lane.said(after_s=59), lane.said(after_s=1)

    assert "IMPORTANT 重要通知" in first
    assert soon == ""
    assert later == first


def test_nothing_is_said_over_a_verdict(broadcasts):
    lane = Lane(broadcasts)
    broadcasts.take(a_broadcast())
    lane.announcer.reading()
    coming = lane.said(after_s=1)
    lane.announcer.show(Shown("nonce-0001", "wait", UNSAID))
    reading, after = lane.said(after_s=2.9), lane.said(after_s=0.1)

    assert (coming, reading) == ("", "")
    assert "NOTICE" in after


def test_verdict_that_never_comes_keeps_nothing_back(broadcasts):
    lane = Lane(broadcasts)
    broadcasts.take(a_broadcast())
    lane.announcer.reading()

    assert "NOTICE" in lane.said(after_s=VERDICT_WITHIN_S)


def test_what_went_into_a_log_was_shown_to_nobody(broadcasts):
    lane = Lane(broadcasts, io.StringIO())
    broadcasts.take(a_broadcast())

    assert "NOTICE" in lane.said()
    assert broadcasts.unsaid() == []


def test_what_another_program_shows_was_shown(broadcasts):
    lane = Lane(broadcasts, io.StringIO(), shown_elsewhere=True)
    broadcasts.take(a_broadcast())

    assert "NOTICE" in lane.said()
    assert broadcasts.unsaid() == ["B1"]


def test_ended_one_is_not_said_again(broadcasts):
    lane = Lane(broadcasts)
    broadcasts.take(a_broadcast(priority=Priority.HIGH))
    lane.said()
    broadcasts.take(a_broadcast(priority=Priority.HIGH, ended_at=NOW))

    assert lane.said(after_s=600) == ""


@given(st.text(min_size=1, max_size=500))
def test_no_text_steers_the_terminal(text):
    message = wire.Text(zh=text, en="\x1b]0;owned\a\x1b[2J\u202eevil")
    line = tell_broadcast(a_broadcast(message=message), ZONE)

    assert line.isprintable() or all(each.isprintable() or each == " " for each in line)
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert len(line) < 1100


@pytest.mark.parametrize("own", ["repeat_s = 0", "quiet_s = -1", "repeat_s = nan", "volume = 3"])
def test_wrong_setting_is_named(tmp_path, own):
    (tmp_path / "scanner.toml").write_text(f"[broadcasts]\n{own}\n")

    with pytest.raises(InvalidInput, match=rf"broadcasts\.{own.split()[0]}"):
        load_settings(tmp_path)


# --- cards ---------------------------------------------------------------------------------------


def a_card(**changes):
    fields = {
        "deal_id": "OCT-EAST-001",
        "title": "两园联票",
        "state": "busy",
        "since": NOW,
        "sold": 206865,
        "people_sold": 413730,
        "used": 1204,
        "still_to_come_today": 412526,
        "share_of_scans": 0.625,
        "refused": 35,
        "terms": None,
        "say": Said(zh="请照常验票。", en="Scan as usual."),
    }
    return WhyCard(**(fields | changes))


def test_card_says_what_came_of_the_deal_and_what_to_say():
    text = "\n".join(tell_cards([a_card()], ZONE))

    for part in (
        "BUSY 较多  两园联票 (OCT-EAST-001)",
        "62% of scans",
        "sold 已售 206865",
        "412526",
    ):
        assert part in text
    assert text.endswith("请照常验票。\n  Scan as usual.")


def test_card_cannot_steer_the_terminal():
    hostile = "\x1b[2J\u202e\r\n"
    say = Said(zh=hostile, en=hostile)
    text = "".join(tell_cards([a_card(title=hostile, deal_id=hostile, say=say)], ZONE))

    assert text.isprintable()


def test_no_card_says_that_nothing_stands_out():
    assert "nothing stands out" in "".join(tell_cards([], ZONE))
