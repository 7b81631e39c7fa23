"""Make a revoked scanner's directory worthless: the key first, then what it sealed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from scanner_client.seal import SEAL_FILE
from scanner_client.state import REVOKED_FILE, sync_directory

_PATTERNS = (
    "device.json",
    "enrolment.json",
    "told.json",
    "duty.json",
    "practice.json",
    "help.json",
    "replica.*",
    "journal.*",
    "*.lock",
)


def wipe(directory: Path, now: datetime) -> None:
    """Delete what the venue would not want in other hands; settings stay.

    Without its key the rest is noise, so a wipe that is cut off has done its work after the first
    step; the next start does the rest.
    """
    note = directory / REVOKED_FILE
    note.write_text(f"revoked and wiped {now:%Y-%m-%d %H:%M} UTC\n", "utf-8")
    _destroy(directory / SEAL_FILE)
    sync_directory(directory)
    for pattern in _PATTERNS:
        for path in directory.glob(pattern):
            path.unlink(missing_ok=True)
    sync_directory(directory)


def _destroy(path: Path) -> None:
    """Write over the key before it goes: a deleted file's blocks can be read for a long time."""
    try:
        with path.open("r+b") as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
