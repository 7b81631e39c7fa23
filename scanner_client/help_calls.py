"""Calls for help 现场求助 from this lane: kept on disk until the server has them, sent first."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from admission import wire
from admission.errors import RelayError
from admission.incidents import IncidentKind
from admission.wire_incidents import IncidentDetail, IncidentRequest
from admission.wire_surges import HelpTold
from scanner_client.checkin import new_nonce
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.legible import legible
from scanner_client.relay import Relay
from scanner_client.screen_pictures import Both
from scanner_client.state import StateError, save_state
from scanner_client.venue_time import tell_clock

HELP_FILE: Final = "help.json"
LOCK_FILE: Final = "help.lock"
LOOK_EVERY_S: Final = 0.5
WITHIN_S: Final = 3.0
"""How long one try may take: nobody waits for it but whoever called."""
MOST_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class KeptCall:
    """A call that the server may not have.

    Attributes:
        called_at: by this machine's clock; the server knows how far that is off.
    """

    nonce: str
    called_at: datetime


class HelpCalls:
    """The calls of one scanner. Safe for several threads and processes; no scan waits for them.

    Args:
        zone: the venue's, as far as it is known.
    """

    def __init__(
        self,
        directory: Path,
        relay: Relay,
        contact: Contact,
        clock: SteadyClock,
        *,
        zone: Callable[[], ZoneInfo | None],
    ) -> None:
        self._path = directory / HELP_FILE
        self._lock_path = directory / LOCK_FILE
        self._relay, self._contact, self._clock = relay, contact, clock
        self._zone = zone
        self._sending = threading.Lock()
        self._told: HelpTold | None = None
        self._sent_at: datetime | None = None

    def call(self) -> Both:
        """Call for help: on disk first, then to the server; return what to tell staff.

        Raises:
            StateError: neither this machine nor the server could take it; use the telephone.
        """
        now = wire.at(self._clock.wall()) or self._clock.now()
        call = KeptCall(new_nonce(self._clock.wall()), now)
        try:
            self._change(lambda kept: (*kept, call)[-MOST_KEPT:])
        except StateError:
            # A full disk is no reason to call nobody.
            if not self._send(call, late=False):
                raise
        else:
            self.send(late=False)
        return self.line() or self._line(call.called_at)

    def send(self, *, late: bool = True) -> bool:
        """Send what waits, the oldest first; return whether the server has it all.

        Args:
            late: it was pressed before, so that its time is told.
        """
        with self._sending:
            for call in self._read():
                if not self._send(call, late=late):
                    return False
                self._forget(call)
            return True

    def _forget(self, sent: KeptCall) -> None:
        self._change(lambda kept: tuple(each for each in kept if each != sent))

    def run(self, over: threading.Event) -> None:
        """Send what waits whenever the server can be reached, until `over` is set."""
        while not over.wait(LOOK_EVERY_S):
            try:
                if self._read():
                    self.send()
            except StateError as error:
                self._contact.alarms.sound("help", str(error))

    def hear(self, beat: wire.Heartbeat, asked_at: datetime) -> None:
        """Take what a heartbeat's answer says of an open call; what it cannot know of stands."""
        if self._sent_at is None or asked_at >= self._sent_at:
            self._told = beat.help

    def line(self) -> Both | None:
        """Return how this lane's call stands, for whoever waits; None: nobody has called."""
        waiting, told = self._read(), self._told
        if waiting:
            clock = tell_clock(waiting[-1].called_at, self._zone())
            return Both(
                f"{clock} 已求助，网络恢复后立即发送；急事请用电话或对讲机",
                f"Help called at {clock}, sent as soon as the server is back; else use the phone",
            )
        if told is None:
            return None
        clock = tell_clock(told.called_at, self._zone())
        if told.acknowledged_by is None:
            return self._alone(told.called_at) if told.nobody_called else self._line(told.called_at)
        name = legible(told.acknowledged_by, 40)
        return Both(f"{clock} 已求助，{name} 已收到", f"Help called at {clock}, seen by {name}")

    def _line(self, called_at: datetime) -> Both:
        clock = tell_clock(called_at, self._zone())
        return Both(f"{clock} 已求助，等待回应", f"Help called at {clock}, not answered yet")

    def _alone(self, called_at: datetime) -> Both:
        clock = tell_clock(called_at, self._zone())
        return Both(
            f"{clock} 已登记求助，但值班名单为空，系统不会呼叫任何人：请用电话或对讲机",
            f"Help noted at {clock}, but nobody is on the duty list, so nobody is called: "
            "use the phone or radio",
        )

    def _send(self, call: KeptCall, *, late: bool) -> bool:
        request = IncidentRequest(
            kind=IncidentKind.HELP,
            nonce=call.nonce,
            called_at=call.called_at if late else None,
        )
        try:
            made = self._relay.call_for_help(request, WITHIN_S)
        except RelayError as error:
            if not self._contact.failed(error):
                return False
            # Its own no stands: to ask again changes nothing.
            self._contact.alarms.sound("help", f"the server takes no call for help: {error}")
            return True
        self._note(made)
        return True

    def _note(self, made: IncidentDetail) -> None:
        self._sent_at = self._clock.now()
        self._told = HelpTold(
            incident_id=made.incident_id,
            called_at=made.called_at or made.opened_at,
            acknowledged_at=made.acknowledged_at,
            acknowledged_by=made.acknowledged_by,
            nobody_called=made.nobody_called,
        )

    def _read(self) -> tuple[KeptCall, ...]:
        """Return what waits; a damaged file has nothing, and is put right by the next call."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[KeptCall, ...])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return ()

    def _change(self, change: Callable[[tuple[KeptCall, ...]], tuple[KeptCall, ...]]) -> None:
        try:
            with self._lock_path.open("ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                save_state(self._path, change(self._read()))
        except OSError as error:
            raise StateError(f"cannot write {self._path}: {error.strerror}") from error
