"""What supervisors have told this device: kept while it is in force, acknowledged once shown."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admission import wire
from admission.broadcasts import in_force, rank
from admission.errors import InvalidInput

# The server has at most 50 in force; whatever it sends, no more than these are kept.
MOST_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class BroadcastSettings:
    """What a venue may choose of `[broadcasts]` in scanner.toml.

    Attributes:
        repeat_s: after so many seconds a high one is shown again.
        quiet_s: how long after a verdict none is shown.
        shown_elsewhere: another program shows staff what this one writes.
    """

    repeat_s: float
    quiet_s: float
    shown_elsewhere: bool

    def __post_init__(self) -> None:
        for name, least in (("repeat_s", 1), ("quiet_s", 0)):
            if not least <= getattr(self, name) <= 3600:
                raise InvalidInput(name, f"give a number from {least} to 3600")


class Broadcasts:
    """The broadcasts of one device, in memory. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, wire.BroadcastEvent] = {}
        self._ended: deque[str] = deque(maxlen=MOST_KEPT)
        self._shown: set[str] = set()
        self._unsaid: list[str] = []
        self._listeners: list[Callable[[], object]] = []

    def listen(self, listener: Callable[[], object]) -> None:
        """Have someone told, in whatever thread, that something came or was ended."""
        self._listeners.append(listener)

    def current(self, now: datetime) -> list[wire.BroadcastEvent]:
        """Return what is to be shown now, high ones first, then the newest.

        What has expired is kept until the server names it no more, for this clock may be wrong.

        Args:
            now: the server's time, as well as it is known.
        """
        with self._lock:
            known = list(self._known.values())
        found = [each for each in known if in_force(now, each.expires_at, each.ended_at)]
        return sorted(found, key=lambda each: rank(each.priority, each.made_at))

    # --- what the server tells -------------------------------------------------------------------

    def take(self, *told: wire.BroadcastEvent) -> None:
        """Take what the event stream tells: a new one, or that one is not shown any more."""
        with self._lock:
            changed = [self._take(each) for each in told]
        if any(changed):
            self._tell()

    def _take(self, told: wire.BroadcastEvent) -> bool:
        """Take one; return whether it changes what is shown."""
        name = told.broadcast_id
        if told.ended_at is not None:
            self._ended.append(name)
            return self._known.pop(name, None) is not None
        # A heartbeat's answer may have been under way while the stream told of the end.
        if name in self._ended:
            return False
        new = self._known.get(name) != told
        self._known[name] = told
        if len(self._known) > MOST_KEPT:
            del self._known[min(self._known, key=lambda each: self._known[each].expires_at)]
        return new

    def held(self) -> list[str]:
        """Return the ids of what is kept, to be asked for before a heartbeat."""
        with self._lock:
            return list(self._known)

    def take_heartbeat(self, beat: wire.Heartbeat, held: Iterable[str]) -> None:
        """Take what a heartbeat's answer says; what it does not name any more is not shown.

        Args:
            held: what was kept when it was asked; what came since, it may not know of yet.
        """
        with self._lock:
            changed = [self._take(each) for each in beat.messages]
            # What it lists was not told to it, as far as it knows: it may have been restored.
            again = (each.broadcast_id for each in beat.messages)
            self._unsaid += [
                name for name in again if name in self._shown and name not in self._unsaid
            ]
            if beat.in_force is not None:
                gone = [name for name in held if name not in beat.in_force]
                changed += [self._known.pop(name, None) is not None for name in gone]
        if any(changed):
            self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    # --- what the server is told -----------------------------------------------------------------

    def shown(self, broadcast_id: str) -> None:
        """Note that somebody could read one; the next heartbeat says so."""
        with self._lock:
            if broadcast_id in self._known and broadcast_id not in self._shown:
                self._shown.add(broadcast_id)
                self._unsaid.append(broadcast_id)

    def unsaid(self) -> list[str]:
        """Return what the server has yet to hear of, as many as one heartbeat may carry."""
        with self._lock:
            return self._unsaid[: wire.MOST_SEEN]

    def said(self, ids: Iterable[str]) -> None:
        """Note that the server has heard of these."""
        with self._lock:
            heard = set(ids)
            self._unsaid = [name for name in self._unsaid if name not in heard]
            # What is gone and told need not be remembered.
            self._shown &= {*self._known, *self._unsaid}
