"""Look for a code nearer to the middle of a frame than the one that was read, before that counts.

A code that is small, blurred or dim may show a fast look nothing at all, not even a place. But it
is as full of edges, both ways, as the code that was read: what is, is enlarged and looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from scanner_client.regions import Gray, Region, around, cut
from scanner_client.rescue import Reading, Spot, enlarged, look, moved, sharp

# So many samples wide the code that was read is made, and the frame by as much, up to so many.
SAMPLES = 12
MOST_SAMPLES = 160
# In samples. Edges are counted in blocks, and in windows of three by three blocks.
BLOCK = 2
# Of all these, so many times as many: a coarse look, in which two of three frames have no such
# place, then a fine one.
GRAINS = (1, 2)
# Of the mean edge in the code that was read: a stronger one counts no more, or the edge of a
# telephone would count as much as a code's many.
STRONG = 0.7
# Of the edges of the code that was read. Of the tuning seed each of 175 nearer codes, read,
# and of 15 that were not read, is such a place; of six frames with one code five have none.
AS_BUSY = 0.62
# Of its side: about the code itself, its quiet zone and another's there is no room for another.
OWN = 1.8
# Of the busiest window in a place: what belongs to it.
ITS = 0.6
MOST_PLACES = 3
# In pixels. A place is enlarged to this width at most.
MOST_WIDTH = 800


def look_nearer(gray: Gray, reading: Reading) -> tuple[list[Reading], list[Spot]]:
    """Return what is read, and what looks like a code, nearer to the middle than a reading."""
    found: list[Reading] = []
    spots: list[Spot] = []
    for region in find_nearer(gray, reading):
        crop = cut(gray, region)
        scale = max(1.0, min(2.0, MOST_WIDTH / region[2]))
        read, unread = look(enlarged(sharp(crop), scale))
        if not read and not unread:
            read, unread = look(enlarged(crop, scale))
        found += [moved(each, scale, region) for each in read]
        spots += [spot.moved(scale, region) for spot in unread]
    return found, spots


def find_nearer(gray: Gray, reading: Reading) -> list[Region]:
    """Find what is as busy as the code that was read, and nearer to the middle than that.

    Returns: at most `MOST_PLACES` of (x, y, width, height) in pixels, the busiest first; none
    where the code is in the middle itself.
    """
    middle = gray.shape[1] / 2, gray.shape[0] / 2
    (x, y), size = reading.centre, reading.size
    if max(abs(x - middle[0]), abs(y - middle[1])) < size / 2:
        return []
    places: list[Region] = []
    for grain in GRAINS:
        places = _find(gray, (x, y), size, grain)
        if not places:
            break
    return places


def _find(gray: Gray, centre: tuple[float, float], size: float, grain: int) -> list[Region]:
    middle = gray.shape[1] / 2, gray.shape[0] / 2
    scale = min(1.0, grain * SAMPLES / size, grain * MOST_SAMPLES / gray.shape[1])
    block = grain * BLOCK
    step = block / scale
    own = _edges(cut(gray, around(centre, size / 2, gray.shape)), scale, block)
    strong = STRONG * min(cv2.mean(edges)[0] for edges in own)
    if strong == 0:
        return []
    least = AS_BUSY * min(cv2.mean(_clipped(edges, strong))[0] for edges in own)
    way = math.dist(centre, middle)
    inner = around(middle, way, gray.shape)
    blocks = [
        _blocks(_clipped(edges, strong), block) for edges in _edges(cut(gray, inner), scale, block)
    ]
    its = (centre[0] - inner[0]) / step, (centre[1] - inner[1]) / step
    _blank(blocks, its, OWN * size / 2 / step)
    places = []
    for column, row, width, height in _busiest(_windows(*blocks), least):
        at = inner[0] + (column + width / 2) * step, inner[1] + (row + height / 2) * step
        if math.dist(at, middle) < way:
            places.append(around(at, max(width, height) * step / 2 + size / 3, gray.shape))
    return places


def _edges(gray: Gray, scale: float, block: int) -> tuple[Gray, Gray]:
    """Return how samples differ from the next ones, to the right and down, in whole blocks."""
    height, width = (max(1, int(side * scale) // block) * block for side in gray.shape)
    # Sampled and not averaged: averaging takes away the edges of small modules.
    thin = cv2.resize(gray, (width + 1, height + 1), interpolation=cv2.INTER_LINEAR)
    here = thin[:-1, :-1]
    return _u8(cv2.absdiff(thin[:-1, 1:], here)), _u8(cv2.absdiff(thin[1:, :-1], here))


def _clipped(edges: Gray, strong: float) -> Gray:
    """Return edges with a strong one as 255, and none stronger."""
    return _u8(cv2.convertScaleAbs(edges, alpha=255 / strong))


def _blocks(edges: Gray, block: int) -> Gray:
    size = edges.shape[1] // block, edges.shape[0] // block
    return _u8(cv2.resize(edges, size, interpolation=cv2.INTER_AREA))


def _blank(both: Sequence[Gray], centre: Sequence[float], reach: float) -> None:
    """Take the code that was read, and what is close about it, out of the blocks."""
    (left, right), (top, bottom) = (
        (max(0, round(at - reach)), max(0, round(at + reach))) for at in centre
    )
    for blocks in both:
        blocks[top:bottom, left:right] = 0


def _windows(across: Gray, down: Gray) -> Gray:
    """Return the edges about each block in that direction in which there are fewer."""
    means = [cv2.blur(blocks, (3, 3), borderType=cv2.BORDER_CONSTANT) for blocks in (across, down)]
    return _u8(cv2.min(*means))


def _busiest(windows: Gray, least: float) -> Iterator[Region]:
    """Give the places with at least so many edges, in blocks, the busiest first."""
    for _ in range(MOST_PLACES):
        _, most, _, at = cv2.minMaxLoc(windows)
        if most < max(1.0, least):
            return
        fixed = 4 | cv2.FLOODFILL_FIXED_RANGE
        box = cv2.floodFill(windows, None, at, 0, loDiff=most * (1 - ITS), upDiff=0, flags=fixed)[3]
        left, top, width, height = box
        windows[max(0, top - 1) : top + height + 1, max(0, left - 1) : left + width + 1] = 0
        yield left, top, width, height


def _u8(image: object) -> Gray:
    return np.asarray(image, dtype=np.uint8)
