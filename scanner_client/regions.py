"""Find where in a frame a QR code may be, without reading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Gray: TypeAlias = NDArray[np.uint8]
# x, y, width and height in pixels of the frame.
Region: TypeAlias = tuple[int, int, int, int]

MOST_REGIONS = 3
# Of the frame's width; a smaller region holds no code that could be read.
LEAST_REGION = 0.06


def find_regions(gray: Gray) -> list[Region]:
    """Find where a QR code may be: about as high as wide, and full of edges both ways.

    Returns: at most `MOST_REGIONS` of (x, y, width, height) in pixels, the largest first, with the
    quiet zone; the whole frame where nothing stands out.
    """
    frame_height, frame_width = gray.shape
    scale = min(1.0, 320 / frame_width)
    size = max(1, round(frame_width * scale)), max(1, round(frame_height * scale))
    small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    across = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 1, 0))
    down = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 0, 1))
    # Both: a code has edges in two directions, text and fences mostly in one.
    busy = cv2.min(cv2.blur(across, (9, 9)), cv2.blur(down, (9, 9)))
    _, mask = cv2.threshold(busy, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = [cv2.boundingRect(contour) for contour in contours]
    likely = [box for box in boxes if _may_hold_code(box, small.shape[1])]
    likely.sort(key=lambda box: box[2] * box[3], reverse=True)
    regions = [_grow(box, scale, frame_width, frame_height) for box in likely[:MOST_REGIONS]]
    return regions or [(0, 0, frame_width, frame_height)]


def _may_hold_code(box: Sequence[int], width: int) -> bool:
    return box[2] >= LEAST_REGION * width and 0.4 <= box[2] / box[3] <= 2.5


def _grow(box: Sequence[int], scale: float, frame_width: int, frame_height: int) -> Region:
    """Return a box of the small picture in pixels of the frame, a fifth larger on each side."""
    x, y, width, height = (value / scale for value in box)
    left, top = max(0, int(x - width / 5)), max(0, int(y - height / 5))
    right = min(frame_width, int(x + width * 1.2))
    bottom = min(frame_height, int(y + height * 1.2))
    return left, top, right - left, bottom - top


def around(centre: tuple[float, float], half: float, shape: tuple[int, ...]) -> Region:
    """Return the square of twice `half` about a place, as far as a frame of `shape` has it."""
    left, top = max(0, int(centre[0] - half)), max(0, int(centre[1] - half))
    right, bottom = min(shape[1], int(centre[0] + half)), min(shape[0], int(centre[1] + half))
    return left, top, max(0, right - left), max(0, bottom - top)


def cut(gray: Gray, region: Region) -> Gray:
    """Return a region of a frame, as a view."""
    x, y, width, height = region
    return gray[y : y + height, x : x + width]
