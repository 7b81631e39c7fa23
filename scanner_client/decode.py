"""Read QR codes from frames: fast first, then stages that rescue what it misses."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner_client.rescue import ZXING_STAGES, Gray, Reading, Stage, read_fast, zbar_stage

# A scene stands still while a thumbnail differs by less than this from the one before, in grey
# levels of 255 on average; the noise of a webcam is about 1.
STILL_LEVELS = 2.5
THUMBNAIL = (32, 18)


def load_stages(report: Callable[[str], None]) -> tuple[Stage, ...]:
    """Return the rescue stages that this machine has; say which it lacks.

    OpenCV's own threads are switched off: they cost more than they bring beside a camera's.
    """
    cv2.setNumThreads(1)
    try:
        # pyzbar loads the system's libzbar when it is imported, so not with this module.
        pyzbar = importlib.import_module("pyzbar.pyzbar")
    except ImportError:
        report("without libzbar0 cracked screens are read less often: apt-get install libzbar0")
        return ZXING_STAGES
    return (*ZXING_STAGES, zbar_stage(pyzbar))


def read_all(image: NDArray[np.uint8], stages: Sequence[Stage]) -> list[Reading]:
    """Return every code of one picture, each text once, with all the effort that there is.

    Args:
        image: (height, width, 3) uint8, BGR.
    """
    gray = to_gray(image)
    for stage in (read_fast, *stages):
        found = stage(gray)
        if found:
            return list({reading.text: reading for reading in reversed(found)}.values())[::-1]
    return []


@dataclass(slots=True)
class LiveReader:
    """Reads a stream of frames: fast on each, and one rescue stage in turn after a miss.

    Once the scene stands still and every stage has looked at it, none is tried until it moves.
    """

    stages: Sequence[Stage]
    _turn: int = 0
    _tried: int = 0
    _before: Gray | None = field(default=None, repr=False)

    def read(self, image: NDArray[np.uint8]) -> Reading | None:
        """Return the code nearest to the centre of the frame, if one can be read.

        Args:
            image: (height, width, 3) uint8, BGR.
        """
        gray = to_gray(image)
        if self._moved(gray):
            self._tried = 0
        found = read_fast(gray)
        if not found and self._tried < len(self.stages):
            found = self.stages[self._turn](gray)
            self._turn = (self._turn + 1) % len(self.stages)
            self._tried += 1
        return nearest(found, gray.shape)

    def _moved(self, gray: Gray) -> bool:
        thumbnail = np.asarray(
            cv2.resize(gray, THUMBNAIL, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
        before, self._before = self._before, thumbnail
        return before is None or float(np.mean(cv2.absdiff(before, thumbnail))) > STILL_LEVELS


def nearest(readings: Sequence[Reading], shape: tuple[int, ...]) -> Reading | None:
    """Return the reading nearest to the middle of a frame of (height, width)."""
    middle = (shape[1] / 2, shape[0] / 2)
    return min(readings, key=lambda reading: math.dist(reading.centre, middle), default=None)


def to_gray(image: NDArray[np.uint8]) -> Gray:
    """Return a BGR frame, (height, width, 3) uint8, as (height, width) uint8."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
