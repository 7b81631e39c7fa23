"""Scan until told to stop: the lane, and beside it heartbeat, upload and download."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from admission import wire
from admission.errors import RelayError
from scanner_client.announcer import Announcer
from scanner_client.barrier_lane import gatekeeper
from scanner_client.beside import Beside
from scanner_client.capture import Typed
from scanner_client.capture_names import STDIN, open_sources, open_terminal
from scanner_client.checkin import CheckIn, Shown, Terms
from scanner_client.connectivity import Link
from scanner_client.debounce import Debounce
from scanner_client.decode import load_stages
from scanner_client.heartbeat import Heartbeat
from scanner_client.journal_store import JournalUnwritable
from scanner_client.loop import Lane
from scanner_client.outputs import Output, Outputs
from scanner_client.preview import Window
from scanner_client.printer import PrintDesk
from scanner_client.questions import Questions
from scanner_client.scanner import Scanner

# How long to wait before a revoked device tries again to hand over what it has.
AGAIN_S = 1.0
LOOK_FOR_WAITING_S = 5.0
END_WITHIN_S = 10.0


def run(
    scanner: Scanner,
    names: Sequence[str],
    terms: Terms,
    *,
    stop: threading.Event,
    output: Output,
    keys: TextIO,
    preview: Window | None = None,
) -> None:
    """Scan what the sources show until all have ended or `stop` is set.

    Args:
        names: the sources, as `capture_names` knows them.
        output: shows what the lane has to say.
        keys: what staff type at; a terminal is read beside the sources, for answers and codes.
    """
    settings = scanner.settings
    sources = open_sources(names, settings, keys)
    typed_aside = keys.isatty() and STDIN not in names
    aside = [open_terminal(keys, settings.readers)] if typed_aside else []
    asks = keys.isatty() or settings.readers.keypad
    questions = Questions(output.report, wait_s=settings.ask_s, stop=stop) if asks else None
    announcer = Announcer(
        scanner.broadcasts, scanner.presenter, settings.broadcasts, now=scanner.clock.now
    )
    beside, desk = Beside(scanner, terms, stop, bulletin=scanner.broadcasts), scanner.desk()
    output = Outputs((beside.outputs(output), announcer, desk))
    with gatekeeper(scanner, output) as keeper:
        asker = beside.asker(questions)
        check_in = scanner.check_in(terms, asker, watches=keeper.watches, desk=desk)

        def show(shown: Shown) -> None:
            output.show(shown)
            keeper.shown(shown)
            check_in.seen(shown)

        lane = Lane(
            load_stages(output.report),
            Debounce(settings.away_s),
            check_in=check_in.check_in,
            reading=output.reading,
            present=show,
            report=output.report,
            answers=questions.take if questions is not None else nobody_asks,
        )
        with beside, Company(scanner, check_in, output, stop), announcer, printing(desk):
            lane.run(beside.watch(sources), stop, preview, aside=aside)


def nobody_asks(_: Typed) -> bool:
    """Take no text for an answer: there is nobody to type one."""
    return False


@contextmanager
def printing(desk: PrintDesk) -> Iterator[None]:
    """Print beside the lane; what is printed when it ends is printed whole."""
    over = threading.Event()
    thread = threading.Thread(target=desk.run, args=(over,), daemon=True, name="print")
    thread.start()
    try:
        yield
    finally:
        over.set()
        desk.end()
        thread.join(END_WITHIN_S)


class Company:
    """What goes on beside the lane, each in a thread of its own; none waits for another."""

    def __init__(
        self, scanner: Scanner, check_in: CheckIn, output: Output, stop: threading.Event
    ) -> None:
        self._scanner = scanner
        self._check_in = check_in
        self._output = output
        self._stop = stop
        # Not the lane's `stop`: a revoked device ends the lane, and then still hands over.
        self._over = threading.Event()

    def __enter__(self) -> None:
        scanner, settings = self._scanner, self._scanner.settings
        connectivity = scanner.contact.connectivity
        connectivity.listen(lambda _: self._output.show_link(scanner.outlook()))
        connectivity.listen(self._link_changed)
        scanner.presenter.watch(scanner.outlook)
        told = scanner.offline.told
        self._check_in.party_default = told.party_default
        heart = Heartbeat(
            scanner.relay,
            scanner.contact,
            scanner.clock,
            word=scanner.word,
            learn=self._learn,
            broadcasts=scanner.broadcasts,
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
