"""Tell the gate server who passed the turnstile, and give back who did not; offline too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from admission import wire
from admission.errors import AdmissionError, LedgerConflict, RelayError
from admission.wire_outage import OfflinePassage
from admission.wire_passage import PassageRequest, ReportKind, ReportRequest
from scanner_client.annulment import Annulment
from scanner_client.answers import Declined, NotUnderstood
from scanner_client.checkin import new_nonce
from scanner_client.clock import SteadyClock
from scanner_client.contact import Contact
from scanner_client.journal import Journal
from scanner_client.journal_openings import Note, State
from scanner_client.journal_rows import OwnScan
from scanner_client.relay import Relay

DID_NOT_TURN = "did not pass the turnstile"
LOOK_EVERY_S = 2.0
DRAIN_S = 3.0


class Passages:
    """Does in a thread of its own what the turnstile cannot wait for, in the order of events.

    What it is told is noted in the journal before the server is asked, so that it outlives a kill.
    """

    def __init__(
        self,
        relay: Relay,
        contact: Contact,
        journal: Journal,
        annulment: Annulment,
        clock: SteadyClock,
    ) -> None:
        self._relay = relay
        self._contact = contact
        self._journal = journal
        self._annulment = annulment
        self._clock = clock
        self._again: list[tuple[str, int]] = []
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="passages")

    # --- what the turnstile says; each returns at once ------------------------------------------

    def turned(self, nonce: str, turned: int) -> None:
        """Of a scan's people, so many have turned by now."""
        self._tasks.put(lambda: self._turned(nonce, turned))

    def give_back(self, nonce: str, people: int) -> None:
        """So many of a scan's people have not turned, all in all, and their time is over."""
        self._tasks.put(lambda: self._give_back(nonce, people))

    def done(self, nonce: str) -> None:
        """All of a scan's people have turned."""
        self._tasks.put(lambda: self._journal.openings.end(nonce, State.DONE))

    def by_hand(self, nonce: str) -> None:
        """The turnstile could not be opened; staff see to it that a scan's people pass."""
        self._tasks.put(lambda: self._journal.openings.end(nonce, State.UNKNOWN))

    def unknown(self, nonce: str, people: int, detail: str) -> None:
        """Nobody saw whether so many of a scan's people passed: they stay counted as passed."""
        self._tasks.put(lambda: self._journal.openings.end(nonce, State.UNKNOWN))
        self.report(ReportKind.UNKNOWN_PASSAGE, people=people, detail=f"{detail}; scan {nonce}")

    def report(self, kind: ReportKind, *, people: int | None = None, detail: str = "") -> None:
        """Report something; it is kept until the server has it."""
        now = self._clock.now()
        report = ReportRequest(
            nonce=new_nonce(now),
            kind=kind,
            at=wire.at(now) or now,
            people=people,
            detail=detail[:500] or None,
        )
        self._tasks.put(lambda: self._journal.openings.keep(report))

    # --- the thread -----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Do what is left to do, but not for long: what waits in the journal is done later."""
        self._over.set()
        self._tasks.put(self._idle)
        self._thread.join(DRAIN_S)

    def _run(self) -> None:
        while not (self._over.is_set() and self._tasks.empty()):
            try:
                task = self._tasks.get(timeout=LOOK_EVERY_S)
            except Empty:
                task = self._idle
            self._try(task)
            if self._tasks.empty():
                self._try(self._idle)

    def _try(self, task: Callable[[], None]) -> None:
        try:
            task()
        except AdmissionError as error:
            self._contact.alarms.sound("passage", str(error))
        else:
            self._contact.alarms.clear("passage")

    def _turned(self, nonce: str, turned: int) -> None:
        self._journal.openings.turn(nonce, turned)
        own, now, revision = self._journal.find(nonce), self._clock.now(), None
        offline = self._contact.connectivity.offline
        # The server cannot note what it has not been told of: then it is told of both, in order.
        if own is None or not (own.state == "waiting" or offline):
            try:
                answer = self._relay.tell_passage(nonce, PassageRequest(people=turned))
                revision = answer.ledger_revision
            except RelayError as error:
                if self._contact.failed(error) or own is None:
                    raise
        if own is not None:
            self._journal.amend(self._line(own, turned), now, revision=revision)

    def _line(self, own: OwnScan, turned: int) -> OfflinePassage:
        return OfflinePassage(
            passage=own.line.nonce,
            people=turned,
            scanned_at=wire.at(self._clock.wall()) or self._clock.now(),
            gate_id=own.line.gate_id,
        )

    def _give_back(self, nonce: str, people: int) -> None:
        # First that it is to be done: who is killed now does it at the next start.
        self._journal.openings.end(nonce, State.EXPIRED)
        request = wire.AnnulRequest(reason=DID_NOT_TURN, people=people)
        try:
            self._annulment.annul(nonce, request)
        except (RelayError, LedgerConflict) as error:
            final = isinstance(error, Declined | NotUnderstood)
            if not (final or self._contact.connectivity.offline is False):
                # What only the server knows, as an override, is given back once it answers.
                self._again.append((nonce, people))
                return
            self._contact.alarms.sound(f"annul {nonce}", f"{nonce} not given back: {error}")
        self._journal.openings.end(nonce, State.DONE)

    def _idle(self) -> None:
        """Do what waited for the server."""
        if self._contact.connectivity.offline:
            return
        again, self._again = self._again, []
        for nonce, people in again:
            self._give_back(nonce, people)
        self._send_reports()

    def _send_reports(self) -> None:
        for report in self._journal.openings.waiting():
            try:
                self._relay.report(report)
            except (Declined, NotUnderstood) as error:
                # It will not have it, today or ever.
                self._contact.alarms.sound(f"report {report.kind}", f"report refused: {error}")
            except RelayError:
                return
            self._journal.openings.drop(report.nonce)

    # --- after a start --------------------------------------------------------------------------

    def take_over(self) -> list[Note]:
        """Finish what a process that was killed had begun; return what nobody knows.

        What it had decided to give back is given back, and what it had counted is told. Who passed
        while no scanner looked, nobody knows: nothing is given back that was not seen.
        """
        unknown = []
        for note in self._journal.openings.take_over(self._clock.now()):
            missing = note.people - note.turned
            if note.turned:
                self.turned(note.nonce, note.turned)
            if missing == 0:
                self.done(note.nonce)
            elif note.state is State.EXPIRED:
                self.give_back(note.nonce, missing)
            else:
                detail = "the scanner stopped while the turnstile was open"
                self.unknown(note.nonce, missing, detail)
                unknown.append(note)
        return unknown
