"""The frames that the reader is measured on follow from a seed, and their truth is true."""

import cv2
import numpy as np
import pytest

from benchmarks.turnstile_approach import EMPTY, an_approach
from benchmarks.turnstile_frames import Kind, a_shot
from scanner_client.rescue import read_fast

SEED = 7

# What each code says, and the mean of each ninth of the frame in grey levels.
PINNED = {
    (Kind.CRACKED, 0): (("50613720188307571",), [106, 106, 131, 129, 112, 103, 118, 75, 91]),
    (Kind.TWO, 3): (
        ("A0CYMZZD2494RCCA0TGN6Q", "979664558526845188834"),
        [85, 86, 56, 97, 95, 64, 62, 94, 62],
    ),
    (Kind.NONE, 0): ((), [56, 86, 65, 54, 89, 79, 51, 94, 63]),
    (Kind.DARK, 1): (("90E8SKJA7GNK4OYVK",), [12, 17, 19, 22, 20, 14, 14, 18, 20]),
}


def ninths(image):
    """Means and not bytes: OpenCV rounds differently on another kind of processor."""
    return cv2.resize(image.mean(axis=2), (3, 3), interpolation=cv2.INTER_AREA).ravel()


@pytest.mark.parametrize(("kind", "number"), PINNED, ids=str)
def test_seed_gives_the_frames_that_it_gave_when_they_were_written_down(kind, number):
    shot = a_shot(SEED, kind, number)

    texts, means = PINNED[kind, number]
    assert shot.image.shape == (720, 1280, 3)
    assert shot.texts == texts
    assert ninths(shot.image) == pytest.approx(np.array(means), abs=1)


def test_seed_gives_the_same_frame_again_and_another_seed_another_one():
    first, again, other = (a_shot(seed, Kind.CRACKED, 3) for seed in (SEED, SEED, SEED + 1))

    assert np.array_equal(first.image, again.image)
    assert first.texts == again.texts
    assert first.texts != other.texts


def test_clean_frame_says_what_its_truth_says():
    shots = [a_shot(SEED, Kind.CLEAN, number) for number in range(4)]

    found = [[code.text for code in read_fast(shot.image[:, :, 1])] for shot in shots]
    assert found == [list(shot.texts) for shot in shots]


def test_of_two_codes_the_truth_names_the_nearer_one_first():
    shot = a_shot(SEED, Kind.TWO, 0)

    found = read_fast(shot.image[:, :, 1])
    away = {code.text: np.hypot(code.centre[0] - 640, code.centre[1] - 360) for code in found}
    assert tuple(sorted(away, key=away.__getitem__)) == shot.texts


def test_approach_begins_empty_and_ends_with_a_code_that_is_held():
    shots = list(an_approach(SEED, 0, coming=6, held=3))

    assert len(shots) == EMPTY + 6 + 3
    assert [shot.texts for shot in shots[:EMPTY]] == [()] * EMPTY
    held = shots[-3:]
    assert len({shot.texts for shot in held}) == 1
    assert [code.text for code in read_fast(held[-1].image[:, :, 1])] == list(held[-1].texts)
