"""Stages that read QR codes which the fast reading of a frame misses, the quick ones first.

What each is for, and what it reads, is measured in `benchmarks/README.md`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TypeAlias

import cv2
import numpy as np
import zxingcpp

from scanner_client.regions import Gray, Region, around, cut, find_regions

Corners: TypeAlias = tuple[tuple[float, float], ...]

MOST_SPOTS = 3
# A crop is brought near this width: pyzbar's cost grows with it, its yield hardly.
ZBAR_WIDTH = 480
MOST_UPSCALED = 1280
BLOCK = np.ones((3, 3), np.uint8)
# In pixels; a version 1 code of one pixel a module is 21 wide.
LEAST_SIDE = 16.0
MOST_SKEWED = 5.0
# A crop reaches so many widths of a spot from its centre.
SPOT_REACH = 1.3
# What is around a pixel counts as so bright at least, so that black noise is not blown up.
FLOOR = 8
LOCAL = zxingcpp.Binarizer.LocalAverage
GLOBAL = zxingcpp.Binarizer.GlobalHistogram


@dataclass(frozen=True, slots=True)
class Reading:
    """One QR code that was read.

    Attributes:
        corners: of the code, x and y in pixels of the frame.
        stage: what read it.
        behind: nearer to the middle of the frame there is another code, which could not be read.
    """

    text: str
    corners: Corners
    stage: str
    behind: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the code, in pixels of the frame."""
        return middle(self.corners)

    @property
    def size(self) -> float:
        """The mean side of the code, in pixels of the frame."""
        return sum(sides(self.corners)) / len(self.corners)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that looks like a QR code and could not be read.

    Attributes:
        centre: x and y in pixels of the frame.
        size: its mean side, in pixels of the frame.
    """

    centre: tuple[float, float]
    size: float

    def scaled(self, scale: float) -> Spot:
        """Return the spot in a frame that was made larger or smaller."""
        return Spot((self.centre[0] * scale, self.centre[1] * scale), self.size * scale)

    def moved(self, scale: float, region: Region) -> Spot:
        """Return the spot of a crop that was made larger, in pixels of the frame."""
        x, y = self.centre
        return Spot((region[0] + x / scale, region[1] + y / scale), self.size / scale)


Stage: TypeAlias = Callable[[Gray, Sequence[Spot]], list[Reading]]


def middle(corners: Corners) -> tuple[float, float]:
    """Return the mean of some corners."""
    count = len(corners)
    return sum(x for x, _ in corners) / count, sum(y for _, y in corners) / count


def sides(corners: Corners) -> list[float]:
    """Return the lengths of the sides between corners that go round."""
    return [math.dist(a, b) for a, b in zip(corners, (*corners[1:], corners[0]), strict=True)]


def may_be_code(corners: Corners) -> bool:
    """Tell whether a code may have these corners: convex, large enough, not a sliver."""
    lengths = sides(corners)
    if min(lengths) < LEAST_SIDE or max(lengths) > MOST_SKEWED * min(lengths):
        return False
    turns = [_turn(corners[i - 2], corners[i - 1], corners[i]) for i in range(len(corners))]
    return all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])


def look(gray: Gray) -> tuple[list[Reading], list[Spot]]:
    """Read what a clean frame holds, and note what looks like a code and cannot be read.

    The fast reading of all frames: 84 % of real photos in a tenth of the time of the rest. That the
    spots come with it costs nothing that can be measured.
    """
    read, spots = [], []
    for code in _zxing(gray, thorough=False, binarizer=LOCAL, failed=True):
        corners = _corners(code)
        if not may_be_code(corners):
            continue
        if code.valid and code.text:
            read.append(Reading(code.text, corners, "fast"))
        elif not code.valid:
            spots.append(Spot(middle(corners), sum(sides(corners)) / 4))
    return read, _apart(spots, read, gray.shape)


def _apart(spots: Sequence[Spot], read: Sequence[Reading], shape: tuple[int, ...]) -> list[Spot]:
    """Return spots of different places, the nearest to the middle of the frame first."""
    if not spots:
        return []
    taken = [(reading.centre, reading.size) for reading in read]
    apart: list[Spot] = []
    # Of what was taken for a code in one place, the largest is the code.
    for spot in sorted(spots, key=lambda spot: -spot.size):
        if all(math.dist(spot.centre, at) > 0.6 * max(spot.size, size) for at, size in taken):
            taken.append((spot.centre, spot.size))
            apart.append(spot)
    centre = (shape[1] / 2, shape[0] / 2)
    return sorted(apart, key=lambda spot: math.dist(spot.centre, centre))[:MOST_SPOTS]


def read_fast(gray: Gray) -> list[Reading]:
    """Read what a clean frame holds."""
    return look(gray)[0]


def read_halved(gray: Gray, _: Sequence[Spot] = ()) -> list[Reading]:
    """Read light codes on dark, and sharp detail that is only noise (moire of a screen)."""
    if min(gray.shape) < 2:
        return []
    half = _u8(cv2.resize(gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    found = read_zxing(_u8(cv2.bitwise_not(half)), "halved")
    return [moved(reading, scale=0.5) for reading in found]


def read_global(gray: Gray, _: Sequence[Spot] = ()) -> list[Reading]:
    """Read low contrast and thin lines, where a local threshold follows the noise."""
    return read_zxing(gray, "global", thorough=False, binarizer=GLOBAL)


def read_inverted(gray: Gray, _: Sequence[Spot] = ()) -> list[Reading]:
    """Read light codes on dark that are too small to be halved."""
    return read_zxing(_u8(cv2.bitwise_not(gray)), "inverted", thorough=False)


def read_smoothed(gray: Gray, _: Sequence[Spot] = ()) -> list[Reading]:
    """Read what the noise of a dark frame hides."""
    return read_zxing(_u8(cv2.medianBlur(gray, 3)), "smoothed", thorough=False)


def read_mended(gray: Gray, _: Sequence[Spot] = ()) -> list[Reading]:
    """Read through thin bright lines, then through thin dark ones: cracks, a screen's grid."""
    found = read_zxing(_opened(gray), "mended", thorough=False)
    return found or read_zxing(_closed(gray), "mended", thorough=False)


