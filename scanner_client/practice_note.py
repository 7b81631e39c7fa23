"""A note that this scanner practises, for commands beside the running lane."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from scanner_client.owner import alive, this_process

NOTE_FILE = "practice.json"


class _Note(Struct, frozen=True):
    """Who practises, and until when by the clock on the wall, in seconds."""

    owner: str
    until_s: float


class PracticeNote:
    """The note of one scanner's directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NOTE_FILE

    def write(self, seconds: float) -> None:
        """Note that this process practises for so long."""
        note = _Note(this_process(), time.time() + seconds)
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(note))
        os.replace(fresh, self._path)

    @property
    def lasts(self) -> bool:
        """Whether a process of this scanner practises now; one that was killed does not."""
        try:
            note = msgspec.json.decode(self._path.read_bytes(), type=_Note)
        except (OSError, msgspec.DecodeError):
            return False
        return time.time() < note.until_s and alive(note.owner)
