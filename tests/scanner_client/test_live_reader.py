"""What a live reader makes of a stream of frames, not of one."""

import time

import numpy as np
import pytest

from scanner_client.choice import FLICKER, PATIENCE
from scanner_client.debounce import Debounce
from scanner_client.decode import TRACKED, LiveReader, load_stages, read_all
from tests.frames import HEIGHT, WIDTH, a_frame, smeared

CODE = "9K3F-22AX-8K2F"
LEFT, RIGHT = "LEFT-00001", "RIGHT-0001"
STAGES = load_stages(lambda _: None)


def texts(reader, frames):
    return [None if reading is None else reading.text for reading in map(reader.read, frames)]


def shifted(frame, right, down=0):
    return np.roll(frame, (down, right), axis=(0, 1))


def trembling(frame, count, seed=1):
    random = np.random.default_rng(seed)
    for right, down in random.integers(-4, 5, (count, 2)):
        noise = random.integers(-6, 7, frame.shape, dtype=np.int16)
        yield np.clip(shifted(frame, right, down) + noise, 0, 255).astype(np.uint8)


def test_held_code_is_read_in_each_frame_and_is_one_scan():
    reader, debounce = LiveReader(STAGES), Debounce(away_s=3)
    frames = list(trembling(a_frame(CODE), 20))

    assert texts(reader, frames) == [CODE] * 20
    scans = [debounce.is_new(CODE, number / 25, reader.in_sight) for number in range(20)]
    assert sum(scans) == 1


def test_place_of_a_tracked_code_follows_its_hand():
    reader, frame = LiveReader(STAGES), a_frame(CODE, width=200)

    for step in range(2 * TRACKED):
        reading = reader.read(shifted(frame, 12 * step))
        assert reading is not None
        assert reading.centre == pytest.approx((640 + 12 * step, 360), abs=6)


def test_tracked_code_takes_a_fraction_of_a_whole_frame():
    frame = a_frame(CODE, width=120)
    reader, whole_s, near_s = LiveReader(()), [], []
    for _ in range(6):
        for times in (whole_s, *[near_s] * TRACKED):
            began = time.perf_counter()
            reader.read(frame)
            times.append(time.perf_counter() - began)

    assert min(near_s) < min(whole_s) / 2


def test_two_codes_side_by_side_never_take_turns():
    reader = LiveReader(STAGES)
    frame = shifted(a_frame(LEFT, RIGHT, width=220), 20)

    assert texts(reader, trembling(frame, 25)) == [LEFT] * 25
    assert set(reader.in_sight) == {LEFT, RIGHT}


def test_code_that_comes_clearly_nearer_is_read_instead():
    reader = LiveReader(STAGES)
    both = a_frame(LEFT, RIGHT, width=220)
    assert texts(reader, [shifted(both, 150)]) == [LEFT]

    seen = texts(reader, [shifted(both, -250)] * (2 * TRACKED))
    assert RIGHT in seen
    assert seen[seen.index(RIGHT) :] == [RIGHT] * (len(seen) - seen.index(RIGHT))


def test_new_code_on_the_same_screen_is_read_at_once():
    reader = LiveReader(STAGES)

    assert texts(reader, [a_frame(LEFT), a_frame(RIGHT)]) == [LEFT, RIGHT]


def test_next_visitors_code_elsewhere_is_read_when_the_first_has_left():
    reader = LiveReader(STAGES)
    reader.read(a_frame(LEFT, at=0.25))

    seen = texts(reader, [a_frame()] * 2 + [a_frame(RIGHT, at=0.75)] * (FLICKER + 1))
    assert seen[:2] == [None, None]
    assert seen[-1] == RIGHT


def test_code_that_a_stage_rescued_stays_read():
    reader = LiveReader(STAGES)
    frames = list(trembling(a_frame(CODE, inverted=True), 2 * len(STAGES)))

    seen = texts(reader, frames)
    first = seen.index(CODE)
    assert seen[first:] == [CODE] * (len(seen) - first)


@pytest.mark.parametrize("size", [60, 90])
def test_small_code_that_comes_into_a_still_scene_is_looked_at_by_the_stages(size):
    reader = LiveReader(STAGES)
    texts(reader, [a_frame()] * (len(STAGES) + 2))

    seen = texts(reader, [a_frame(CODE, width=size, inverted=True)] * len(STAGES))
    assert CODE in seen


def test_slow_change_of_the_scene_lets_the_stages_look_again():
    looked: list[int] = []
    reader = LiveReader([lambda gray, _: looked.append(int(gray.mean())) or []])
    bright = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)

    for level in range(40):
        assert reader.read(bright + np.uint8(level)) is None
    assert len(looked) == 4


def test_code_behind_a_nearer_one_that_cannot_be_read_is_not_taken():
    frame = shifted(smeared(a_frame(LEFT, RIGHT, width=260), 0.25), 200)
    found = read_all(frame, STAGES)
    assert [(reading.text, reading.behind) for reading in found] == [(RIGHT, True)]

    reader = LiveReader(STAGES)
    assert texts(reader, [frame] * PATIENCE) == [None] * PATIENCE
    assert texts(reader, [frame]) == [RIGHT]
