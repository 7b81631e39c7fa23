"""A circuit breaker: leave a platform alone that does not answer in time. No clock, no thread.

The caller says what time it is, in seconds of any steady clock, and keeps the breaker to itself.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final

FAILURES: Final = 5
"""So many in a row open it."""

WINDOW: Final = 20
LEAST: Final = 10
"""It also opens when half of the last answers were late or none; judged from so many on."""

REST_S: Final = 30.0
"""How long it stays open before one question may try again."""


class State(StrEnum):
    """How a breaker stands; shown by `feed status` and /metrics."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(StrEnum):
    """How a question ended, as far as its asker could wait."""

    ANSWERED = "answered"
    LATE = "late"
    FAILED = "failed"


class Breaker:
    """Says whether a platform may be asked, by how it answered before."""

    def __init__(self) -> None:
        self._row = 0
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._opened_s: float | None = None
        self._probe_s: float | None = None

    def state(self, now_s: float) -> State:
        """Return how it stands."""
        if self._opened_s is None:
            return State.CLOSED
        return State.OPEN if now_s < self._opened_s + REST_S else State.HALF_OPEN

    def admits(self, now_s: float) -> bool:
        """Say whether to ask now. While half open one question may, until its outcome is noted.

        A probe whose outcome nobody noted is forgotten after as long a rest.
        """
        state = self.state(now_s)
        if state is State.HALF_OPEN:
            if self._probe_s is not None and now_s < self._probe_s + REST_S:
                return False
            self._probe_s = now_s
        return state is not State.OPEN

    def note(self, outcome: Outcome, now_s: float) -> None:
        """Note how a question ended."""
        answered = outcome is Outcome.ANSWERED
        if self._opened_s is not None:
            if self._probe_s is None:
                return  # asked before it opened
            self._probe_s = None
            self._row = 0
            self._recent.clear()
            self._opened_s = None if answered else now_s
            return
        self._row = 0 if answered else self._row + 1
        self._recent.append(answered)
        half = len(self._recent) >= LEAST and 2 * sum(self._recent) <= len(self._recent)
        if self._row >= FAILURES or half:
            self._opened_s = now_s
