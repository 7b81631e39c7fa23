"""A code off the middle: is there one nearer, that a fast look does not even notice?"""

import numpy as np
import pytest

from scanner_client.choice import PATIENCE
from scanner_client.decode import LiveReader, load_stages, read_all, to_gray
from scanner_client.nearer import find_nearer, look_nearer
from scanner_client.rescue import look
from tests.frames import WIDTH, a_frame

FAR, NEAR = "OTHER-0002", "FIRST-0001"
STAGES = load_stages(lambda _: None)


def two(*, width, blur):
    """Draw a sharp code at the right, and a blurred one that is nearer to the middle."""
    frame = a_frame(FAR, width=200, at=0.8)
    frame[:, : int(WIDTH * 0.62)] = a_frame(NEAR, width=width, blur=blur, at=0.42)[
        :, : int(WIDTH * 0.62)
    ]
    return frame


def seen_fast(frame):
    read, spots = look(to_gray(frame))
    return [reading.text for reading in read], len(spots)


def test_code_is_behind_a_nearer_one_that_shows_a_fast_look_nothing():
    frame = two(width=90, blur=2)
    assert seen_fast(frame) == ([FAR], 0)

    assert [(each.text, each.behind) for each in read_all(frame, STAGES)] == [(FAR, True)]
    reader = LiveReader(STAGES)
    assert [reader.read(frame) for _ in range(PATIENCE)] == [None] * PATIENCE
    assert reader.read(frame).text == FAR


def test_nearer_code_that_the_second_look_reads_is_the_one_that_counts():
    frame = two(width=60, blur=1)
    assert NEAR not in seen_fast(frame)[0]

    assert LiveReader(STAGES).read(frame).text == NEAR


@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_place_of_a_nearer_code_is_found_in_pictures_of_any_size(scale):
    frame = two(width=120, blur=3)
    [reading] = look(to_gray(frame))[0]
    gray = np.kron(to_gray(frame), np.ones((3, 3), np.uint8)) if scale == 3 else to_gray(frame)
    gray = gray[::2, ::2].copy() if scale == 0.5 else gray
    corners = tuple((x * scale, y * scale) for x, y in reading.corners)
    scaled = type(reading)(reading.text, corners, reading.stage)

    [(left, top, width, height)] = find_nearer(gray, scaled)
    assert left < 0.42 * WIDTH * scale < left + width
    assert top < 360 * scale < top + height


@pytest.mark.parametrize("at", [0.5, 0.2, 0.55, 0.93])
def test_one_code_alone_is_taken_wherever_it_is(at):
    frame = a_frame(NEAR, width=150, at=at)
    gray = to_gray(frame)
    [reading] = look(gray)[0]

    assert look_nearer(gray, reading) == ([], [])
    assert LiveReader(STAGES).read(frame).text == NEAR


def test_code_in_the_middle_costs_no_second_look():
    gray = to_gray(two(width=120, blur=3))
    shifted = np.roll(gray, -380, axis=1)
    [reading] = look(shifted)[0]

    assert find_nearer(shifted, reading) == []
