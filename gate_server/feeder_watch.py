"""Start the feeder beside the server where it is needed, and again where it ended."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gate_server.ledger.feeds import FeedKind
from gate_server.ledger.ledger import Ledger

LOOK_S: Final = 0.5
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
# One that has run so long has not ended for what it found at its start.
_LONG_S: Final = 60.0
_STOP_WITHIN_S: Final = 1.0

log = logging.getLogger("gatehouse.serve")


def has_feeds_to_fetch(ledger: Ledger) -> bool:
    """Say whether some platform must be asked for its changes: a push comes by itself."""
    return any(feed.kind is not FeedKind.NATIVE for feed in ledger.catalogue.feeds.values())


def has_people_to_call(ledger: Ledger) -> bool:
    """Say whether somebody on duty, or a platform, may have to be told something."""
    return ledger.catalogue.duty.needs_feeder


NEEDS: Final[tuple[Callable[[Ledger], bool], ...]] = (has_feeds_to_fetch, has_people_to_call)
"""The feeder runs while one of these is so. They are asked twice a second: memory only."""


def is_needed(ledger: Ledger) -> bool:
    """Say whether there is work for a feeder."""
    return any(needs(ledger) for needs in NEEDS)


class FeederWatch:
    """Keeps one feeder running while it is needed.

    Args:
        needed: asked again and again.
    """

    def __init__(self, directory: Path, needed: Callable[[], bool]) -> None:
        self._command = [sys.executable, "-P", "-m", "gate_server.feeder", str(directory)]
        self._needed = needed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="feeder-watch", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the feeder and the watch; returns when both are gone."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._look()
        self._end()

    def _look(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._rest(self._process.returncode)
            self._end()
        elif self._process is not None and not self._needed():
            self._end()
        elif self._process is None and self._needed():
            self._started_s = time.monotonic()
            # It hangs by its standard input: the pipe ends when this process does.
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=sys.stderr
            )

    def _rest(self, status: int) -> None:
        log.warning("the feeder ended with %d and is started again", status)
        long = time.monotonic() - self._started_s > _LONG_S
        self._pause_s = _FIRST_PAUSE_S if long else min(self._pause_s * 2, _LONGEST_PAUSE_S)
        self._stop.wait(self._pause_s)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
