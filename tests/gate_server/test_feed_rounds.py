"""When a feed's next round is, what a failed one leaves, and that two never run at once."""

import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from admission.errors import FeedRejected, FeedUnavailable, InvalidInput, LedgerConflict
from gate_server.feed_rounds import HEARTBEAT_S, LONGEST_PAUSE_S, FeedTask, claim, pull_once
from gate_server.feed_sources import FetchedFeed, open_source
from gate_server.feeder_tasks import Surroundings
from gate_server.key_files import KeyPurpose
from gate_server.ledger.ledger import utc_now
from tests import platforms
from tests.platforms import TOKEN, a_deal_row, a_voucher_row
from tests.server import Park, an_app
from tests.sides import NOW, PullSide, Truth, books

CODES = [f"CODE-{number:04}" for number in range(5)]


@pytest.fixture
def side(tmp_path):
    park = Park(tmp_path / "var")
    side = PullSide(park)
    side.tell([Truth(code) for code in CODES])
    yield side
    side.close()
    park.close()


def a_task(side):
    park = side.park
    return FeedTask(side.feed(), Surroundings(park.directory, park.settings, park.keys))


def status(side):
    (feed,) = side.caller.call("feed status")
    return feed


def test_next_round_is_the_interval_later(side):
    task = a_task(side)
    before = task.due_s()
    task.run(side.caller)

    assert before <= 0
    assert 4 < task.due_s() <= 5.5
    assert books(side.park, *CODES) == dict.fromkeys(CODES, "valid")


def test_round_that_somebody_asks_for_begins_at_once_and_once(side):
    task = a_task(side)
    task.run(side.caller)
    task.heed(side.feed())
    before = task.due_s()
    side.caller.call("feed ask", {"platform": side.feed().platform})
    task.heed(side.feed())
    asked = task.due_s()
    task.run(side.caller)
    task.heed(side.feed())

    assert before > 4
    assert asked <= 0
    assert task.due_s() > 4


def test_each_failure_in_a_row_makes_the_next_try_later_up_to_five_minutes(side):
    task, waits = a_task(side), []
    side.platform.always = platforms.status(500)
    for _ in range(9):
        with pytest.raises(FeedUnavailable):
            task.run(side.caller)
        waits.append(task.due_s())
    side.platform.always = None
    failures = status(side)["failures"]
    task.run(side.caller)

    assert 9 < waits[0] < 12 < 19 < waits[1] < 23 < waits[2]
    assert waits[-1] <= LONGEST_PAUSE_S * 1.1
    assert failures == 9
    assert (status(side)["failures"], status(side)["error"]) == (0, "")
    assert task.due_s() <= 5.5


def test_platform_that_asks_for_more_time_gets_it(side):
    task = a_task(side)
    side.platform.always = platforms.status(429, Retry_After="200")
    with pytest.raises(FeedUnavailable):
        task.run(side.caller)

    assert task.due_s() >= 199


def test_why_it_failed_is_known_and_the_age_runs_on(side):
    task = a_task(side)
    task.run(side.caller)
    before = status(side)["accepted_at"]
    side.platform.always = platforms.status(401)
    with pytest.raises(FeedRejected):
        task.run(side.caller)
    after = status(side)

    assert after["error"] == "token: the platform refuses it with 401"
    assert after["accepted_at"] == before


def test_defect_of_ours_is_told_without_what_it_was_about(side):
    class Broken:
        """A caller whose server answers nonsense to what it is given to take."""

        def call(self, name, params=None):
            if name == "feed take":
                raise KeyError(CODES[0])
            return side.caller.call(name, params)

    task = a_task(side)
    with pytest.raises(KeyError):
        task.run(Broken())

    assert "defect" in status(side)["error"]
    assert CODES[0] not in status(side)["error"]
    assert task.due_s() > 5.5


def test_feed_that_was_removed_meanwhile_is_let_be(side):
    task = a_task(side)
    side.caller.call("feed remove", {"platform": "sunny"})
    task.run(side.caller)

    assert side.platform.asked == []


def test_silent_round_is_told_now_and_then_only(side):
    turn = replace(side.turn(), now=side.park.ledger.clock)
    told, began = [], side.park.ledger.clock()
    for later_s in (0, 1, HEARTBEAT_S - 2, HEARTBEAT_S + 1):
        side.park.now = began + timedelta(seconds=later_s)
        with closing(side.source()) as source:
            turn.run(side.feed(), source)
        told.append(status(side)["accepted_at"])

    assert told[0] == told[1] == told[2] < told[3]


def test_two_rounds_of_one_feed_never_run_at_once(side):
    feed, directory = side.feed(), side.park.directory
    with claim(directory, feed):
        with pytest.raises(LedgerConflict, match="being fetched already"), claim(directory, feed):
            pass
        other = FetchedFeed(feed_id=99, platform="moon", kind="folder", config={})
        with claim(directory, other):
            pass
    with claim(directory, feed):
        pass

    assert status(side)["failures"] == 0


def test_command_waits_for_the_round_that_is_under_way(side):
    feed, directory = side.feed(), side.park.directory
    began, done = threading.Event(), []

    def hold():
        with claim(directory, feed):
            began.set()
            time.sleep(0.5)
            done.append("held")

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait()
    outcome = pull_once(side.turn(), feed, directory)
    thread.join()

    assert done == ["held"]
    assert (outcome.tally.added, outcome.error) == (6, "")


def test_failed_pull_says_what_went_in_before(side):
    side.platform.troubles = [None, None, platforms.status(500)]
    outcome = pull_once(side.turn(), side.feed(), side.park.directory)

    assert (outcome.tally.added, "500" in outcome.error) == (3, True)
    assert "500" in status(side)["error"]


def test_key_made_since_the_feeder_began_hashes_the_codes_that_come(side):
    task = a_task(side)
    side.park.keys.rotate(KeyPurpose.CODES, now=utc_now(), signs_from=utc_now())
    task.run(side.caller)
    gate = side.park.enrol()
    with an_app(side.park) as (_, site):
        assert site.scan(gate, CODES[0])["reason"] == "admitted"


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("pull", {}),
        ("pull", {"url": "http://platform.example"}),
        ("octo", {"url": "http://127.0.0.1:1", "days": 0}),
        ("octo", {"url": "http://127.0.0.1:1", "dates": "moonday"}),
        ("folder", {"path": 7}),
    ],
)
def test_registry_that_makes_no_sense_makes_no_source(side, kind, config):
    feed = FetchedFeed(feed_id=1, platform="sunny", kind=kind, config=config)

    with pytest.raises(InvalidInput):
        open_source(feed, TOKEN, zone=side.park.settings.venue.zone, now=lambda: NOW)


def test_feeds_own_platform_alone_is_fed(side):
    side.platform.pages = [("deals", [a_deal_row(platform="moon")]),
                           ("vouchers", [a_voucher_row(CODES[0])])]  # fmt: skip
    side.round()

    assert books(side.park) == {}
    assert {row["field"] for row in side.rejects()} == {"platform", "deal_id"}
