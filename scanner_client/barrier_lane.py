"""Join a turnstile to a lane: which verdicts open it, and who is told how it stands."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from admission import wire
from admission.verdicts import Outcome
from admission.wire_passage import ReportKind
from scanner_client.barrier import Turnstile
from scanner_client.barrier_driver import Driver
from scanner_client.barrier_settings import BarrierSettings
from scanner_client.barrier_state import STATES, BarrierState
from scanner_client.checkin import LETS_IN, Shown
from scanner_client.download import Told
from scanner_client.journal_store import JournalUnwritable
from scanner_client.outputs import Output, show_barrier
from scanner_client.passage import Passages
from scanner_client.replica import NoReplica
from scanner_client.scanner import Scanner

ASK_REPLICA_EVERY_S = 0.5
END_WITHIN_S = 3.0


class Gatekeeper:
    """Stands between a lane and its turnstile; a lane without one has `turnstile` None.

    Args:
        output: shows how the turnstile stands.
    """

    def __init__(self, scanner: Scanner, output: Output, driver: Driver | None) -> None:
        self._scanner = scanner
        self._output = output
        self._revision, self._asked_s = -1, 0.0
        self.turnstile: Turnstile | None = None
        annulment = scanner.annulment()
        self._passages = Passages(
            scanner.relay, scanner.contact, scanner.journal, annulment, scanner.clock
        )
        if driver is not None:
            self.turnstile = Turnstile(
                driver,
                scanner.settings.barrier,
                self._passages,
                show=self._show,
                is_emergency=self._replica_says,
            )

    def watches(self) -> bool:
        """Say whether the turnstile will see who passes, as of now."""
        return self.turnstile is not None and self.turnstile.watches()

    def shown(self, shown: Shown) -> None:
        """Open for those whom a verdict lets pass; never twice for one scan."""
        answer = shown.answer
        if self.turnstile is None or answer is None or shown.mode not in LETS_IN:
            return
        if shown.outcome is not Outcome.ADMIT or not answer.admitted:
            return
        scanner = self._scanner
        try:
            # On disk before it opens: who is killed now does not open again for the same scan.
            new = scanner.journal.openings.begin(shown.nonce, answer.admitted, scanner.clock.now())
        except JournalUnwritable as error:
            # People come first: they were let in, and stand before a closed turnstile.
            scanner.contact.alarms.sound("journal", str(error))
            new = True
        if new:
            self.turnstile.admit(shown.nonce, answer.admitted)

    def hear(self, event: Told) -> None:
        """Take what the server's event stream tells: an override for this lane, an evacuation."""
        if self.turnstile is None:
            return
        if isinstance(event, wire.ScanAnswer):
            self.shown(Shown(event.nonce, event.outcome, event.message, event))
        elif isinstance(event, wire.GateEvent):
            self.turnstile.evacuate(event.emergency)

    def _replica_says(self) -> bool | None:
        """Return what the replica knows of an evacuation, where it is news; for lanes offline."""
        now_s, replica = time.monotonic(), self._scanner.replica
        if now_s - self._asked_s < ASK_REPLICA_EVERY_S:
            return None
        self._asked_s = now_s
        revision = replica.revision
        if revision == self._revision:
            return None
        try:
            with replica.view() as view:
                emergency = view.state.emergency
        except NoReplica:
            return None
        self._revision = revision
        return emergency

    def _show(self, state: BarrierState) -> None:
        self._output.report(state.line)
        show_barrier(self._output, state)

    def start(self, stop: threading.Event) -> threading.Thread | None:
        """Begin; tell what a scanner that was killed left behind."""
        if self.turnstile is None:
            return None
        self._passages.start()
        try:
            left = self._passages.take_over()
        except JournalUnwritable as error:
            self._scanner.contact.alarms.sound("journal", str(error))
            left = []
        for note in left:
            state = STATES[ReportKind.UNKNOWN_PASSAGE]
            missing = note.people - note.turned
            self._show(state.because(f"{missing}, {note.nonce}"))
        thread = threading.Thread(
            target=self.turnstile.run, args=(stop,), daemon=True, name="turnstile"
        )
        thread.start()
        return thread

    def close(self) -> None:
        """Have what the turnstile said last noted."""
        if self.turnstile is not None:
            self._passages.close()


@contextmanager
def gatekeeper(
    scanner: Scanner, output: Output, driver: Driver | None = None
) -> Iterator[Gatekeeper]:
    """Serve the lane's turnstile, if it has one; at the end its output falls to rest.

    Args:
        driver: of the turnstile; by default the one that the settings name.
    """
    driver = driver or make_driver(scanner.settings.barrier)
    keeper, stop = Gatekeeper(scanner, output, driver), threading.Event()
    scanner.listeners.append(keeper.hear)
    thread = keeper.start(stop)
    try:
        yield keeper
    finally:
        scanner.listeners.remove(keeper.hear)
        stop.set()
        if thread is not None:
            thread.join(END_WITHIN_S)
        keeper.close()


def tell_turnstile(driver: Driver | None) -> str:
    """Return the line about what the settings say of a lane's turnstile."""
    if driver is None:
        return "turnstile: none 未接闸机"
    if driver.watches:
        return "turnstile: opened, who passes is counted 开闸并计过闸人数"
    return "turnstile: opened, has no sensor 开闸，无过闸信号; who was let in counts as passed"


# Each is imported where it is used: together they are half of what a lane takes to start.
def make_driver(settings: BarrierSettings) -> Driver | None:
    """Return the kind of barrier that the settings name; None for none."""
    match settings.kind:
        case "relay":
            from scanner_client.barrier_relay import RelayBarrier

            return RelayBarrier(settings)
        case "modbus":
            from scanner_client.barrier_modbus import ModbusBarrier

            return ModbusBarrier(settings)
        case "serial":
            from scanner_client.barrier_serial import SerialBarrier

            return SerialBarrier(settings)
        case "http":
            from scanner_client.barrier_http import HttpBarrier

            return HttpBarrier(settings)
    return None
