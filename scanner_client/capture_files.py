"""Frames from picture files, and from a folder that is watched for new ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from scanner_client.capture import REOPEN_S, TICK_S, Frame, Watch
from scanner_client.pictures import UnreadablePicture, read_picture


@dataclass(frozen=True, slots=True)
class Pictures:
    """Picture files, each once."""

    paths: tuple[Path, ...]

    def sightings(self, watch: Watch) -> Iterator[Frame]:
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

    def sightings(self, watch: Watch) -> Iterator[Frame]:
        """Give each picture once it is whole; say when the folder is lost and when it is back."""
        name = f"folder {self.path}"
        while not watch.stop.is_set():
            try:
                found = self._look()
            except OSError as error:
                watch.lose(name, f"cannot be read: {error.strerror}")
                watch.stop.wait(REOPEN_S)
                continue
            watch.find(name)
            for path, stamp in found:
                frame = self._take(path, stamp, watch)
                if frame is not None:
                    yield frame
                if watch.stop.is_set():
                    return
            watch.stop.wait(TICK_S)

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


def _stamp(path: Path) -> _Stamp | None:
    """What changes when a file does; None for what is no picture file, or has just gone."""
    if path.name.startswith("."):
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if path.is_file() else None
