"""Give the gate server a sign of life now and then, and learn from it what this device is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from admission import wire
from admission.errors import AdmissionError, RelayError
from scanner_client import __version__
from scanner_client.broadcasts import Broadcasts
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.relay import Relay

# While the server is away, its first answer is what staff wait for.
PROBE_EVERY_S = 1.0

Word = Callable[[], wire.HeartbeatRequest]


class Heartbeat:
    """One thread's work; a beat that is lost costs nothing.

    Args:
        word: says how far this scanner has come; without device_time and version.
        learn: is told what the server knows of this device: at first, after each outage, and once
            the server says that it stands elsewhere or asks otherwise for the party.
        broadcasts: takes those that the answer has; `word` tells which were shown.
        hear: is told each answer, and the server's time when it was asked for.
    """

    def __init__(
        self,
        relay: Relay,
        contact: Contact,
        clock: SteadyClock,
        *,
        word: Word,
        learn: Callable[[wire.DeviceSelf], None],
        broadcasts: Broadcasts,
        hear: Callable[[wire.Heartbeat, datetime], None] = lambda _beat, _at: None,
    ) -> None:
        self._hear = hear
        self._relay = relay
        self._contact = contact
        self._clock = clock
        self._word = word
        self._learn = learn
        self._broadcasts = broadcasts
        self._known: wire.DeviceSelf | None = None

    def run(self, stop: threading.Event, every_s: float) -> None:
        """Beat every `every_s` seconds until `stop` is set; more often while nobody answers."""
        while not stop.is_set():
            self.beat()
            link = self._contact.connectivity.link
            stop.wait(every_s if link.online else min(every_s, PROBE_EVERY_S))

    def beat(self) -> None:
        """Beat once; whatever comes of it is noted, never raised."""
        try:
            known = self._known or self._ask_anew()
            asked, asked_at = self._clock.mark(), self._clock.now()
            held, word = self._broadcasts.held(), self._say()
            beat = self._relay.heartbeat(word)
            self._clock.learn(beat.server_time, asked)
            self._broadcasts.said(word.seen)
            self._broadcasts.take_heartbeat(beat, held)
            self._hear(beat, asked_at)
            if _says_otherwise(beat, known):
                self._ask_anew()
        except RelayError as error:
            self._known = None
            self._contact.failed(error)
        except AdmissionError as error:
            # A full disk keeps nobody from telling that this device lives the next time.
            self._contact.alarms.sound("heartbeat", str(error))
        else:
            self._contact.answered(beat.epoch)

    def _ask_anew(self) -> wire.DeviceSelf:
        asked = self._clock.mark()
        known = self._relay.fetch_self()
        self._clock.learn(known.server_time, asked)
        self._learn(known)
        self._known = known
        return known

    def _say(self) -> wire.HeartbeatRequest:
        return replace(self._word(), device_time=wire.at(self._clock.wall()), version=__version__)


def _says_otherwise(beat: wire.Heartbeat, known: wire.DeviceSelf) -> bool:
    """Say whether a device was moved, or its party changed, since it asked who it is."""
    party = beat.party_default
    moved = beat.gate_id is not None and beat.gate_id != known.gate_id
    return moved or (party is not None and party != known.party_default)
