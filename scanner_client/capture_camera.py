"""Frames from a camera of this machine and from a video file."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import cv2
import numpy as np

from scanner_client.capture import REOPEN_S, Frame, Image, Watch

# So many misses in a row and the camera is gone, not only slow.
MOST_MISSES = 10
USUAL_FPS = 25.0


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera by its number; opened again whenever it was lost.

    Attributes:
        width: of the picture that it is asked for, in pixels; height likewise.
    """

    number: int
    width: int
    height: int

    def sightings(self, watch: Watch) -> Iterator[Frame]:
        """Give what the camera sees; say when it is lost and when it is back."""
        name = f"camera {self.number}"
        hush()
        while not watch.stop.is_set():
            device = cv2.VideoCapture(self.number)
            device.set(cv2.CAP_PROP_FRAME_WIDTH, self.width)
            device.set(cv2.CAP_PROP_FRAME_HEIGHT, self.height)
            device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            try:
                for image in images(device, watch.stop, MOST_MISSES):
                    watch.find(name)
                    yield Frame(image, time.monotonic(), name, live=True)
            finally:
                device.release()
            if not watch.stop.is_set():
                watch.lose(name, "gives no picture")
            watch.stop.wait(REOPEN_S)


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, played once at its own speed."""

    path: Path

    def sightings(self, watch: Watch) -> Iterator[Frame]:
        """Give the frames of the file."""
        device = cv2.VideoCapture(str(self.path))
        fps = device.get(cv2.CAP_PROP_FPS)
        pause_s = 1 / (fps if 0 < fps < 1000 else USUAL_FPS)  # some files state 0 or nan
        due_s = time.monotonic()
        try:
            for image in images(device, watch.stop, most_misses=1):
                due_s += pause_s
                watch.stop.wait(max(0, due_s - time.monotonic()))
                yield Frame(image, time.monotonic(), self.path.name, live=True)
        finally:
            device.release()


def hush() -> None:
    """Keep OpenCV's own words on each try from burying the one line that staff should read."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def images(device: cv2.VideoCapture, stop: threading.Event, most_misses: int) -> Iterator[Image]:
    """Give what an open device reads until it is lost."""
    misses = 0
    while misses < most_misses and device.isOpened() and not stop.is_set():
        found, image = device.read()
        if found and _is_image(image):
            misses = 0
            yield image
        else:
            misses += 1
            stop.wait(0.02)


def _is_image(image: object) -> TypeGuard[Image]:
    return isinstance(image, np.ndarray) and image.ndim == 3 and image.dtype == np.uint8