def read_upscaled(gray: Gray, spots: Sequence[Spot] = ()) -> list[Reading]:
    """Read small codes, less than two pixels a module, where something looks like one."""
    return _read_closer(gray, spots, "upscaled", lambda crop: crop, LOCAL)


def read_flattened(gray: Gray, spots: Sequence[Spot] = ()) -> list[Reading]:
    """Read under shadow and glare: each pixel beside the mean of what is around it."""
    return _read_closer(gray, spots, "flattened", _flat, GLOBAL)


def read_sharpened(gray: Gray, spots: Sequence[Spot] = ()) -> list[Reading]:
    """Read codes out of focus, by unsharp masking, where something looks like one."""
    return _read_closer(gray, spots, "sharpened", sharp, LOCAL)


def _read_closer(
    gray: Gray,
    spots: Sequence[Spot],
    stage: str,
    prepare: Callable[[Gray], Gray],
    binarizer: zxingcpp.Binarizer,
) -> list[Reading]:
    for region in regions(gray, spots):
        scale = max(1.0, min(2.0, MOST_UPSCALED / region[2]))
        crop = enlarged(prepare(cut(gray, region)), scale)
        found = read_zxing(crop, stage, thorough=False, binarizer=binarizer)
        if found:
            return [moved(reading, scale, region) for reading in found]
    return []


def _flat(crop: Gray) -> Gray:
    reach = min(crop.shape) // 4 | 1
    local = np.maximum(cv2.blur(crop, (reach, reach)), FLOOR)
    return _u8(cv2.divide(crop, _u8(local), scale=128))


def sharp(crop: Gray) -> Gray:
    """Return a picture with its edges made stronger, by unsharp masking."""
    soft = cv2.blur(cv2.blur(crop, (5, 5)), (5, 5))
    return _u8(cv2.addWeighted(crop, 2.5, soft, -1.5, 0))


def regions(gray: Gray, spots: Sequence[Spot]) -> list[Region]:
    """Return where to look closer: about each spot, then what looks like a code from afar."""
    near = [around(spot.centre, SPOT_REACH * spot.size, gray.shape) for spot in spots]
    return [region for region in (*near, *find_regions(gray)) if min(region[2:]) >= LEAST_SIDE]


