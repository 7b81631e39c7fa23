"""What a lane's screen learns of its surroundings: server, replica, disk, camera, broadcasts."""

import io
import shutil
import threading
from dataclasses import replace

import pytest

from admission.scans import Gate, GateState
from admission.wire_outage import GateLine
from scanner_client.capture import Watch
from scanner_client.scanner import open_scanner
from scanner_client.screen_pictures import Trouble
from scanner_client.screen_watch import NO_PICTURE_S, Lookout, Sight
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.scanner_client.scanners import a_park, feed
from tests.scanner_client.screens import Board, Posted
from tests.scanner_client.test_cli import scanner as run_scanner


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory):
    state = tmp_path_factory.mktemp("enrolled") / "scanner"
    with FakeGate() as gate:
        run_scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state)
    return state


@pytest.fixture
def scanner(enrolled, tmp_path):
    shutil.copytree(enrolled, tmp_path / "scanner")
    with open_scanner(tmp_path / "scanner", io.StringIO(), io.StringIO()) as scanner:
        yield scanner


def away(scanner):
    scanner.contact.connectivity.note_miss(scanner.clock.now(), "refused", hard=True)


def test_lane_without_server_and_replica_is_out_of_order(scanner):
    before = Lookout(scanner).look().trouble
    away(scanner)
    without = Lookout(scanner).look()
    feed(scanner.replica, *a_park("9K3F-22AX"))
    with_replica = Lookout(scanner).look()

    assert (before, without.trouble, with_replica.trouble) == (None, Trouble.NO_REPLICA, None)
    assert "Offline since" in with_replica.offline.en


def test_device_that_was_stopped_is_out_of_order(scanner):
    scanner.contact.connectivity.note_bar(scanner.clock.now(), "suspended")
    around = Lookout(scanner).look()

    assert (around.trouble, around.offline) == (Trouble.BARRED, None)


def test_state_of_its_own_gate_and_of_the_venue_comes_from_the_replica(scanner):
    closed = Gate("G1", "Valley 山谷", "valley", GateState.PAUSED)
    other = Gate("G2", "Other", "park", GateState.EXIT_ONLY)
    lines = [GateLine(revision=1, gate=closed), GateLine(revision=2, gate=other)]
    feed(scanner.replica, *lines, emergency=True)
    around = Lookout(scanner).look()

    assert (around.name, around.gate, around.emergency) == (
        *("Valley 山谷", GateState.PAUSED),
        True,
    )


def test_theme_and_level_follow_the_venues_clock(scanner):
    feed(scanner.replica, *a_park("9K3F-22AX"))
    settings = scanner.settings
    sound = replace(settings.sound, levels=["00:00 0.5"])
    dark = replace(settings.screen, theme=["00:00 dark"])
    night = replace(scanner, settings=replace(settings, sound=sound, screen=dark))
    around = Lookout(night).look()

    assert (around.theme, around.level) == ("dark", 0.5)


def test_high_broadcast_comes_before_the_others(scanner):
    board = Board([Posted("b-1"), Posted("b-2", priority="high"), Posted("b-3")])
    high = Lookout(scanner, bulletin=board).look().broadcast
    board.notices = [Posted("b-1")]
    normal = Lookout(scanner, bulletin=board).look().broadcast
    board.notices = []

    assert (high.broadcast_id, high.high, normal.broadcast_id) == ("b-2", True, "b-1")
    assert Lookout(scanner, bulletin=board).look().broadcast is None


class Stuck:
    """A camera that gives one picture and then hangs."""

    def sightings(self, watch):
        yield None


def test_camera_that_gives_no_picture_is_noticed_whatever_its_driver_says(scanner):
    clock = [100.0]
    sight = Sight(Stuck(), now_s=lambda: clock[0])
    lookout = Lookout(scanner, sights=[sight])
    clock[0] += NO_PICTURE_S + 1
    blind = lookout.look().trouble
    list(sight.sightings(Watch(threading.Event(), print)))
    seeing = lookout.look().trouble

    assert (blind, seeing) == (Trouble.NO_PICTURE, None)
