"""Who stands at this scanner, kept on disk for each of its processes and for the next start."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec

from admission.wire_people import OfflineShift
from scanner_client.state import StateError, save_state

DUTY_FILE = "duty.json"
LOCK_FILE = "duty.lock"
MOST_UNTOLD = 200
"""Shifts that are kept for the server; of more the oldest go."""


@dataclass(frozen=True, slots=True)
class OnDuty:
    """Who stands here.

    Attributes:
        operator: the number, or offline what the owner of a badge is called.
        name: masked; "" where only the server knows it.
        since: the server's time.
        told: whether the server knows of it.
        verified: whether it has seen a badge or a PIN.
    """

    operator: str
    name: str
    since: datetime
    told: bool
    verified: bool

    @property
    def line(self) -> str:
        """Number and masked name, for staff."""
        return f"{self.operator} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Duty:
    """Who stands here, and the shifts that the server has not heard of, the oldest first.

    Attributes:
        badge: what the owner of the badge is called that signed in; it tells nothing of the badge.
    """

    here: OnDuty | None = None
    untold: tuple[OfflineShift, ...] = ()
    badge: str | None = None

    @property
    def to_tell(self) -> tuple[OfflineShift, ...]:
        """All that the server has to hear, the running shift last."""
        if self.here is None or self.here.told:
            return self.untold
        return *self.untold, OfflineShift(operator=self.here.operator, since=self.here.since)

    def left(self, at: datetime) -> Duty:
        """Return it after whoever stands here left, of which the server does not know."""
        if self.here is None:
            return self
        until = max(at, self.here.since)
        shift = OfflineShift(operator=self.here.operator, since=self.here.since, until=until)
        return Duty(None, (*self.untold, shift)[-MOST_UNTOLD:])

    def heard(self, told: tuple[OfflineShift, ...]) -> Duty:
        """Return it after the server took what was told."""
        here = self.here
        if here is not None and any(each.since == here.since for each in told):
            here = replace(here, told=True)
        untold = tuple(each for each in self.untold if each not in told)
        return Duty(here, untold, self.badge)


class DutyFile:
    """The file of one scanner. Safe for several threads and processes."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / DUTY_FILE
        self._lock_path = directory / LOCK_FILE
        self._known: tuple[tuple[int, int] | None, Duty] = (None, Duty())

    def read(self) -> Duty:
        """Return what stands there; read again only where it has changed, for each scan asks."""
        stamp = self._stamp()
        known = self._known
        if known[0] != stamp:
            known = self._known = stamp, self._load()
        return known[1]

    def change(self, change: Callable[[Duty], Duty]) -> Duty:
        """Change what stands there.

        Raises StateError: it cannot be written.
        """
        try:
            with self._lock_path.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                before = self._load()
                after = change(before)
                if after != before:
                    save_state(self._path, after)
        except OSError as error:
            raise StateError(f"cannot write {self._path}: {error.strerror}") from error
        return after

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _load(self) -> Duty:
        """Return what the file says; one that is damaged says that nobody has signed in."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Duty)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return Duty()
