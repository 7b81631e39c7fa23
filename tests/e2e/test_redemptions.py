"""A scan at a real server is redeemed at the platform within seconds, whatever is killed."""

import json
import os
import random
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from gate_server import control
from tests.e2e.processes import children_of, gate_server, lives, wait_until
from tests.platforms_redeem import a_platform, connect_platform
from tests.server import Park, a_running_server

SETTINGS = """
[server]
threads = 40
streams = 8
[redemptions]
every_s = 0.3
quick_s = 0.5
slow_s = 0.5
late_after_s = 1.0
"""


@pytest.fixture
def platform():
    with a_platform() as platform:
        yield platform


@pytest.fixture
def slow():
    """A platform that takes two seconds for every answer."""
    with a_platform() as platform:
        platform.trouble = lambda _kind, _: time.sleep(2)
        yield platform


@pytest.fixture
def park(tmp_path, platform, slow):
    park = Park(tmp_path / "var", settings=SETTINGS)
    park.gate = park.enrol()
    park.codes = [f"E2E-CODE-{number:03}" for number in range(60)]
    for code in park.codes:
        park.sell(code, voucher_ref=code[-3:])
    connect_platform(park, platform.url)
    park.offer("SLOW", platform="slow")
    park.sell("SLOW-CODE-01", deal_id="SLOW", voucher_ref="S1")
    connect_platform(park, slow.url, platform="slow")
    park.close()
    return park


def feeder_of(server):
    """Return the process that reports, once there is one."""

    def find():
        return [pid for pid in children_of(server.worker()) if _is_feeder(pid) and lives(pid)]

    wait_until(find, 15, "a feeder")
    return find()[0]


def _is_feeder(pid):
    try:
        return b"gate_server.feeder" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def count(platform):
    return sum(platform.people.values())


def deeds(park, state=None):
    """Return the deeds that a person would see now."""
    asked = {"platform": "lvtu", "state": state}
    return control.call(park.directory, "feed redemptions", asked)


def test_scans_are_redeemed_within_seconds_and_people_see_how_it_stands(park, platform, slow):
    with a_running_server(park.directory) as server:
        server.scan(park.gate, "SLOW-CODE-01")
        server.scan(park.gate, park.codes[0])
        wait_until(lambda: count(platform) == 1, 20, "the first redemption")
        late = []
        for number, code in enumerate(park.codes[1:11], 2):
            begun = time.monotonic()
            server.scan(park.gate, code)
            wait_until(lambda: count(platform) == number, 10, "a redemption")  # noqa: B023
            late.append(time.monotonic() - begun)
        platform.refuses["030"] = "refunded"
        platform.trouble = lambda kind, _: "fail" if kind == "redemptions" else None
        answer = server.scan(park.gate, park.codes[30])
        wait_until(lambda: is_late(server), 10, "a word of being late")
        platform.trouble = lambda _kind, _: None
        wait_until(lambda: deeds(park, "poison"), 10, "the poison list")
        metrics = server.http.get("/metrics").text
        status, _ = control.call(park.directory, "feed status", {})
        at = datetime.fromisoformat(answer["decided_at"])
        day = park.settings.venue.day_of(at).isoformat()
        asked = ("feed", "reconcile", "lvtu", "--day", day, "--json")
        (difference,) = json.loads(gate_server(park.directory, *asked, status=1))["differences"]
        key = deeds(park, "poison")[0]["key"]
        del platform.refuses["030"], platform.done[key]
        gate_server(park.directory, "feed", "redemptions", "lvtu", "retry", key)
        wait_until(lambda: not deeds(park), 10, "the retried redemption")
        wait_until(lambda: not is_late(server), 10, "readiness")
        log = server.log

    assert max(late) < 5  # though another platform takes two seconds for each answer
    assert slow.people == {"S1": 1}
    assert 'gatehouse_redemptions_poison{platform="lvtu"} 1.0' in metrics
    assert status["redemptions"]["poison"] == 1
    assert (difference["voucher_ref"], difference["ours"], difference["theirs"]) == ("030", 1, 0)
    assert difference["why"] == "refused: refunded"
    assert (count(platform), platform.people["030"]) == (12, 1)
    assert "E2E-CODE" not in log


def test_feeder_and_server_are_killed_and_every_person_is_told_once(park, platform):
    chance = random.Random(5)
    troubles = ["lose", "cut", "fail_after", "reset", None, None, None]
    platform.trouble = lambda _kind, _: chance.choice(troubles)
    codes = iter(park.codes)
    with a_running_server(park.directory) as server:
        for victim in (feeder_of(server), server.worker()):
            for _ in range(12):
                server.scan(park.gate, next(codes))
                time.sleep(0.03)
            os.kill(victim, signal.SIGKILL)
        server.stop(signal.SIGKILL)
    platform.trouble = lambda _kind, _: None
    with a_running_server(park.directory):
        wait_until(lambda: count(platform) == 24 and not deeds(park), 30, "the end")

    assert set(platform.people.values()) == {1}
    assert len(platform.done) == 24


def is_late(server):
    return "redemptions_late" in server.http.get("/readyz").json()["degraded"]
