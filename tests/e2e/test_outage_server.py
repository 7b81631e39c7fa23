"""The server killed and restored under its scanners; a seeded day with three outages."""

import itertools
import json

import pytest

from tests.e2e.outage import a_venue, wait_until
from tests.e2e.outage_play import Crowd, play, rows_of

SCANS = 5000
CODES = [f"DAY-{number:06}-TICKET" for number in range(SCANS + 1000)]


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    with a_venue(tmp_path_factory.mktemp("outage"), CODES) as venue:
        yield venue


@pytest.fixture(scope="module")
def stock():
    return itertools.count(SCANS)


def test_five_scanners_three_outages_five_thousand_scans(venue):
    lanes = [venue.lane() for _ in range(5)]
    played = play(venue, lanes, rows_of(lanes, CODES, SCANS, seed=20150212))

    assert played.scans == SCANS
    assert played.offline > SCANS / 8
    assert played.doubles > 10
    assert set(played.reasons) == {"admitted", "used_up"}
    for lane in lanes:
        lane.end()


def test_server_killed_and_started_again_under_scanning(venue, stock):
    lane = venue.lane()
    codes = [CODES[next(stock)] for _ in range(150)]
    with Crowd({lane: codes}) as crowd:
        for count in (20, 80):
            crowd.await_passed(count)
            venue.stop(kill=True)
            crowd.await_passed(count + 30)
            venue.start()
    lane.await_online()
    lane.await_empty()

    venue.compare(lane)
    assert {each["reason"] for each in lane.shown} == {"admitted"}
    assert {each["offline"] for each in lane.shown} == {True, False}
    lane.end()


def test_server_restored_from_a_backup_gets_back_what_was_shown(venue, stock):
    old = venue.lane()
    old.scan(CODES[next(stock)])
    backup = venue.root / "yesterday.backup"
    venue.run("backup", str(backup))
    new = venue.lane()
    since = [CODES[next(stock)] for _ in range(6)]
    for lane, code in zip((old, new) * 2, since, strict=False):
        assert lane.scan(code)["reason"] == "admitted"
    wait_until(lambda: old.status()["waiting"] == 0, 10, "the upload")
    epoch = old.status()["epoch"]
    venue.stop()
    assert old.scan(since[4])["offline"]
    venue.run("restore", str(backup))
    venue.start()
    wait_until(lambda: old.status()["epoch"] not in {"", epoch}, 30, "the new epoch")
    old.await_online()
    old.await_empty()

    venue.compare(old)
    # The server does not know the other any more: it goes on alone, and wipes nothing.
    wait_until(lambda: new.status()["alarms"], 15, "the alarm")
    assert new.scan(since[1])["reason"] == "used_up"
    assert new.scan(since[5])["reason"] == "admitted"
    assert json.loads((new.directory / "device.json").read_text("utf-8"))["token"]
    old.end()
    new.end()


def test_ledger_verifies_after_all_of_it(venue):
    venue.stop()

    venue.run("audit", "verify")
    venue.run("doctor")
