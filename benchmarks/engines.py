"""The readers that are compared: ours, and libraries on the whole frame as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyzbar import pyzbar

from scanner_client.decode import nearest, read_all, to_gray
from scanner_client.rescue import Reading, Stage, read_zxing

Image: TypeAlias = NDArray[np.uint8]
Engine: TypeAlias = Callable[[Image], str | None]

QUICK_MS = 15.0


@dataclass(slots=True)
class Score:
    """What one engine made of some frames.

    Attributes:
        misread: answered something that is not in the frame, or not the code that counts.
    """

    frames: int = 0
    read: int = 0
    misread: int = 0
    times_ms: list[float] = field(default_factory=list, repr=False)

    @property
    def percent(self) -> float:
        """Of the frames with a code, how many were read."""
        return 100 * self.read / max(1, self.frames)

    def note(self, answer: str | None, wanted: str | None, time_ms: float) -> None:
        """Count one frame; one without a code counts as read if nothing is found in it."""
        self.frames += 1
        self.read += answer == wanted
        self.misread += answer is not None and answer != wanted
        self.times_ms.append(time_ms)


def engines(stages: Sequence[Stage]) -> dict[str, Engine]:
    """Return the readers by name; of several codes each takes the one nearest to the middle."""

    def choose(readings: Sequence[Reading], image: Image) -> str | None:
        reading = nearest(readings, image.shape)
        return None if reading is None else reading.text

    return {
        "ours": lambda image: choose(read_all(image, stages), image),
        "fast": lambda image: choose(read_zxing(to_gray(image), "fast", thorough=False), image),
        "full": lambda image: choose(read_zxing(to_gray(image), "full"), image),
        "pyzbar": lambda image: choose(_zbar(image), image),
    }


def _zbar(image: Image) -> list[Reading]:
    codes = pyzbar.decode(to_gray(image), symbols=[pyzbar.ZBarSymbol.QRCODE])
    return [
        Reading(
            code.data.decode("utf-8", "replace"),
            tuple((point.x, point.y) for point in code.polygon),
            "pyzbar",
        )
        for code in codes
        if code.data and code.polygon
    ]


def timed(engine: Engine, image: Image, *, again: bool = False) -> tuple[str | None, float]:
    """Return what an engine answers, and the milliseconds that it took.

    Args:
        again: do it twice where it is quick and take the shorter time, so that what else the
            machine does weighs less; not for an engine that remembers frames.
    """
    began = time.perf_counter()
    answer = engine(image)
    time_ms = (time.perf_counter() - began) * 1000
    if again and time_ms < QUICK_MS:
        time_ms = min(time_ms, timed(engine, image)[1])
    return answer, time_ms
