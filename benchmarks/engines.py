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


def timed(engine: Engine, image: Image) -> tuple[str | None, float]:
    """Return what an engine answers, and the milliseconds of processor that it took.

    Of the processor, so that other work on the machine counts little: each engine has one thread.
    """
    began = time.thread_time()
    answer = engine(image)
    return answer, (time.thread_time() - began) * 1000
