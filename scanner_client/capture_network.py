"""Frames from a camera in the network: RTSP, a stream of pictures over HTTP, or one at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import cv2

from admission.errors import InvalidInput
from scanner_client.capture import REOPEN_S, Frame, Watch
from scanner_client.capture_camera import hush, images

SCHEMES = ("rtsp", "rtsps", "http", "https")
# Between two looks at a URL that gives one picture a call.
STILL_PAUSE_S = 0.15


@dataclass(frozen=True, slots=True)
class NetworkCamera:
    """A camera by its URL; opened again whenever it was lost.

    Attributes:
        url: it may hold a password, so it is in no message.
        timeout_s: how long it may take to answer, and to give the next picture.
    """

    url: str = field(repr=False)
    timeout_s: float

    def __post_init__(self) -> None:
        find_place(self.url)

    def sightings(self, watch: Watch) -> Iterator[Frame]:
        """Give what the camera sees; say when it is lost and when it is back."""
        name = f"camera at {find_place(self.url)}"
        quieten()
        while not watch.stop.is_set():
            device = self._open()
            given = 0
            try:
                for image in images(device, watch.stop, most_misses=1):
                    given += 1
                    watch.find(name)
                    yield Frame(image, time.monotonic(), name, live=True)
            finally:
                device.release()
            if given == 1:
                # A URL of one picture: the next call gives the next one.
                watch.stop.wait(STILL_PAUSE_S)
                continue
            if not watch.stop.is_set():
                watch.lose(name, "gives no picture")
            watch.stop.wait(REOPEN_S)

    def _open(self) -> cv2.VideoCapture:
        within_ms = int(self.timeout_s * 1000)
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
        return cv2.VideoCapture(
            self.url, cv2.CAP_FFMPEG, [each for limit in limits for each in (limit, within_ms)]
        )


def find_place(url: str) -> str:
    """Return where a URL leads, for messages: its scheme, host and port, nothing of the rest.

    Raises InvalidInput: it leads nowhere.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise InvalidInput("source", "a camera's URL is rtsp://HOST/PATH or http://HOST/PATH")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def quieten() -> None:
    """Keep OpenCV and FFmpeg, which it uses, from writing to stderr; FFmpeg may show the URL."""
    hush()
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
