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
    # No look-up: else a scan could bring a voucher in before the feeder does.
    config = {"url": platform.url, "lookup": False}
    config |= {"every_s": every_s} if every_s else {}
    asked = {"platform": "sunny", "kind": "pull", "config": config, "secret": TOKEN}
    control.call(park.directory, "feed add", asked)


def reason(server, park, code):
    """Return what the gate says of a code, which is not used up by it."""
    return server.scan(park.gate, code, mode="check")["reason"]


def await_admitted(server, park, code, within_s=40):
    def is_in():
        time.sleep(0.1)
        return reason(server, park, code) == "admitted"

    wait_until(is_in, within_s, f"admission of {code}")


@contextmanager
def fed(park, platform):
    """Run a server that is fed by a platform, once its first voucher is in."""
    add_pull(park, platform, 1.0)
    with a_running_server(park.directory) as server:
        await_admitted(server, park, "CODE-0001")
        yield server


def test_life_of_a_feeder_beside_a_server(park, platform, tmp_path):
    (tmp_path / "inbox").mkdir()
    control.call(park.directory, "feed add native", {"platform": "lvtu"})
    with a_running_server(park.directory) as server:
        time.sleep(1.0)
        assert feeders(server) == [], "a push comes by itself"

        add_pull(park, platform, 1.0)
        await_admitted(server, park, "CODE-0001")
        assert len(feeders(server)) == 1

        platform.always = platforms.content(b"<html>", kind="text/html")
        wait_until(lambda: "for people" in status(park)["sunny"]["error"], 8, "its error")
        platform.always = platforms.silent(30)
        put_files(park, tmp_path / "inbox")
        await_admitted(server, park, "MOON-0001")
        fares = status(park)
        assert server.http.get("/readyz").status_code == 200
        assert "for people" in fares["sunny"]["error"], "it hangs, and holds up no other"
        assert (fares["moon"]["error"], fares["moon"]["failures"]) == ("", 0)

        for name in ("sunny", "moon"):
            control.call(park.directory, "feed remove", {"platform": name})
        wait_until(lambda: not feeders(server), 5, "its end")
        assert reason(server, park, "CODE-0001") == "admitted", "what is in stays"
        assert TOKEN not in server.log


def put_files(park, inbox):
    """Connect a folder of another platform, with a deal and a voucher in it."""
    asked = {"platform": "moon", "kind": "folder", "config": {"path": str(inbox)}}
    control.call(park.directory, "feed add", asked)
    row = a_deal_row("MOON", platform="moon")
    (inbox / "deals.csv").write_text(",".join(row) + "\n" + ",".join(map(str, row.values())))
    (inbox / "vouchers.csv").write_text("code,deal_id\nMOON-0001,MOON\n")


def status(park):
    return {feed["platform"]: feed for feed in control.call(park.directory, "feed status")}


def test_kills_in_the_middle_of_rounds_lose_nothing_and_double_nothing(park, platform):
    codes = [f"MORE-{number:04}" for number in range(900)]
    platform.always = slowly
    with fed(park, platform) as server:
        kill_in_a_round(server, park, platform, codes[:300], lambda feeder: feeder)
        await_admitted(server, park, codes[299])
        kill_in_a_round(server, park, platform, codes[300:600], lambda _: server.worker())
        server.wait_ready()
        await_admitted(server, park, codes[599])
        kill_in_a_round(server, park, platform, codes[600:], lambda _: server.process.pid)
    with a_running_server(park.directory) as server:
        await_admitted(server, park, codes[-1])
        (feeder,) = feeders(server)
        began = time.monotonic()
        stopped = server.stop()
        took_s = time.monotonic() - began
    deals = {deal["deal_id"]: deal for deal in control.call(park.directory, "deal list")}

    assert deals["EAST"]["vouchers"] == 901
    assert (stopped, lives(feeder)) == (0, False)
    assert took_s < 4


def kill_in_a_round(server, park, platform, codes, whom):
    """Sell more, 50 a page, and kill somebody when some of it is in; the feeder ends with him."""
    platform.pages += [
        ("vouchers", [a_voucher_row(code) for code in codes[at : at + 50]])
        for at in range(0, len(codes), 50)
    ]
    await_admitted(server, park, codes[60])
    (feeder,) = feeders(server)
    os.kill(whom(feeder), signal.SIGKILL)
    wait_until(lambda: not lives(feeder), 5, "the feeder's end")


def slowly(handler):
    time.sleep(0.3)
    handler.answer()
