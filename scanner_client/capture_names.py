"""Name sources: `camera:N`, `serial:/dev/ttyUSB0` and the like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from admission.errors import InvalidInput
from scanner_client.assembly import Assembly
from scanner_client.capture import Source
from scanner_client.capture_camera import Camera, Video
from scanner_client.capture_evdev import Wedge
from scanner_client.capture_files import Folder
from scanner_client.capture_network import SCHEMES, NetworkCamera
from scanner_client.capture_serial import SerialReader
from scanner_client.capture_terminal import Terminal
from scanner_client.reader_settings import ReaderSettings
from scanner_client.settings import Settings

STDIN = "stdin"
OF_A_PATH = ("video", "folder")
USAGE = (
    "give camera:N, video FILE, folder DIR, stdin, evdev:/dev/input/..., serial:/dev/tty..., "
    "or a camera's URL: rtsp://... or http://..."
)


def join_paths(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return the sources of a command line, where `video` and `folder` stand before their paths.

    Raises InvalidInput: a path that belongs to none of them.
    """
    left = list(paths)
    joined = [
        f"{name} {left.pop(0)}" if name.strip() in OF_A_PATH and left else name for name in names
    ]
    if left:
        raise InvalidInput("source", f"nothing reads {left[0]}: {USAGE}")
    return joined


def open_sources(names: Sequence[str], settings: Settings, keys: TextIO) -> list[Source]:
    """Return the sources that are named, in their order.

    Args:
        keys: what `stdin` reads.

    Raises InvalidInput: another name, one that is given twice, no such file or folder. A name is
        never repeated in it, for a camera's may hold a password.
    """
    if len({name.strip() for name in names}) < len(names):
        raise InvalidInput("source", "the same source is given twice")
    return [_open(name.strip(), settings, keys) for name in names]


def open_terminal(keys: TextIO, settings: ReaderSettings) -> Terminal:
    """Return what is typed or piped in as a source."""
    return Terminal(keys, _assembly(settings, pause_s=0.0))


def _open(name: str, settings: Settings, keys: TextIO) -> Source:
    readers = settings.readers
    if name == STDIN:
        return open_terminal(keys, readers)
    kind, rest = _split(name)
    if kind in SCHEMES:
        return NetworkCamera(name, readers.network_timeout_s)
    if kind == "camera" and rest.isdecimal():
        return Camera(int(rest), settings.camera_width, settings.camera_height)
    if kind in OF_A_PATH and rest:
        return _open_path(kind, Path(rest))
    if kind in DEVICES and rest:
        return DEVICES[kind](Path(rest), readers)
    raise InvalidInput("source", USAGE)


def _open_path(kind: str, path: Path) -> Source:
    if kind == "video":
        if not path.is_file():
            raise InvalidInput("source", f"no video file {path}")
        return Video(path)
    if not path.is_dir():
        raise InvalidInput("source", f"no folder {path}")
    return Folder(path)


def _open_serial(path: Path, settings: ReaderSettings) -> Source:
    return SerialReader(path, _new_assembly(settings), settings.baud, settings.frame)


def _open_wedge(path: Path, settings: ReaderSettings) -> Source:
    return Wedge(path, _new_assembly(settings))


DEVICES: Mapping[str, Callable[[Path, ReaderSettings], Source]] = {
    "evdev": _open_wedge,
    "serial": _open_serial,
}


def _new_assembly(settings: ReaderSettings) -> Callable[[], Assembly]:
    return partial(_assembly, settings, pause_s=settings.wedge_pause_s)


def _assembly(settings: ReaderSettings, pause_s: float) -> Assembly:
    return Assembly(settings.prefix.encode(), settings.suffix.encode(), pause_s)


def _split(name: str) -> tuple[str, str]:
    """Return the kind of source and the rest, whichever of a space and a colon is first."""
    marks = [place for place in (name.find(" "), name.find(":")) if place >= 0]
    place = min(marks, default=len(name))
    return name[:place], name[place + 1 :].strip()
