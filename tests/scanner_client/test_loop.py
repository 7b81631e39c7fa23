"""The lane as a whole, with a real folder, real decoding and a server over HTTP."""

import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from admission.verdicts import Outcome
from admission.wire import Text
from scanner_client.capture import Frame, Typed
from scanner_client.capture_files import Folder
from scanner_client.checkin import Shown, Tries
from scanner_client.debounce import Debounce
from scanner_client.decode import load_stages
from scanner_client.loop import Lane
from tests import fakes
from tests.fakes import FakeGate
from tests.frames import a_frame, save, smeared
from tests.scanner_client.scanners import a_scanner
from tests.scanner_client.watching import wait_for

STAGES = load_stages(lambda _: None)
TRIES = Tries(timeout_s=1.0, pause_s=0.05)


def a_lane_of(check_in, shown, reports, away_s=3.0):
    return Lane(
        STAGES,
        Debounce(away_s),
        check_in=check_in,
        reading=lambda: None,
        present=shown.append,
        report=reports.append,
        answers=lambda _: False,
    )


@contextmanager
def a_run(gate, sources, **options):
    shown, reports, stop = [], [], threading.Event()
    with TemporaryDirectory() as made, a_scanner(Path(made), gate.url, timeout_s=1) as kit:
        lane = a_lane_of(kit.check_in(tries=TRIES).check_in, shown, reports)
        thread = threading.Thread(target=lane.run, args=(sources, stop), kwargs=options)
        thread.start()
        try:
            yield shown, reports, thread
        finally:
            stop.set()
            thread.join(5)
            assert not thread.is_alive()


def a_lane(gate, *sources):
    return a_run(gate, sources)


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


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


def test_picture_whose_code_is_behind_an_unread_one_is_told(gate, tmp_path):
    behind = smeared(a_frame("FIRST-0001", "OTHER-0002", width=260), 0.25)

    with a_lane(gate, Folder(tmp_path)) as (shown, reports, _):
        save(tmp_path / "1.png", np.roll(behind, 200, axis=1))
        save(tmp_path / "2.png", a_frame("THIRD-0003"))
        wait_for(lambda: len(shown) == 1)

    assert codes(gate) == ["THIRD-0003"]
    assert reports == ["no code taken in 1.png: a nearer one cannot be read"]


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

    def sightings(self, watch):
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


class Types:
    """A reader that types texts, each after a pause."""

    def __init__(self, *texts, pause_s=0.0, first_s=0.0):
        self.texts = texts
        self.pause_s = pause_s
        self.first_s = first_s

    def sightings(self, watch):
        watch.stop.wait(self.first_s)
        for text in self.texts:
            yield Typed(text, time.monotonic(), "wedge")
            watch.stop.wait(self.pause_s)


class Silent:
    """A reader that nobody uses."""

    def sightings(self, watch):
        watch.stop.wait(60)
        yield from ()


def test_two_readers_feed_one_lane(gate):
    first = [f"FIRST-{number:04}" for number in range(30)]
    other = [f"OTHER-{number:04}" for number in range(30)]
    with a_lane(gate, Types(*first), Types(*other)) as (shown, _, thread):
        thread.join(20)
        assert not thread.is_alive()

    assert sorted(codes(gate)) == sorted(first + other)
    assert len(shown) == 60


def test_code_that_two_readers_see_is_one_scan(gate):
    wedge = Types("]Q1FIRST-0001", "\\000026FIRST-0001\x00", " FIRST-0001 ", pause_s=0.1)
    with a_lane(gate, Held("FIRST-0001", frames_each=40), wedge) as (shown, _, thread):
        thread.join(10)

    assert len(gate.scans()) == 1
    assert len(shown) == 1


def test_what_is_no_code_goes_to_the_engine_as_it_came(gate):
    with a_lane(gate, Types("1 2", "\ufffd\x07")) as (shown, reports, thread):
        thread.join(10)

    assert sorted(codes(gate)) == ["1 2", "\ufffd\x07"]
    assert (len(shown), reports) == (2, [])


def test_reader_that_is_aside_does_not_keep_the_lane_open(gate):
    with a_run(gate, [Types("FIRST-0001")], aside=[Silent()]) as (shown, _, thread):
        thread.join(10)
        assert not thread.is_alive()

    assert len(shown) == 1


def test_answer_is_taken_while_every_scan_waits_for_one(gate):
    asked = threading.Event()

    def answers(typed):
        asked.set()
        return typed.text == "2"

    class Waits:
        def check_in(self, code):
            assert asked.wait(20), "nobody took the answer"
            return Shown("n", Outcome.WAIT, Text(zh="", en=""))

    crowd = Types(*(f"FIRST-{number:04}" for number in range(40)))
    shown = []
    lane = Lane(
        STAGES,
        Debounce(3),
        check_in=Waits().check_in,
        reading=lambda: None,
        present=shown.append,
        report=lambda _: None,
        answers=answers,
    )
    began_s = time.monotonic()
    lane.run([crowd, Types("2", first_s=0.3)], threading.Event())

    assert len(shown) == 40
    assert time.monotonic() - began_s < 10


class Broken:
    """A source with a defect."""

    def sightings(self, watch):
        yield Frame(a_frame(), time.monotonic(), "camera", live=True)
        raise ZeroDivisionError


def test_defect_in_a_source_is_not_taken_for_its_end(gate):
    with pytest.raises(ZeroDivisionError):
        a_lane_of(None, [], []).run([Broken()], threading.Event())


def test_source_that_fails_is_told_and_the_others_go_on(gate):
    shown, reports = [], []
    with TemporaryDirectory() as made, a_scanner(Path(made), gate.url, timeout_s=1) as kit:
        lane = a_lane_of(kit.check_in(tries=TRIES).check_in, shown, reports)
        later = Types("FIRST-0001", first_s=0.4)
        with pytest.raises(ZeroDivisionError):
            lane.run([Broken(), later], threading.Event())

    assert len(shown) == 1
    assert [line for line in reports if "failed" in line] == [
        "reader 1 failed 读码器故障: ZeroDivisionError"
    ]
