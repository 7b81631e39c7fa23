"""Whether the gate server answers, and since when; one slow answer is no outage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

# So many in a row: a single one is chance.
MISSES = 2
ANSWERS = 2


@dataclass(frozen=True, slots=True)
class Link:
    """The state of the way to the gate server.

    Attributes:
        online: None until the first try has ended.
        since: when it became so, aware UTC.
        problem: what is wrong; "" online.
        barred: the server will not have this device: nothing is decided until it is cleared up.
    """

    online: bool | None = None
    since: datetime | None = None
    problem: str = ""
    barred: bool = False


class Connectivity:
    """Notes each answer and each miss, and tells of the changes. Safe for several threads.

    It goes offline after two misses in a row, or one where nothing is there at all, and comes back
    after two answers in a row.
    """

    def __init__(self, *listeners: Callable[[Link], None]) -> None:
        self._lock = threading.Lock()
        self._link = Link()
        self._in_a_row = 0
        self._listeners = [*listeners]

    @property
    def link(self) -> Link:
        """The state now."""
        return self._link

    @property
    def offline(self) -> bool:
        """Whether scans are decided here, without asking."""
        return self._link.online is False

    def listen(self, listener: Callable[[Link], None]) -> None:
        """Have someone told of changes."""
        self._listeners.append(listener)

    def note_answer(self, now: datetime) -> None:
        """The server answered, be it a no."""
        with self._lock:
            if self._link.online:
                self._in_a_row = 0
            elif self._count(ANSWERS if self._link.online is False else 1):
                self._turn(Link(online=True, since=now))

    def note_miss(self, now: datetime, problem: str, *, hard: bool = False) -> None:
        """The server did not answer, or not as one that knows this device.

        Args:
            hard: nothing is there to be slow: refused, unknown, not the server that is trusted.
        """
        with self._lock:
            if self._link.online is False:
                self._in_a_row = 0
            elif self._count(MISSES if self._link.online and not hard else 1):
                self._turn(Link(online=False, since=now, problem=problem))

    def note_bar(self, now: datetime, problem: str) -> None:
        """The server knows this device and will not have it."""
        with self._lock:
            if not self._link.barred:
                self._turn(Link(online=False, since=now, problem=problem, barred=True))

    def _count(self, needed: int) -> bool:
        self._in_a_row += 1
        return self._in_a_row >= needed

    def _turn(self, link: Link) -> None:
        # Under the lock, so that two changes are told in the order in which they happened.
        self._in_a_row = 0
        self._link = link
        for tell in self._listeners:
            tell(link)
