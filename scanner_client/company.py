"""What goes on beside a lane: heartbeat, upload, download, and the word that it was revoked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from msgspec.structs import replace as with_changes

from admission import wire
from admission.errors import RelayError
from scanner_client.checkin import CheckIn, Shown
from scanner_client.connectivity import Link
from scanner_client.download import Told as Event
from scanner_client.heartbeat import Heartbeat
from scanner_client.journal_store import JournalUnwritable
from scanner_client.outputs import Output
from scanner_client.practice import Practice
from scanner_client.presenter import Outlook
from scanner_client.scanner import Scanner

# How long to wait before a revoked device tries again to hand over what it has.
AGAIN_S = 1.0
LOOK_FOR_WAITING_S = 5.0


class Company:
    """What goes on beside the lane, each in a thread of its own; none waits for another."""

    def __init__(
        self,
        scanner: Scanner,
        check_in: CheckIn,
        output: Output,
        stop: threading.Event,
        practice: Practice | None = None,
    ) -> None:
        self._practice = practice
        self._scanner = scanner
        self._check_in = check_in
        self._output = output
        self._stop = stop
        # Not the lane's `stop`: a revoked device ends the lane, and then still hands over.
        self._over = threading.Event()

    def __enter__(self) -> None:
        scanner, settings = self._scanner, self._scanner.settings
        connectivity = scanner.contact.connectivity
        connectivity.listen(lambda _: self._output.show_link(self._outlook()))
        connectivity.listen(self._link_changed)
        scanner.presenter.watch(self._outlook)
        scanner.listeners.append(self._take)
        told = scanner.offline.told
        self._check_in.party_default = told.party_default
        heart = Heartbeat(
            scanner.relay,
            scanner.contact,
            scanner.clock,
            word=self._word,
            learn=self._learn,
            broadcasts=scanner.broadcasts,
            hear=self._hear,
        )
        self._start("beat", lambda: heart.run(self._over, settings.heartbeat_s))
        self._start("upload", lambda: scanner.uploader.run(self._over, LOOK_FOR_WAITING_S))
        self._start("help", lambda: scanner.help_calls.run(self._over))
        scanner.download.start(self._over)
        self._start("revoked", self._obey)

    def __exit__(self, *_: object) -> None:
        self._scanner.listeners.remove(self._take)
        self._over.set()
        self._scanner.uploader.wake()
        self._scanner.download.wake()

    def _take(self, event: Event) -> None:
        """Show what the server decides later: a supervisor's override for this lane."""
        if isinstance(event, wire.ScanAnswer):
            self._output.show(Shown(event.nonce, event.outcome, event.message, event))

    def _link_changed(self, link: Link) -> None:
        """Begin at once when the server is back."""
        if link.online:
            self._scanner.uploader.wake()
            self._scanner.download.wake()

    def _start(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=work, daemon=True, name=name).start()

    def _practising(self) -> bool:
        return self._practice is not None and self._practice.on

    def _outlook(self) -> Outlook:
        return replace(self._scanner.outlook(), practice=self._practising())

    def _word(self) -> wire.HeartbeatRequest:
        word = self._scanner.word()
        return with_changes(word, practice=True) if self._practising() else word

    def _hear(self, beat: wire.Heartbeat, asked_at: datetime) -> None:
        line = self._scanner.desk.hear(beat, asked_at)
        if line:
            self._output.report(line)
        before = self._scanner.help_calls.line()
        self._scanner.help_calls.hear(beat, asked_at)
        now = self._scanner.help_calls.line()
        if now is not None and now != before:
            self._output.report(f"{now.zh}  {now.en}")

    def _learn(self, known: wire.DeviceSelf) -> None:
        self._scanner.learn(known)
        self._check_in.party_default = known.party_default

    def _obey(self) -> None:
        """Wait for the word that this device was revoked, and end its work."""
        scanner = self._scanner
        while not self._over.is_set():
            if not scanner.contact.revoked.wait(AGAIN_S):
                continue
            try:
                scanner.hand_over_and_wipe()
            except (RelayError, JournalUnwritable) as error:
                scanner.contact.alarms.sound("hand over", str(error))
                self._over.wait(AGAIN_S)
            else:
                self._over.set()
                self._stop.set()
