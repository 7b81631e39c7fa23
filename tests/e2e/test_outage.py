"""Scanners without their server, as real processes with a network that fails in every way."""

import itertools
import sqlite3
import threading
import time
from contextlib import closing

import pytest

from drill.plug import HOLD, PASS, PORTAL_WAY, REFUSE, SILENT, End, Way
from tests.e2e.outage import a_venue, wait_until

CODES = [f"PAPER-{number:05}-TICKET" for number in range(6000)]
# One scan is decided within a second in all; the rest is what a busy test machine adds.
AT_ONCE_S = 1.5


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    with a_venue(tmp_path_factory.mktemp("outage"), CODES) as venue:
        yield venue


@pytest.fixture(scope="module")
def stock():
    return itertools.count()


@pytest.fixture
def code(stock):
    """Sell the next visitor's code."""
    return lambda: CODES[next(stock)]


@pytest.fixture
def lane(venue):
    lane = venue.lane()
    yield lane
    lane.end(kill=True)


def back(lane):
    """Put the network back and wait until all is as before."""
    lane.plug.turn(PASS)
    lane.await_online()
    lane.await_empty()


@pytest.mark.parametrize(
    "way",
    [HOLD, SILENT, REFUSE, PORTAL_WAY, Way(down_bytes=40, end=End.CLOSE), Way(delay_s=3)],
    ids=["held", "silent", "refused", "portal", "truncated", "slow"],
)
def test_every_kind_of_outage_is_decided_within_a_second_and_uploaded(venue, lane, code, way):
    used = code()
    assert lane.scan(used)["reason"] == "admitted"
    venue.await_replica(lane)
    lane.plug.turn(way)
    verdicts = [lane.scan(each) for each in (used, code(), code())]

    assert [each["reason"] for each in verdicts] == ["used_up", "admitted", "admitted"]
    assert all(each["offline"] for each in verdicts)
    assert max(each["took_s"] for each in verdicts) < AT_ONCE_S
    lane.await_offline()
    assert lane.status()["waiting"] == 3
    began_s = time.monotonic()
    assert lane.scan(code())["offline"]
    assert time.monotonic() - began_s < 0.5

    back(lane)
    assert not lane.scan(code())["offline"]
    venue.compare(lane)


def test_answer_lost_after_the_commit_is_shown_and_counted_once(venue, lane, code):
    # Were the events to pass, they might tell it of its own scan before it decides.
    lane.plug.turn(Way(down_bytes=0, asked=rb"/api/v1/(replica|events)|POST /api/v1/scans "))
    lane.plug.cut()
    lane.await_online()
    said = lane.scan(code())

    assert (said["reason"], said["offline"]) == ("admitted", True)
    back(lane)
    venue.compare(lane)
    mine = [each for each in venue.conflicts() if each["device_id"] == lane.device_id]
    assert mine == []


def test_answer_that_was_lost_and_differed_is_reported(venue, lane, code):
    used, other = code(), venue.lane()
    # Heartbeats pass, so it asks; what other lanes do it never hears.
    lane.plug.turn(Way(down_bytes=0, asked=rb"/api/v1/(replica|events|scans)"))
    lane.plug.cut()
    assert other.scan(used)["reason"] == "admitted"
    other.end()
    lane.await_online()
    said = lane.scan(used)

    assert (said["reason"], said["offline"]) == ("admitted", True)
    back(lane)
    [conflict] = venue.conflicts("answer_differs")
    assert [scan["nonce"] for scan in conflict["scans"]] == [said["nonce"]]
    assert conflict["scans"][0]["offline"]
    venue.compare(lane, other)


@pytest.mark.parametrize(
    "way",
    [
        Way(up_bytes=700, asked=b"/scans/batch"),
        Way(down_bytes=0, asked=b"/scans/batch"),
        Way(down_bytes=300, asked=b"/scans/batch", end=End.CLOSE),
    ],
    ids=["sent in part", "answer lost", "answer in part"],
)
def test_upload_that_breaks_off_goes_on_and_counts_once(venue, lane, code, way):
    lane.plug.turn(REFUSE)
    lane.await_offline()
    for _ in range(30):
        assert lane.scan(code())["offline"]
    lane.plug.turn(way)
    lane.await_online()
    time.sleep(2)
    back(lane)

    venue.compare(lane)
    assert lane.status()["parked"] == 0


