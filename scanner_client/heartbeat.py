"""Give the gate server a sign of life now and then, and learn from it what this device is."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from admission import wire
from admission.errors import RelayError
from scanner_client import __version__
from scanner_client.checkin import note
from scanner_client.connectivity import Connectivity
from scanner_client.relay import Relay


class Heartbeat:
    """One thread's work; a beat that is lost costs nothing.

    Args:
        epoch: the ledger's, as last known.
        learn: is told what the server knows of this device, at first and after each outage.
    """

    def __init__(
        self,
        relay: Relay,
        connectivity: Connectivity,
        *,
        epoch: str,
        learn: Callable[[wire.DeviceSelf], None],
    ) -> None:
        self._relay = relay
        self._connectivity = connectivity
        self._epoch = epoch
        self._learn = learn
        self._learned = False
        self._boot_id = str(uuid.uuid4())

    def run(self, stop: threading.Event, every_s: float) -> None:
        """Beat every `every_s` seconds until `stop` is set."""
        while not stop.is_set():
            self.beat()
            stop.wait(every_s)

    def beat(self) -> None:
        """Beat once; whatever comes of it is noted, never raised."""
        try:
            if not self._learned:
                known = self._relay.fetch_self()
                self._learn(known)
                self._epoch = known.epoch
                self._learned = True
            self._epoch = self._relay.heartbeat(self._word()).epoch
        except RelayError as error:
            self._learned = False
            note(self._connectivity, error)
        else:
            self._connectivity.note_answer(datetime.now(UTC))

    def _word(self) -> wire.HeartbeatRequest:
        return wire.HeartbeatRequest(
            epoch=self._epoch,
            replica_revision=0,
            replica_age_s=0,
            outbox_depth=0,
            boot_id=self._boot_id,
            device_time=wire.at(datetime.now(UTC)),
            version=__version__,
        )