def read_zxing(
    gray: Gray, stage: str, *, thorough: bool = True, binarizer: zxingcpp.Binarizer = LOCAL
) -> list[Reading]:
    """Read with zxing-cpp.

    Args:
        thorough: also rotated, downscaled and inverted.
    """
    codes = _zxing(gray, thorough=thorough, binarizer=binarizer, failed=False)
    found = [Reading(code.text, _corners(code), stage) for code in codes if code.text]
    return [reading for reading in found if may_be_code(reading.corners)]


def _zxing(
    gray: Gray, *, thorough: bool, binarizer: zxingcpp.Binarizer, failed: bool
) -> list[zxingcpp.Barcode]:
    if gray.size == 0:
        return []
    # Plain: the content as it is; the default writes control characters and GS1 as markup.
    return zxingcpp.read_barcodes(
        gray,
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        try_rotate=thorough,
        try_downscale=thorough,
        try_invert=thorough,
        text_mode=zxingcpp.TextMode.Plain,
        binarizer=binarizer,
        return_errors=failed,
    )


def _corners(code: zxingcpp.Barcode) -> Corners:
    at = code.position
    points = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
    return tuple((float(point.x), float(point.y)) for point in points)


def moved(reading: Reading, scale: float, region: Region = (0, 0, 0, 0)) -> Reading:
    """Return a reading of a crop, or of a scaled frame, in pixels of the frame.

    Args:
        scale: how much larger the picture that was read is than the frame.
    """
    x, y, _, _ = region
    corners = tuple((x + a / scale, y + b / scale) for a, b in reading.corners)
    return replace(reading, corners=corners)


def zbar_stages(pyzbar: ModuleType) -> tuple[Stage, Stage]:
    """Return the stages that read cracked screens: pyzbar on crops, as they are and mended."""

    def read_zbar(gray: Gray, spots: Sequence[Spot] = ()) -> list[Reading]:
        return _read_crops(pyzbar, gray, spots, (lambda crop: crop,))

    def read_zbar_mended(gray: Gray, spots: Sequence[Spot] = ()) -> list[Reading]:
        return _read_crops(pyzbar, gray, spots, (_opened, _closed))

    return read_zbar, read_zbar_mended


def _read_crops(
    pyzbar: ModuleType,
    gray: Gray,
    spots: Sequence[Spot],
    ways: Sequence[Callable[[Gray], Gray]],
) -> list[Reading]:
    for region, prepare in itertools.product(regions(gray, spots), ways):
        scale = ZBAR_WIDTH / region[2]
        crop = enlarged(prepare(cut(gray, region)), scale)
        codes = pyzbar.decode(crop, symbols=[pyzbar.ZBarSymbol.QRCODE])
        found = [_zbar_reading(code) for code in codes if _is_certain(code.data)]
        if found:
            return [moved(reading, scale, region) for reading in found]
    return []


def _opened(gray: Gray) -> Gray:
    return _u8(cv2.morphologyEx(gray, cv2.MORPH_OPEN, BLOCK))


def _closed(gray: Gray) -> Gray:
    return _u8(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, BLOCK))


def _is_certain(data: bytes) -> bool:
    """Tell whether zbar's text is the code's: it guesses at encodings, and ASCII is one in all."""
    return data.isascii() and data.decode("ascii").isprintable() and data != b""


def _zbar_reading(code: object) -> Reading:
    data: bytes = code.data  # type: ignore[attr-defined]
    box = code.rect  # type: ignore[attr-defined]
    points = [(point.x, point.y) for point in code.polygon]  # type: ignore[attr-defined]
    if len(points) != 4:
        right, bottom = box.left + box.width, box.top + box.height
        points = [(box.left, box.top), (right, box.top), (right, bottom), (box.left, bottom)]
    return Reading(data.decode("ascii"), tuple((float(x), float(y)) for x, y in points), "zbar")


def enlarged(gray: Gray, scale: float) -> Gray:
    """Return a picture made larger, or smaller."""
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    height, width = gray.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return _u8(cv2.resize(gray, size, interpolation=how))


def _u8(image: object) -> Gray:
    return np.asarray(image, dtype=np.uint8)


ZXING_STAGES: tuple[Stage, ...] = (
    read_halved,
    read_upscaled,
    read_flattened,
    read_global,
    read_smoothed,
    read_mended,
    read_inverted,
    read_sharpened,
)