def test_first_download_goes_on_after_each_break(venue):
    lane = venue.lane(start=False)
    # No connection ever carries all of it: 6,000 vouchers are some 150 kB.
    lane.plug.turn(Way(down_bytes=60_000, asked=b"/replica"))
    lane.start()
    venue.await_replica(lane, within_s=60)
    lane.plug.turn(REFUSE)
    lane.await_offline()

    assert lane.scan(CODES[-1])["reason"] == "admitted"
    back(lane)
    lane.end()


def test_scanner_without_a_replica_refers(venue, code):
    lane = venue.lane(start=False)
    lane.plug.turn(Way(down_bytes=0, asked=b"/replica"))
    lane.start()
    lane.await_online()
    lane.plug.turn(REFUSE)
    lane.await_offline()

    assert lane.scan(code())["reason"] == "ledger_stale"
    back(lane)
    lane.end()


def test_void_reaches_a_scanner_that_was_away(venue, lane, code):
    venue.offer("GONE")
    venue.sell(["GONE-TICKET-1", "GONE-TICKET-2"], "GONE")
    venue.await_replica(lane)
    lane.plug.turn(HOLD)
    lane.await_offline()
    terms = {"reason": "failed", "honour": None, "cost_bearer": "platform"}
    assert venue.ask("POST", "/api/v1/deals/GONE/void", terms)[0] == 200
    assert lane.scan("GONE-TICKET-1")["reason"] == "admitted"
    back(lane)
    venue.await_replica(lane)

    [conflict] = venue.conflicts("used_after_void")
    assert conflict["deal_id"] == "GONE"
    lane.plug.turn(REFUSE)
    lane.await_offline()
    assert lane.scan("GONE-TICKET-2")["reason"] == "deal_voided"
    back(lane)
    venue.compare(lane)


def test_full_disk_shows_no_verdict_that_is_not_kept(venue, lane, code):
    lane.plug.turn(REFUSE)
    lane.await_offline()
    assert lane.scan(code())["reason"] == "admitted"
    wal = lane.directory / "journal.db-wal"
    lane.ask(limit=wal.stat().st_size if wal.exists() else 4096)
    refused = code()
    said = [lane.scan(refused) for _ in range(3)]

    assert {(each["outcome"], each["reason"]) for each in said} == {("refer", None)}
    assert any("journal" in alarm or "disk" in alarm for alarm in lane.status()["alarms"])
    lane.ask(limit=0)
    assert lane.scan(refused)["reason"] == "admitted"
    back(lane)
    venue.compare(lane)


@pytest.mark.parametrize("damage", ["overwritten", "emptied", "foreign"])
def test_damaged_replica_is_made_anew(venue, lane, code, damage):
    used = code()
    lane.scan(used)
    venue.await_replica(lane)
    lane.end()
    replica = lane.directory / "replica.db"
    for beside in lane.directory.glob("replica.db-*"):
        beside.unlink()
    if damage == "foreign":
        replica.unlink()
        with closing(sqlite3.connect(replica)) as db:
            db.execute("CREATE TABLE other (x)")
    else:
        size = replica.stat().st_size
        replica.write_bytes(b"\xa5" * size if damage == "overwritten" else b"")
    lane.start()
    venue.await_replica(lane)
    lane.plug.turn(REFUSE)
    lane.await_offline()

    assert [lane.scan(each)["reason"] for each in (used, code())] == ["used_up", "admitted"]
    back(lane)
    venue.compare(lane)


def test_killed_scanner_loses_no_shown_verdict(venue, lane, stock):
    lane.plug.turn(REFUSE)
    lane.await_offline()
    for _ in range(3):
        for number in itertools.islice(stock, 5):
            assert lane.scan(CODES[number])["reason"] == "admitted"
        threading.Timer(0.05, lane.process.kill).start()
        with pytest.raises((AssertionError, BrokenPipeError)):
            scan_for_ever(lane)
        lane.end(kill=True)
        lane.start()
        assert lane.scan(lane.shown[-1]["code"])["reason"] == "used_up"
    back(lane)

    recorded = venue.recorded()
    device = lane.device_id
    for each in lane.shown:
        assert recorded[device, each["nonce"]] == (each["reason"], each["people"])
    # What it had decided and not yet shown when it was killed may be there too; nothing else.
    mine = {nonce for name, nonce in recorded if name == device}
    assert len(mine - {each["nonce"] for each in lane.shown}) <= 3


