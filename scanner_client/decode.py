"""Read QR codes from frames: fast first, then stages that rescue what it misses."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner_client.choice import Choice, covers, marked, nearest, united
from scanner_client.nearer import look_nearer
from scanner_client.regions import Gray, around, cut
from scanner_client.rescue import (
    LEAST_SIDE,
    ZXING_STAGES,
    Reading,
    Spot,
    Stage,
    look,
    moved,
    zbar_stages,
)

__all__ = ["LiveReader", "load_stages", "nearest", "read_all", "to_gray"]

# A scene moves when a block of its thumbnail differs by more than this from when the stages began
# to look at it, in grey levels of 255; a camera's noise, averaged over a block, is about 1.
STILL_LEVELS = 10
THUMBNAIL = (32, 18)
# Of so many pixels each way one goes into the thumbnail.
THINNED = 4
# While a code is held, so many frames in a row are looked at where it was before a whole one is.
TRACKED = 4
# The stages enlarge: a picture wider or higher than this is made smaller for them.
MOST_RESCUED = 2560


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
    return (*ZXING_STAGES, *zbar_stages(pyzbar))


def read_all(image: NDArray[np.uint8], stages: Sequence[Stage]) -> list[Reading]:
    """Return the codes of one picture, each text once, with all the effort that there is.

    Args:
        image: (height, width, 3) uint8, BGR.
    """
    gray = to_gray(image)
    readings, spots = _confirmed(gray, *look(gray))
    if nearest(readings, gray.shape) is not None or min(gray.shape) < LEAST_SIDE:
        return readings
    scale = min(1.0, MOST_RESCUED / max(1, *gray.shape))
    small = _shrunk(gray, scale)
    for stage in stages:
        found = [moved(each, scale) for each in stage(small, [s.scaled(scale) for s in spots])]
        if found:
            readings, spots = _confirmed(gray, (*readings, *found), spots)
        if nearest(readings, gray.shape) is not None:
            break
    return readings


def _confirmed(
    gray: Gray, found: Sequence[Reading], spots: list[Spot]
) -> tuple[list[Reading], list[Spot]]:
    """Return what was found, each text once, after a second look for a code nearer than that."""
    readings = marked(united(found), spots, gray.shape)
    chosen = nearest(readings, gray.shape)
    if chosen is None:
        return readings, spots
    nearer, unread = look_nearer(gray, chosen)
    if not nearer and not unread:
        return readings, spots
    spots = [*spots, *unread]
    return marked(united((*readings, *nearer)), spots, gray.shape), spots


def _shrunk(gray: Gray, scale: float) -> Gray:
    if scale == 1.0:
        return gray
    return _u8(cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


@dataclass(slots=True)
class LiveReader:
    """Reads a stream of frames: fast on each, and one rescue stage in turn after a miss.

    Once the scene stands still and every stage has looked at it, none is tried until it moves. A
    code that was read is first looked for where it was.

    Attributes:
        in_sight: what the codes said that the last whole frame held, the chosen one among them.
    """

    stages: Sequence[Stage]
    in_sight: tuple[str, ...] = field(default=(), init=False)
    _choice: Choice = field(default_factory=Choice, init=False, repr=False)
    _tracked: int = field(default=0, init=False)
    _rescuer: Stage | None = field(default=None, init=False, repr=False)
    _turn: int = field(default=0, init=False)
    _tried: int = field(default=0, init=False)
    _scene: Gray | None = field(default=None, init=False, repr=False)

    def read(self, image: NDArray[np.uint8]) -> Reading | None:
        """Return the code that counts in a frame, if one can be read: the nearest to its centre.

        Args:
            image: (height, width, 3) uint8, BGR.
        """
        near = self._read_near(image)
        if near is not None and self._tracked < TRACKED:
            self._tracked += 1
            return self._choice.hold(near)
        self._tracked = 0
        return self._read_whole(to_gray(image), () if near is None else (near,))

    def _read_near(self, image: NDArray[np.uint8]) -> Reading | None:
        """Look where the held code was: in the square of twice its width."""
        held = self._choice.held
        if held is None:
            return None
        region = around(held.centre, held.size, image.shape)
        if min(region[2:]) < LEAST_SIDE:
            return None
        crop = to_gray(cut(image, region))
        found, _ = look(crop)
        if not found and self._rescuer is not None:
            found = self._rescuer(crop, [Spot((region[2] / 2, region[3] / 2), held.size)])
        readings = [moved(reading, 1, region) for reading in found]
        same = [reading for reading in readings if reading.text == held.text]
        # A telephone may show a new code in the old one's place.
        return next((reading for reading in same or readings if covers(held, reading)), None)

    def _read_whole(self, gray: Gray, near: tuple[Reading, ...]) -> Reading | None:
        """Look at a whole frame, beside what was read where the held code was."""
        found, spots = look(gray)
        readings, spots = self._settled(gray, (*near, *found), spots)
        if nearest(readings, gray.shape) is None:
            found = self._rescue(gray, spots)
            if found:
                readings, spots = self._settled(gray, (*readings, *found), spots)
        self.in_sight = tuple(reading.text for reading in readings)
        chosen = self._choice.choose(readings, gray.shape)
        if self._choice.held is None:
            self._rescuer = None
        return chosen

    def _settled(
        self, gray: Gray, found: Sequence[Reading], spots: list[Spot]
    ) -> tuple[list[Reading], list[Spot]]:
        """Return what was found; beside a code that is held already there is no second look."""
        held = self._choice.held
        if held is not None and any(reading.text == held.text for reading in found):
            return marked(united(found), spots, gray.shape), spots
        return _confirmed(gray, found, spots)

    def _rescue(self, gray: Gray, spots: Sequence[Spot]) -> list[Reading]:
        """Let the stage look whose turn it is, unless all have looked at this still scene."""
        if min(gray.shape) < LEAST_SIDE:
            return []
        if self._has_moved(gray):
            self._tried = 0
        if self._tried >= len(self.stages):
            return []
        stage = self.stages[self._turn]
        self._turn = (self._turn + 1) % len(self.stages)
        self._tried += 1
        found = stage(gray, spots)
        if found:
            self._rescuer = stage
        return found

    def _has_moved(self, gray: Gray) -> bool:
        thin = gray[::THINNED, ::THINNED]
        thumbnail = _u8(cv2.resize(thin, THUMBNAIL, interpolation=cv2.INTER_AREA))
        moved_ = (
            self._scene is None or cv2.norm(self._scene, thumbnail, cv2.NORM_INF) > STILL_LEVELS
        )
        if moved_:
            self._scene = thumbnail
        return moved_


def to_gray(image: NDArray[np.uint8]) -> Gray:
    """Return a frame as (height, width) uint8: of BGR, of BGR with a fourth channel, or of grey."""
    if image.size == 0:
        return np.zeros(image.shape[:2], np.uint8)
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    if image.shape[2] == 1:
        return np.ascontiguousarray(image[:, :, 0])
    how = cv2.COLOR_BGRA2GRAY if image.shape[2] == 4 else cv2.COLOR_BGR2GRAY
    return _u8(cv2.cvtColor(image, how))


def _u8(image: object) -> Gray:
    return np.asarray(image, dtype=np.uint8)
