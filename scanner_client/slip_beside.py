"""Remember a numbered slip until the voucher that it is shown with has been scanned, too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from admission import wire
from admission.verdicts import Reason

REMEMBERED_S: Final = 60.0
"""As long as a visitor needs to find the voucher on a phone; the next visitor's is not that one."""
_REFUSED: Final = frozenset({Reason.SLIP_NOT_HANDED_OUT, Reason.SLIP_OTHER_DAY, Reason.SLIP_BOUND})


class SlipBeside:
    """The slip that was scanned last, in memory only. Safe for several threads.

    Args:
        monotonic: seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: tuple[str, float] | None = None

    def find(self, code: str) -> str | None:
        """Return the slip that a code is shown with."""
        with self._lock:
            if self._kept is None or self._kept[0] == code:
                return None
            slip, until = self._kept
            return slip if self._monotonic() < until else None

    def note(self, code: str, answer: wire.ScanAnswer) -> None:
        """Remember a slip that waits for its voucher, and forget it once that was scanned."""
        with self._lock:
            if answer.reason is Reason.SLIP_ALONE:
                self._kept = code, self._monotonic() + REMEMBERED_S
            elif answer.voucher is not None or answer.reason in _REFUSED:
                self._kept = None
