"""What the end of a call to the gate server says about the server, and about this device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from admission.errors import RelayError
from scanner_client.alarms import Alarms
from scanner_client.answers import (
    Declined,
    NoAnswer,
    NotAllowed,
    NotRecognised,
    NotThere,
)
from scanner_client.connectivity import Connectivity
from scanner_client.journal import Journal
from scanner_client.journal_store import JournalUnwritable

REVOKED = "this device was revoked 此设备已停用"
_STRANGER = "stranger"


class Contact:
    """Hears how every call ended. Safe for several threads.

    Attributes:
        revoked: set once the server has said, by name, that this device was revoked.
    """

    def __init__(
        self,
        connectivity: Connectivity,
        journal: Journal,
        alarms: Alarms,
        *,
        device_id: str,
        now: Callable[[], datetime],
    ) -> None:
        self.connectivity = connectivity
        self.alarms = alarms
        self.revoked = threading.Event()
        self._journal = journal
        self._device_id = device_id
        self._now = now

    def answered(self, epoch: str) -> None:
        """The server answered; `epoch` is its ledger's."""
        self.note_epoch(epoch)
        self.alarms.clear(_STRANGER)
        self.connectivity.note_answer(self._now())

    def failed(self, error: RelayError) -> bool:
        """Tell a server that says no from one that is away or does not know this device.

        Returns: whether its no stands, so that nothing is decided here instead.
        """
        now = self._now()
        if isinstance(error, NotAllowed) and error.slug.startswith("device-"):
            return self._turned_away(error, now)
        if isinstance(error, NotRecognised | NotThere):
            return self._unknown(error, now)
        if isinstance(error, Declined):
            self.connectivity.note_answer(now)
            return True
        hard = isinstance(error, NoAnswer) and error.hard
        self.connectivity.note_miss(now, str(error), hard=hard)
        return False

    def _turned_away(self, error: NotAllowed, now: datetime) -> bool:
        if error.device_id != self._device_id:
            return self._unknown(error, now)
        if error.revokes(self._device_id):
            self.note_revoked()
        else:
            self.alarms.sound(error.slug, str(error))
            self.connectivity.note_bar(now, str(error))
        return True

    def _unknown(self, error: RelayError, now: datetime) -> bool:
        """A restored server may have forgotten the device: that is no reason to stop."""
        self.alarms.sound(_STRANGER, f"{error}; going on offline, tell a supervisor")
        self.connectivity.note_miss(now, str(error), hard=True)
        return False

    def note_revoked(self) -> None:
        """The server said, by name, that this device was revoked."""
        self.alarms.sound("revoked", REVOKED)
        self.connectivity.note_bar(self._now(), REVOKED)
        self.revoked.set()

    def note_epoch(self, epoch: str) -> None:
        """Note the ledger's epoch; where it is another one, all that is kept is sent again."""
        if not epoch:
            return
        try:
            if self._journal.note_epoch(epoch):
                self.alarms.sound(
                    f"epoch {epoch}",
                    "the gate server's ledger was restored or replaced; "
                    "everything this scanner has shown lately is sent to it again",
                )
        except JournalUnwritable as error:
            self.alarms.sound("journal", str(error))
