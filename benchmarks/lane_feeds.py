"""What stands in for the readers of a lane: a camera's folder, a wedge, a serial scanner."""

from __future__ import annotations

import os
import pty
import time
import tty
from pathlib import Path
from typing import IO, Protocol

import cv2
import numpy as np

from tests.frames import HEIGHT, WIDTH, a_code

CODE_WIDTH = 320


class Feed(Protocol):
    """Shows codes to a scanner, one at a time."""

    source: str

    def show(self, code: str) -> float:
        """Show a code; return the monotonic time at which the scanner could first see it."""


class Frames:
    """A folder that a camera writes pictures of 1280x720 into; what was read is cleared away."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.source = f"folder {folder}"
        self._folder = folder
        self._count = 0
        chance = np.random.default_rng(2015)
        self._wall = chance.normal(110, 4, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)

    def show(self, code: str) -> float:
        """Draw a frame and put it there whole."""
        frame = self._wall.copy()
        top, left = (HEIGHT - CODE_WIDTH) // 2, (WIDTH - CODE_WIDTH) // 2
        frame[top : top + CODE_WIDTH, left : left + CODE_WIDTH] = a_code(code, width=CODE_WIDTH)
        done, data = cv2.imencode(".jpg", frame)
        if not done:
            raise SystemExit("a frame could not be written")
        self._count += 1
        draft = self._folder / ".draft"
        draft.write_bytes(data.tobytes())
        seen_s = time.monotonic()
        draft.replace(self._folder / f"{self._count:06}.jpg")
        self._clear(self._count - 50)
        return seen_s

    def _clear(self, number: int) -> None:
        (self._folder / f"{number:06}.jpg").unlink(missing_ok=True)


class Wedge:
    """A keyboard-wedge scanner: it types a code and Enter into the program's input."""

    source = "stdin"

    def __init__(self) -> None:
        self.keys: IO[bytes] | None = None

    def show(self, code: str) -> float:
        """Type a code."""
        if self.keys is None:
            raise SystemExit("the wedge has nothing to type into")
        seen_s = time.monotonic()
        self.keys.write(f"{code}\n".encode())
        self.keys.flush()
        return seen_s


class Serial:
    """A serial scanner at a pseudo-terminal: a code and a carriage return."""

    def __init__(self) -> None:
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.source = f"serial:{os.ttyname(self._theirs)}"

    def show(self, code: str) -> float:
        """Send a code."""
        seen_s = time.monotonic()
        os.write(self._ours, f"{code}\r".encode())
        return seen_s
