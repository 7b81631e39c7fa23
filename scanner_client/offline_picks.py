"""Handles of vouchers that this scanner listed for staff to pick; in memory, for two minutes."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from admission.errors import AdmissionError
from scanner_client.replica import Held, View

OFFLINE_PICK = "here:"
"""Begins every such handle; no handle of the server begins so."""
HOLDS_FOR = timedelta(minutes=2)


class Unheld(AdmissionError):
    """A handle that means nothing here, or no more."""


@dataclass(frozen=True, slots=True)
class _Listed:
    key: bytes
    platform: str
    until: datetime


class Picks:
    """The handles given lately. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listed: dict[str, _Listed] = {}

    def write(self, held: Held, now: datetime) -> str:
        """Make a handle."""
        handle = OFFLINE_PICK + secrets.token_urlsafe(12)
        with self._lock:
            self._listed = {
                name: listed for name, listed in self._listed.items() if now <= listed.until
            }
            until = now + HOLDS_FOR
            self._listed[handle] = _Listed(held.credential_key, held.platform, until)
        return handle

    def read(self, handle: str, view: View | None, now: datetime) -> Held:
        """Return the voucher that a handle stands for.

        Raises Unheld: it is the server's, too old, or its voucher is not here any more.
        """
        listed = self._listed.get(handle)
        if listed is None or now > listed.until or view is None:
            raise Unheld("this list is the gate server's, or too old; scan the code again")
        for held in view.find((listed.key,)):
            if held.platform == listed.platform and held.credential_key == listed.key:
                return held
        raise Unheld("this voucher is not held any more; scan the code again")
