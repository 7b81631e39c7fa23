"""What is read from frames, and with how much effort."""

import csv
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scanner_client.decode import LiveReader, load_stages, read_all
from scanner_client.pictures import read_picture
from scanner_client.regions import find_regions
from scanner_client.rescue import ZXING_STAGES, Reading
from tests.frames import a_code, a_frame

PHOTOS = Path(__file__).parents[3] / "shared" / "qr_photos"
STAGES = load_stages(lambda _: None)


def texts(image):
    return [reading.text for reading in read_all(image, STAGES)]


def test_photos_are_read_and_empty_ones_are_not():
    if not PHOTOS.exists():
        pytest.skip("the photos are not beside this checkout (../shared/qr_photos)")
    with (PHOTOS / "manifest.csv").open(encoding="utf-8") as file:
        expected = {row["file"]: lines(row["expected_text"]) for row in csv.DictReader(file)}
    found = {
        name: [lines(text) for text in texts(read_picture(PHOTOS / name))] for name in expected
    }

    coded = [name for name, text in expected.items() if text]
    assert len(coded) == 106
    assert sum(expected[name] in found[name] for name in coded) >= 102
    assert [name for name in expected if found[name] and name not in coded] == []


def lines(text):
    return "\n".join(text.splitlines()).strip()


@pytest.mark.parametrize(
    "trouble",
    [
        {},
        {"angle": 30},
        {"angle": 180},
        {"inverted": True},
        {"contrast": 0.15},
        {"blur": 3},
        {"width": 90},
        {"noise": 40},
    ],
    ids=str,
)
def test_codes_on_phones_are_read_in_spite_of(trouble):
    assert texts(a_frame("9K3F-22AX-8K2F", **trouble)) == ["9K3F-22AX-8K2F"]


def test_frame_without_code_gives_nothing():
    assert texts(a_frame()) == []


def test_picture_gives_every_code_once():
    assert sorted(texts(a_frame("FIRST-0001", "OTHER-0002", "FIRST-0001"))) == [
        "FIRST-0001",
        "OTHER-0002",
    ]


@pytest.mark.parametrize(
    ("code", "place"), [("LEFT-00001", 0), ("MIDDLE-001", 1), ("RIGHT-0001", 2)]
)
def test_live_frame_gives_the_code_nearest_to_the_centre(code, place):
    frame = a_frame("LEFT-00001", "MIDDLE-001", "RIGHT-0001", width=220)
    shifted = np.roll(frame, (1 - place) * 420, axis=1)

    reading = LiveReader(STAGES).read(shifted)

    assert reading is not None
    assert reading.text == code


@pytest.mark.parametrize("text", ["\x1d0109501101530003", "票号-20150212-0001", "a\\000026b<GS>"])
def test_text_comes_as_it_is_in_the_code(text):
    gray = a_code(text)

    assert texts(np.repeat(gray[:, :, None], 3, axis=2)) == [text]


def test_corners_are_in_pixels_of_the_frame():
    [reading] = read_all(a_frame("9K3F-22AX-8K2F", inverted=True, at=0.25), STAGES)

    assert np.hypot(reading.centre[0] - 320, reading.centre[1] - 360) < 10


def test_each_miss_tries_the_next_stage_and_a_still_scene_none():
    tried = []
    reader = LiveReader([stage(name, tried) for name in "abc"])
    still = a_frame()

    for _ in range(6):
        assert reader.read(still) is None
    assert tried == ["a", "b", "c"]

    reader.read(255 - still)
    reader.read(255 - still)
    assert tried == ["a", "b", "c", "a", "b"]


def test_what_the_fast_reading_misses_is_read_within_one_rotation():
    reader = LiveReader(STAGES)
    frame = a_frame("9K3F-22AX-8K2F", inverted=True)

    found = [reader.read(frame) for _ in STAGES]

    assert any(reading is not None and reading.text == "9K3F-22AX-8K2F" for reading in found)


def stage(name, tried):
    def note(_, __) -> list[Reading]:
        tried.append(name)
        return []

    return note


def test_zbar_reads_what_only_it_is_shown():
    if len(STAGES) == len(ZXING_STAGES):
        pytest.skip("libzbar0 is not installed")
    zbar = STAGES[len(ZXING_STAGES)]
    frame = a_frame("9K3F-22AX-8K2F", at=0.7)

    [reading] = zbar(frame[:, :, 0], ())

    assert reading.text == "9K3F-22AX-8K2F"
    assert np.hypot(reading.centre[0] - 896, reading.centre[1] - 360) < 20


def test_regions_hold_the_code():
    frame = a_frame("9K3F-22AX-8K2F", at=0.3)

    x, y, width, height = find_regions(frame[:, :, 0])[0]

    assert x <= 384 - 130
    assert y <= 360 - 130
    assert x + width >= 384 + 130
    assert y + height >= 360 + 130


def test_machine_without_zbar_reads_on_and_says_so_once(tmp_path):
    (tmp_path / "pyzbar").mkdir()
    (tmp_path / "pyzbar" / "__init__.py").touch()
    # As pyzbar itself does where the shared library is missing.
    (tmp_path / "pyzbar" / "pyzbar.py").write_text("raise ImportError('no zbar shared library')")
    real = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("pyzbar")}
    sys.path.insert(0, str(tmp_path))
    said: list[str] = []
    try:
        stages = load_stages(said.append)
    finally:
        sys.path.remove(str(tmp_path))
        for name in [name for name in sys.modules if name.startswith("pyzbar")]:
            del sys.modules[name]
        sys.modules.update(real)

    assert stages == ZXING_STAGES
    assert len(said) == 1
    assert "libzbar0" in said[0]


def test_live_frame_takes_a_fraction_of_a_frame_time():
    reader = LiveReader(STAGES)
    frame = a_frame("9K3F-22AX-8K2F")
    reader.read(frame)
    began = time.perf_counter()
    for _ in range(20):
        reader.read(frame)

    assert (time.perf_counter() - began) / 20 < 0.1