def scan_for_ever(lane):
    while True:
        # Shown again: the same scanner never lets one in twice.
        lane.scan(lane.shown[-1]["code"])


def test_annulment_offline_lets_the_holder_in_again(venue, lane, code):
    lane.plug.turn(REFUSE)
    lane.await_offline()
    visitor = code()
    first = lane.scan(visitor)
    lane.ask(annul=first["nonce"])

    assert lane.scan(visitor)["reason"] == "admitted"
    back(lane)
    mine = [each for each in venue.conflicts() if each["device_id"] == lane.device_id]
    assert mine == []


@pytest.mark.parametrize("wrong_s", [-3 * 86400.0, 26 * 3600.0], ids=["behind", "tomorrow"])
def test_wrong_clock_renews_no_daily_right(venue, code, wrong_s, tmp_path):
    deal = f"DAILY{wrong_s < 0:d}"
    venue.offer(deal, rights="park:1/day")
    used, fresh = f"{deal}-TICKET-1", f"{deal}-TICKET-2"
    venue.sell([used, fresh], deal)
    lane = venue.lane(start=False)
    lane.start(wrong_s=wrong_s)
    venue.await_replica(lane)
    assert lane.scan(used)["reason"] == "admitted"
    before = time.time()
    lane.plug.turn(HOLD)
    lane.await_offline()
    # The clock is set while it runs, too, over the server's midnight.
    lane.ask(jump=-wrong_s)
    lane.ask(jump=86400)

    assert [lane.scan(each)["reason"] for each in (used, fresh, fresh)] == [
        *("used_up", "admitted", "used_up")
    ]
    back(lane)
    venue.compare(lane)
    uri = f"{(venue.data / 'ledger.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        times = db.execute(
            "SELECT scan_at FROM scans WHERE device_id = ? AND offline", (lane.device_id,)
        ).fetchall()
    assert len(times) == 3
    assert all(before - 5 < at / 1000 < time.time() + 5 for (at,) in times)
    assert venue.conflicts("clock_skew") == []
    lane.end()


def test_code_key_rotated_while_a_scanner_was_away(venue, lane, code):
    lane.plug.turn(HOLD)
    lane.await_offline()
    venue.run("key", "rotate", "codes")
    venue.sell(["NEW-KEY-TICKET-1", "NEW-KEY-TICKET-2"])
    old = code()
    # Sold since: it cannot know, and says so only while its replica is fresh.
    assert lane.scan("NEW-KEY-TICKET-1")["outcome"] != "admit"
    assert lane.scan(old)["reason"] == "admitted"
    back(lane)
    venue.await_replica(lane)
    lane.plug.turn(REFUSE)
    lane.await_offline()

    verdicts = [lane.scan(each)["reason"] for each in ("NEW-KEY-TICKET-2", old, code())]
    assert verdicts == ["admitted", "used_up", "admitted"]
    back(lane)
    assert lane.scan("NEW-KEY-TICKET-2")["reason"] == "used_up"
    venue.compare(lane)


def test_revoked_scanner_hands_over_and_wipes(venue, lane, code):
    lane.plug.turn(REFUSE)
    lane.await_offline()
    lane.scan(code())
    device = lane.device_id
    venue.run("device", "revoke", device)
    lane.plug.turn(PASS)
    wait_until(lambda: not (lane.directory / "replica.db").exists(), 20, "the wipe")

    assert not (lane.directory / "seal.key").exists()
    assert (device, lane.shown[-1]["nonce"]) not in venue.recorded()
    uri = f"{(venue.data / 'ledger.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        kept = db.execute("SELECT nonce FROM evidence WHERE device_id = ?", (device,)).fetchall()
    assert kept == [(lane.shown[-1]["nonce"],)]
