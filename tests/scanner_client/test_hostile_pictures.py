"""Pictures and codes that somebody made to break a reader, or that are none at all."""

import cv2
import numpy as np
import pytest
import zxingcpp

from scanner_client.decode import LiveReader, load_stages, read_all
from scanner_client.rescue import may_be_code, read_fast
from tests.frames import a_code, a_frame

STAGES = load_stages(lambda _: None)
SHAPES = [
    (0, 0, 3),
    (0, 5, 3),
    (1, 1, 3),
    (1, 1),
    (1, 1280, 3),
    (720, 1, 3),
    (2, 2, 4),
    (7, 9, 1),
    (30, 4000, 3),
    (17, 30_000),
    (720, 1280),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("level", [0, 255])
def test_picture_of_any_shape_gives_nothing_and_raises_nothing(shape, level):
    image = np.full(shape, level, np.uint8)
    reader = LiveReader(STAGES)

    assert read_all(image, STAGES) == []
    assert [reader.read(image) for _ in range(len(STAGES) + 1)] == [None] * (len(STAGES) + 1)


@pytest.mark.parametrize("how", [cv2.COLOR_BGR2GRAY, cv2.COLOR_BGR2BGRA])
def test_code_in_grey_or_with_a_fourth_channel_is_read(how):
    image = cv2.cvtColor(a_frame("9K3F-22AX-8K2F"), how)
    reader = LiveReader(STAGES)

    assert [reading.text for reading in read_all(image, STAGES)] == ["9K3F-22AX-8K2F"]
    for _ in range(3):
        assert reader.read(image).text == "9K3F-22AX-8K2F"


def test_frames_that_change_their_size_are_read_on():
    reader, frame = LiveReader(STAGES), a_frame("9K3F-22AX-8K2F", at=0.7)
    assert reader.read(frame) is not None

    for image in (frame[:300, :300], frame[:1, :1], frame[300:, 700:], frame):
        reader.read(image)
    assert reader.read(frame).text == "9K3F-22AX-8K2F"


def test_code_in_a_huge_picture_is_read_at_its_place():
    image = np.full((4200, 6000, 3), 128, np.uint8)
    image[3000:3600, 4000:4600] = 255 - a_code("9K3F-22AX-8K2F", width=600)[:, :, None]

    [reading] = read_all(image, STAGES)
    assert reading.text == "9K3F-22AX-8K2F"
    assert reading.centre == pytest.approx((4300, 3300), abs=20)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("AB\x00CD-123456", {}),
        ("票号-20150212-0001", {"eci": "UTF-8"}),
        ("Ünï-2015-0212", {"eci": "ISO-8859-1"}),
        ("\x1b[2J\x07;rm -rf", {}),
    ],
    ids=["NUL", "ECI UTF-8", "ECI Latin", "escape"],
)
def test_strange_text_comes_as_it_is(content, options):
    image = drawn(content, **options)

    assert [reading.text for reading in read_all(image, STAGES)] == [content]
    assert LiveReader(STAGES).read(image).text == content


def test_bytes_that_are_no_text_give_some_text_and_raise_nothing():
    image = drawn(bytes(range(200, 240)) + b"\x00\x01")

    [reading] = read_all(image, STAGES)
    assert len(reading.text) == 42


def drawn(content, **options):
    code = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, **options)
    gray = np.pad(np.array(code.to_image(scale=5)), 40, constant_values=255)
    return np.repeat(gray[:, :, None], 3, axis=2)


def test_only_ascii_is_taken_from_zbar_which_guesses_at_encodings():
    if len(STAGES) < 9:
        pytest.skip("libzbar0 is not installed")
    zbars = STAGES[-2:]

    for content, found in (("票号-20150212-0001", []), ("9K3F-22AX-8K2F", ["9K3F-22AX-8K2F"])):
        gray = drawn(content, eci="UTF-8")[:, :, 0] if found == [] else drawn(content)[:, :, 0]
        for stage in zbars:
            assert [reading.text for reading in stage(np.ascontiguousarray(gray), ())] == found


def test_ten_thousand_frames_of_noise_hold_no_code():
    random = np.random.default_rng(5)
    reader = LiveReader(STAGES)
    for number in range(10_000):
        noise = random.integers(0, 256, (32, 32), dtype=np.uint8)
        # Every other one in black and white blocks, as modules are.
        blocks = np.where(noise > 127, np.uint8(255), np.uint8(0)).repeat(2, 0).repeat(2, 1)
        frame = blocks if number % 2 else noise
        assert read_fast(frame) == []
        # The stages enlarge what they look at, so they get a share of them.
        assert number % 99 or reader.read(frame) is None


@pytest.mark.parametrize(
    "corners",
    [
        ((0, 0), (0, 0), (0, 0), (0, 0)),
        ((0, 0), (100, 0), (100, 5), (0, 5)),
        ((0, 0), (100, 100), (100, 0), (0, 100)),
        ((0, 0), (300, 0), (300, 40), (0, 40)),
        ((0, 0), (100, 0), (20, 20), (0, 100)),
    ],
    ids=["a point", "flat", "crossed", "a sliver", "dented"],
)
def test_no_code_has_such_corners(corners):
    assert not may_be_code(corners)
