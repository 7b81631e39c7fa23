"""What several sources give at once comes to the lane: the newest frame, every picture and text."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from scanner_client.capture import Frame, Typed, Watch
from scanner_client.intake import MOST_TEXTS, Intake

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Gives:
    """A source that gives everything it has at once."""

    def __init__(self, *sightings):
        self.sightings_given = sightings
        self.given = 0

    def sightings(self, watch):
        for sighting in self.sightings_given:
            self.given += 1
            yield sighting


def a_frame(number, *, live=True, origin="camera"):
    return Frame(IMAGE, float(number), origin, live)


def a_text(number, origin="wedge"):
    return Typed(f"CODE-{number}", float(number), origin)


def taken(*sources, first_s=0.0, each_s=0.0):
    """Return what a lane takes that is slow to begin, and slow with each."""
    watch = Watch(threading.Event(), lambda _: None)
    with ThreadPoolExecutor(len(sources)) as pool:
        sightings = []
        for sighting in Intake(watch, lambda _: False).sightings(sources, [], pool):
            if not sightings:
                time.sleep(first_s)
            sightings.append(sighting)
            time.sleep(each_s)
    return sightings


def test_slow_lane_takes_the_newest_frame_of_each_camera():
    cameras = [Gives(*(a_frame(n, origin=name) for n in range(500))) for name in ("left", "right")]

    got = taken(*cameras, first_s=0.3)

    assert len(got) < 100
    last = {frame.origin: frame.seen_s for frame in got}
    assert last == {"left": 499, "right": 499}


def test_no_picture_and_no_text_is_dropped_and_each_source_stays_in_order():
    pictures = Gives(*(a_frame(n, live=False, origin="folder") for n in range(20)))
    wedge = Gives(*(a_text(n) for n in range(2 * MOST_TEXTS)))
    camera = Gives(*(a_frame(n) for n in range(500)))

    got = taken(pictures, wedge, camera, first_s=0.2)

    assert [each.seen_s for each in got if each.origin == "folder"] == [*range(20)]
    assert [each.seen_s for each in got if each.origin == "wedge"] == [*range(2 * MOST_TEXTS)]


def test_what_waits_is_bounded():
    watch = Watch(threading.Event(), lambda _: None)
    wedge = Gives(*(a_text(n) for n in range(10 * MOST_TEXTS)))
    with ThreadPoolExecutor(1) as pool:
        sightings = Intake(watch, lambda _: False).sightings([wedge], [], pool)
        next(sightings)
        time.sleep(0.3)
        given = wedge.given
        watch.stop.set()
        assert [*sightings] == []

    assert given <= MOST_TEXTS + 3


@pytest.mark.parametrize("live", [True, False])
def test_camera_does_not_keep_a_text_waiting(live):
    camera = Gives(*(a_frame(n, live=live) for n in range(30)))
    wedge = Gives(a_text(0))

    got = taken(camera, wedge, each_s=0.01)

    assert [each.origin for each in got].index("wedge") < 10


def test_text_that_is_an_answer_is_no_scan():
    watch = Watch(threading.Event(), lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        intake = Intake(watch, lambda typed: typed.text == "CODE-1")
        got = [*intake.sightings([Gives(a_text(0), a_text(1), a_text(2))], [], pool)]

    assert [typed.text for typed in got] == ["CODE-0", "CODE-2"]
