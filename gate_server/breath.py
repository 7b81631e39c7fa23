"""Leave the interpreter to others now and then, while much is read or written at once."""

from __future__ import annotations

import time
from typing import Final

BREATH_EVERY_S: Final = 0.001
BREATH_S: Final = 0.0001


class Breath:
    """Leaves the interpreter to other threads now and then, which live scans need at once.

    The writer gives it away at each statement and takes it back before anybody has woken up.
    """

    __slots__ = ("_next_s",)

    def __init__(self) -> None:
        self._next_s = time.monotonic() + BREATH_EVERY_S

    def take(self) -> None:
        """Pause for an instant, if the last pause was a while ago."""
        if time.monotonic() > self._next_s:
            time.sleep(BREATH_S)
            self._next_s = time.monotonic() + BREATH_EVERY_S
