"""Scan until told to stop: the lane, and beside it heartbeat, upload and download."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TextIO

from msgspec.structs import replace as with_changes

from admission import wire
from admission.errors import RelayError
from scanner_client.capture import open_source
from scanner_client.checkin import CheckIn, Shown, Terms
from scanner_client.connectivity import Link
from scanner_client.debounce import Debounce
from scanner_client.decode import LiveReader, load_stages
from scanner_client.heartbeat import Heartbeat
from scanner_client.journal_store import JournalUnwritable
from scanner_client.loop import Lane
from scanner_client.outputs import Output
from scanner_client.practice import Practice
from scanner_client.presenter import Outlook
from scanner_client.preview import Window
from scanner_client.questions import Questions
from scanner_client.scanner import Scanner

# How long to wait before a revoked device tries again to hand over what it has.
AGAIN_S = 1.0
LOOK_FOR_WAITING_S = 5.0


def run(
    scanner: Scanner,
    source: str,
    terms: Terms,
    *,
    stop: threading.Event,
    output: Output,
    keys: TextIO,
    preview: Window | None = None,
    practise: bool = False,
) -> None:
    """Scan what a source shows until it ends or `stop` is set.

    Args:
        source: `camera:N`, `video FILE` or `folder DIR`.
        output: shows what the lane has to say.
        keys: what staff type at; only a terminal is asked.
        practise: begin in practice, which ends by itself.
    """
    settings = scanner.settings
    frames = open_source(source, width=settings.camera_width, height=settings.camera_height)
    questions = _questions(scanner, keys, stop)
    check_in = scanner.check_in(terms, questions)
    practice = scanner.practice(terms, questions) if practise else None

    def answer(code: str) -> Shown:
        if practice is not None and practice.on:
            return practice.check_in(code)
        return check_in.check_in(code)

    def show(shown: Shown) -> None:
        output.show(shown)
        if not shown.practice:
            check_in.seen(shown)

    lane = Lane(
        LiveReader(load_stages(output.report)),
        Debounce(settings.away_s),
        check_in=answer,
        reading=output.reading,
        present=show,
        report=output.report,
    )
    with Company(scanner, check_in, output, stop, practice):
        lane.run(frames, stop, preview)


def _questions(scanner: Scanner, keys: TextIO, stop: threading.Event) -> Questions | None:
    if not keys.isatty():
        return None
    report, wait_s = scanner.presenter.report, scanner.settings.ask_s
    return Questions(keys, report, wait_s=wait_s, stop=stop)


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
        told = scanner.offline.told
        self._check_in.party_default = told.party_default
        heart = Heartbeat(
            scanner.relay,
            scanner.contact,
            scanner.clock,
            word=self._word,
            learn=self._learn,
            hear=self._hear,
        )
        self._start("beat", lambda: heart.run(self._over, settings.heartbeat_s))
        self._start("upload", lambda: scanner.uploader.run(self._over, LOOK_FOR_WAITING_S))
        scanner.download.start(self._over)
        self._start("revoked", self._obey)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._scanner.uploader.wake()
        self._scanner.download.wake()

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
