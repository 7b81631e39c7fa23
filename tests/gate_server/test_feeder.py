"""The feeder beside a real server: when it runs, what it brings, and what its death leaves."""

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate_server import control
from tests import platforms
from tests.e2e.processes import children_of, lives, wait_until
from tests.platforms import TOKEN, Platform, a_deal_row, a_voucher_row
from tests.server import Park, a_running_server

SMALL = "[server]\nthreads = 40\nstreams = 8\n"


@pytest.fixture
def park(tmp_path):
    park = Park(tmp_path / "var", settings=SMALL)
    park.gate = park.enrol()
    park.close()
    return park


@pytest.fixture
def platform():
    with Platform() as found:
        found.pages = [("deals", [a_deal_row()]), ("vouchers", [a_voucher_row("CODE-0001")])]
        yield found


def feeders(server):
    """Return the feeders that live under a server."""
    found = [pid for pid in children_of(server.worker()) if lives(pid)]
    return [pid for pid in found if b"gate_server.feeder" in _command(pid)]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def add_pull(park, platform, every_s=None):
    config = {"url": platform.url} | ({"every_s": every_s} if every_s else {})
    asked = {"platform": "sunny", "kind": "pull", "config": config, "secret": TOKEN}
    control.call(park.directory, "feed add", asked)


def reason(server, park, code):
    """Return what the gate says of a code, which is not used up by it."""
    return server.scan(park.gate, code, mode="check")["reason"]


def await_admitted(server, park, code, within_s=15):
    wait_until(lambda: reason(server, park, code) == "admitted", within_s, f"admission of {code}")


@contextmanager
def fed(park, platform):
    """Run a server that is fed by a platform, once its first voucher is in."""
    add_pull(park, platform, 1.0)
    with a_running_server(park.directory) as server:
        await_admitted(server, park, "CODE-0001")
        yield server


def test_feed_that_is_added_beside_the_server_is_fetched_within_seconds_until_removed(
    park, platform
):
    control.call(park.directory, "feed add native", {"platform": "lvtu"})
    with a_running_server(park.directory) as server:
        time.sleep(1.0)
        none = feeders(server)
        add_pull(park, platform)
        await_admitted(server, park, "CODE-0001", 10)
        wait_until(lambda: len(feeders(server)) == 1, 2, "one feeder")
        control.call(park.directory, "feed remove", {"platform": "sunny"})
        wait_until(lambda: not feeders(server), 5, "its end")
        after = reason(server, park, "CODE-0001")
        log = server.log

    assert none == [], "a push comes by itself"
    assert after == "admitted", "what is in stays"
    assert TOKEN not in log


def test_it_ends_with_the_server_and_leaves_its_stop_quick(park, platform):
    with fed(park, platform) as server:
        (feeder,) = feeders(server)
        began = time.monotonic()
        status = server.stop()

    assert (status, lives(feeder)) == (0, False)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("who", ["feeder", "worker", "parent"])
def test_kill_in_the_middle_of_a_round_loses_nothing(park, platform, who):
    more = [f"MORE-{number:04}" for number in range(300)]
    with fed(park, platform) as server:
        platform.always = slowly
        platform.pages += [
            ("vouchers", [a_voucher_row(code) for code in more[at : at + 50]])
            for at in range(0, 300, 50)
        ]
        await_admitted(server, park, more[60])
        (feeder,) = feeders(server)
        victim = {"feeder": feeder, "worker": server.worker(), "parent": server.process.pid}[who]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: not lives(feeder), 5, "the feeder's end")
        if who != "parent":
            server.wait_ready()
            await_admitted(server, park, more[-1])
    if who == "parent":
        with a_running_server(park.directory) as server:
            await_admitted(server, park, more[-1])
    platform.always = None
    (deal,) = [
        deal for deal in control.call(park.directory, "deal list") if deal["deal_id"] == "EAST"
    ]

    assert deal["vouchers"] == 301


def slowly(handler):
    time.sleep(0.3)
    handler.answer()


def status(park):
    return {feed["platform"]: feed for feed in control.call(park.directory, "feed status")}


def test_mad_platform_is_told_of_hanging_one_holds_up_no_other(park, platform, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    with fed(park, platform) as server:
        platform.always = platforms.content(b"<html>", kind="text/html")
        wait_until(lambda: "for people" in status(park)["sunny"]["error"], 8, "its error")
        platform.always = platforms.silent(30)
        asked = {"platform": "moon", "kind": "folder", "config": {"path": str(inbox)}}
        control.call(park.directory, "feed add", asked)
        row = a_deal_row("MOON", platform="moon")
        (inbox / "deals.csv").write_text(",".join(row) + "\n" + ",".join(map(str, row.values())))
        (inbox / "vouchers.csv").write_text("code,deal_id\nMOON-0001,MOON\n")
        await_admitted(server, park, "MOON-0001")
        ready = server.http.get("/readyz").status_code
        fares = status(park)

    assert ready == 200
    assert "for people" in fares["sunny"]["error"]
    assert (fares["moon"]["error"], fares["moon"]["failures"]) == ("", 0)
