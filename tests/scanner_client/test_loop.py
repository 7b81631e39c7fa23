"""The lane as a whole, with a real folder, real decoding and a server over HTTP."""

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scanner_client.capture import Folder, Frame
from scanner_client.checkin import Tries
from scanner_client.debounce import Debounce
from scanner_client.decode import LiveReader, load_stages
from scanner_client.loop import Lane
from tests import fakes
from tests.fakes import FakeGate
from tests.frames import a_frame, save
from tests.scanner_client.scanners import a_scanner

STAGES = load_stages(lambda _: None)
TRIES = Tries(timeout_s=1.0, pause_s=0.05)


@contextmanager
def a_lane(gate, source, away_s=3.0):
    shown, reports, stop = [], [], threading.Event()
    with TemporaryDirectory() as made, a_scanner(Path(made), gate.url, timeout_s=1) as kit:
        check_in = kit.check_in(tries=TRIES)
        lane = Lane(
            LiveReader(STAGES),
            Debounce(away_s),
            check_in=check_in.check_in,
            reading=lambda: None,
            present=shown.append,
            report=reports.append,
        )
        thread = threading.Thread(target=lane.run, args=(source, stop))
        thread.start()
        try:
            yield shown, reports, thread
        finally:
            stop.set()
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


def wait_for(condition, seconds=15):
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.01)


def codes(gate):
    return [scan.code for scan in gate.scans()]


def test_pictures_in_a_folder_become_verdicts(gate, tmp_path):
    with a_lane(gate, Folder(tmp_path)) as (shown, reports, _):
        save(tmp_path / "1.png", a_frame("FIRST-0001"))
        wait_for(lambda: len(shown) == 1)
        save(tmp_path / "2.png", a_frame())
        save(tmp_path / "3.jpg", a_frame("OTHER-0002", inverted=True))
        wait_for(lambda: len(shown) == 2)

    assert codes(gate) == ["FIRST-0001", "OTHER-0002"]
    assert all(one.admitted for one in shown)
    assert reports == ["no code in 2.png"]


def test_slow_answer_does_not_keep_the_next_visitor_waiting(gate, tmp_path):
    gate.delay_s["SLOW-00001"] = 0.8
    save(tmp_path / "1.png", a_frame("SLOW-00001"))
    save(tmp_path / "2.png", a_frame("QUICK-0002"))

    with a_lane(gate, Folder(tmp_path)) as (shown, _, _):
        wait_for(lambda: len(shown) == 2)

    assert codes(gate) == ["SLOW-00001", "QUICK-0002"]
    assert [gate.recorded[one.nonce] for one in shown] == [
        gate.recorded[scan.nonce] for scan in reversed(gate.scans())
    ]


def test_no_trouble_of_the_server_ends_the_lane(gate, tmp_path):
    with a_lane(gate, Folder(tmp_path)) as (shown, _, thread):
        save(tmp_path / "1.png", a_frame("FIRST-0001"))
        wait_for(lambda: len(shown) == 1)
        # More of each than one scan is tried.
        gate.troubles += [fakes.portal, fakes.redirected, fakes.gives(500, b"")] * 12
        save(tmp_path / "2.png", a_frame("OTHER-0002"))
        wait_for(lambda: len(shown) == 2)
        gate.troubles.clear()
        save(tmp_path / "3.png", a_frame("THIRD-0003"))
        wait_for(lambda: len(shown) == 3)
        assert thread.is_alive()

    assert [one.offline for one in shown] == [False, True, False]
    assert [one.admitted for one in shown] == [True, False, True]


class Held:
    """A camera before which one code is held, then another, then nothing is moved any more."""

    def __init__(self, *texts, frames_each):
        self.images = [a_frame(text) for text in texts]
        self.frames_each = frames_each

    def frames(self, watch):
        for image in self.images:
            for _ in range(self.frames_each):
                watch.stop.wait(0.01)
                yield Frame(image, time.monotonic(), "camera", live=True)


def test_code_held_before_the_camera_is_one_scan(gate):
    with a_lane(gate, Held("FIRST-0001", "OTHER-0002", frames_each=30)) as (shown, _, thread):
        thread.join(10)
        assert not thread.is_alive()

    assert codes(gate) == ["FIRST-0001", "OTHER-0002"]
    assert len(shown) == 2


def test_scans_under_way_are_answered_before_the_lane_ends(gate):
    gate.delay_s["SLOW-00001"] = 0.5
    with a_lane(gate, Held("SLOW-00001", frames_each=3)) as (shown, _, thread):
        thread.join(10)

    assert len(shown) == 1
    assert shown[0].admitted


class Broken:
    """A source with a defect."""

    def frames(self, watch):
        yield Frame(a_frame(), time.monotonic(), "camera", live=True)
        raise ZeroDivisionError


def test_defect_in_a_source_is_not_taken_for_its_end(gate):
    lane = Lane(
        LiveReader(STAGES),
        Debounce(3),
        check_in=lambda _: None,
        reading=lambda: None,
        present=lambda _: None,
        report=lambda _: None,
    )

    with pytest.raises(ZeroDivisionError):
        lane.run(Broken(), threading.Event())
