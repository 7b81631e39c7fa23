"""Whether the gate server answers, and since when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Link:
    """The state of the way to the gate server.

    Attributes:
        online: None until the first try has ended.
        since: when it became so, aware UTC.
        problem: what is wrong; "" online.
    """

    online: bool | None = None
    since: datetime | None = None
    problem: str = ""


class Connectivity:
    """Notes each answer and each miss, and tells of the changes. Safe for several threads."""

    def __init__(self, on_change: Callable[[Link], None]) -> None:
        self._on_change = on_change
        self._lock = threading.Lock()
        self._link = Link()

    @property
    def link(self) -> Link:
        """The state now."""
        return self._link

    def note_answer(self, now: datetime) -> None:
        """The server answered, be it a no."""
        self._turn(Link(online=True, since=now))

    def note_miss(self, now: datetime, problem: str) -> None:
        """The server did not answer, or not as one that knows this device."""
        self._turn(Link(online=False, since=now, problem=problem))

    def _turn(self, link: Link) -> None:
        with self._lock:
            if link.online is self._link.online:
                return
            self._link = link
            # Inside the lock, so that two changes are told in the order in which they happened.
            self._on_change(link)
