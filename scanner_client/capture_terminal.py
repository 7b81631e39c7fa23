"""Texts from standard input: a pipe, a file, or a terminal that people and wedges type into."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from scanner_client.assembly import Assembly
from scanner_client.capture import TICK_S, Typed, Watch

CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is typed or piped in, a text a line; its end is the end of this source alone.

    Attributes:
        assembly: puts its bytes together to texts; no pause ends one, for people are slow.
    """

    keys: TextIO
    assembly: Assembly

    def sightings(self, watch: Watch) -> Iterator[Typed]:
        """Give the lines, the last one also where nothing ends it."""
        device, ended = self.keys.fileno(), False
        while not ended and not watch.stop.is_set():
            if not select.select([device], [], [], TICK_S)[0]:
                continue
            if _is_of_others(device):
                watch.stop.wait(TICK_S)
                continue
            data = _read(device)
            ended = not data
            now_s = time.monotonic()
            texts = self.assembly.end() if ended else self.assembly.take(data, now_s)
            for text in texts:
                yield Typed(text, now_s, "stdin")


def _is_of_others(device: int) -> bool:
    """Tell whether a terminal is in use by another program: whoever reads it then is stopped."""
    try:
        return os.tcgetpgrp(device) != os.getpgrp()
    except OSError:
        return False  # no terminal, or one that nobody's programs take turns at


def _read(device: int) -> bytes:
    try:
        return os.read(device, CHUNK)
    except OSError:
        return b""  # a terminal that was hung up has ended
