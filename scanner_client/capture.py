"""Bring pictures from a camera, a video file, a watched folder or picture files as frames."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias, TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray

from admission.errors import InvalidInput
from scanner_client.pictures import UnreadablePicture, read_picture

Image: TypeAlias = NDArray[np.uint8]

REOPEN_S = 1.0
POLL_S = 0.1
# So many misses in a row and the camera is gone, not only slow.
MOST_MISSES = 10
USUAL_FPS = 25.0


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        seen_s: when it was taken, on the monotonic clock.
        origin: what it came from, for messages.
        live: another one of the same scene follows at once, so that this one may be skipped.
    """

    image: Image
    seen_s: float
    origin: str
    live: bool


@dataclass(frozen=True, slots=True)
class Watch:
    """What a source looks at while it waits.

    Attributes:
        stop: when set, the source ends.
        report: says a line to staff.
    """

    stop: threading.Event
    report: Callable[[str], None]


class Source(Protocol):
    """Something that frames come from."""

    def frames(self, watch: Watch) -> Iterator[Frame]:
        """Give frames until there are no more or `watch.stop` is set."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera by its number; opened again whenever it was lost.

    Attributes:
        width: of the picture that it is asked for, in pixels; height likewise.
    """

    number: int
    width: int
    height: int

    def frames(self, watch: Watch) -> Iterator[Frame]:
        """Give what the camera sees; say when it is lost and when it is back."""
        name = f"camera {self.number}"
        lost = False
        # OpenCV's own words on each try would bury the one line that staff should read.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        while not watch.stop.is_set():
            device = cv2.VideoCapture(self.number)
            device.set(cv2.CAP_PROP_FRAME_WIDTH, self.width)
            device.set(cv2.CAP_PROP_FRAME_HEIGHT, self.height)
            device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            try:
                for image in _images(device, watch.stop, MOST_MISSES):
                    if lost:
                        watch.report(f"{name} is back")
                    lost = False
                    yield Frame(image, time.monotonic(), name, live=True)
            finally:
                device.release()
            if not watch.stop.is_set() and not lost:
                watch.report(f"{name} gives no picture; trying again every {REOPEN_S:.0f} s")
                lost = True
            watch.stop.wait(REOPEN_S)


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, played once at its own speed."""

    path: Path

    def frames(self, watch: Watch) -> Iterator[Frame]:
        """Give the frames of the file."""
        device = cv2.VideoCapture(str(self.path))
        fps = device.get(cv2.CAP_PROP_FPS)
        pause_s = 1 / (fps if 0 < fps < 1000 else USUAL_FPS)  # some files state 0 or nan
        due_s = time.monotonic()
        try:
            for image in _images(device, watch.stop, most_misses=1):
                due_s += pause_s
                watch.stop.wait(max(0, due_s - time.monotonic()))
                yield Frame(image, time.monotonic(), self.path.name, live=True)
        finally:
            device.release()


@dataclass(frozen=True, slots=True)
class Pictures:
    """Picture files, each once."""

    paths: tuple[Path, ...]

    def frames(self, watch: Watch) -> Iterator[Frame]:
        """Give each picture; say which cannot be read."""
        for path in self.paths:
            if watch.stop.is_set():
                return
            try:
                image = read_picture(path)
            except UnreadablePicture as error:
                watch.report(str(error))
                continue
            yield Frame(image, time.monotonic(), path.name, live=False)


_Stamp: TypeAlias = tuple[int, int, int]


@dataclass(slots=True)
class Folder:
    """A folder that is watched: the pictures in it, then new ones as they appear, each once.

    A picture that is written over counts as new. Names that begin with a dot are left alone.

    Attributes:
        whole_after_s: a writer that stalls for longer has left its file as it is.
    """

    path: Path
    whole_after_s: float = 5.0
    _taken: dict[str, _Stamp] = field(default_factory=dict, repr=False)
    _half: dict[str, tuple[_Stamp, float]] = field(default_factory=dict, repr=False)

    def frames(self, watch: Watch) -> Iterator[Frame]:
        """Give each picture once it is whole; say when the folder is lost and when it is back."""
        lost = False
        while not watch.stop.is_set():
            try:
                found = self._look()
            except OSError as error:
                if not lost:
                    watch.report(f"folder {self.path} cannot be read: {error.strerror}")
                lost = True
                watch.stop.wait(REOPEN_S)
                continue
            if lost:
                watch.report(f"folder {self.path} is back")
            lost = False
            for path, stamp in found:
                frame = self._take(path, stamp, watch)
                if frame is not None:
                    yield frame
                if watch.stop.is_set():
                    return
            watch.stop.wait(POLL_S)

    def _look(self) -> list[tuple[Path, _Stamp]]:
        """Return what was not taken yet, oldest first, and forget files that have gone."""
        stamps = {}
        for path in self.path.iterdir():
            stamp = _stamp(path)
            if stamp is not None:
                stamps[path] = stamp
        names = {path.name for path in stamps}
        self._taken = {name: stamp for name, stamp in self._taken.items() if name in names}
        self._half = {name: half for name, half in self._half.items() if name in names}
        new = [(p, stamp) for p, stamp in stamps.items() if self._taken.get(p.name) != stamp]
        return sorted(new, key=lambda entry: (entry[1], entry[0].name))

    def _take(self, path: Path, stamp: _Stamp, watch: Watch) -> Frame | None:
        """Return the picture if it is whole; give it up when nobody finishes it."""
        try:
            image = read_picture(path)
        except UnreadablePicture as error:
            now_s = time.monotonic()
            seen, since_s = self._half.get(path.name, (stamp, now_s))
            self._half[path.name] = (stamp, since_s if seen == stamp else now_s)
            if seen != stamp or now_s - since_s < self.whole_after_s:
                return None
            watch.report(str(error))
            image = None
        # Written to in between: look again, it may have been read half old, half new.
        if _stamp(path) != stamp:
            return None
        self._half.pop(path.name, None)
        self._taken[path.name] = stamp
        return None if image is None else Frame(image, time.monotonic(), path.name, live=False)


def open_source(text: str, *, width: int, height: int) -> Source:
    """Return the source that is named: `camera:N`, `video FILE` or `folder DIR`.

    Args:
        width: of the picture that a camera is asked for, in pixels; height likewise.

    Raises InvalidInput: another name, no such file or folder.
    """
    kind, rest = _split(text)
    if kind == "camera" and rest.isdecimal():
        return Camera(int(rest), width, height)
    path = Path(rest)
    if kind == "video" and rest:
        if not path.is_file():
            raise InvalidInput("source", f"no video file {path}")
        return Video(path)
    if kind == "folder" and rest:
        if not path.is_dir():
            raise InvalidInput("source", f"no folder {path}")
        return Folder(path)
    raise InvalidInput("source", f"{text!r}: give camera:N, video FILE or folder DIR")


def _split(text: str) -> tuple[str, str]:
    for mark in (" ", ":"):
        kind, found, rest = text.strip().partition(mark)
        if found and kind in {"camera", "video", "folder"}:
            return kind, rest.strip()
    return text, ""


def _images(device: cv2.VideoCapture, stop: threading.Event, most_misses: int) -> Iterator[Image]:
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


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does; None for what is no picture file, or has just gone."""
    if path.name.startswith("."):
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if path.is_file() else None
