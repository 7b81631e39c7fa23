"""The printing of a lane: tickets after their exchange, slips after their stamp, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from admission import wire
from admission.errors import AdmissionError, RelayError
from admission.scans import Mode
from admission.wire_refusals import RefusalSlipAnswer
from admission.wire_tickets import ScanTickets, SlipAnswer, TicketAnswer
from scanner_client.answers import NotThere
from scanner_client.checkin import Shown
from scanner_client.clock import wall_clock
from scanner_client.presenter import Outlook
from scanner_client.printer_layout import Paper, lay_out_refusal, lay_out_slip, lay_out_ticket
from scanner_client.printer_queue import Exchange, PrintQueue, QueueUnwritable, State
from scanner_client.printer_settings import PrinterSettings
from scanner_client.printing import Doubtful, NotPrinted, Printer
from scanner_client.refusals import fetch_refusal, wants_slip
from scanner_client.relay import Relay

AGAIN_S = 2.0
UNDER_WAY_S = 4.0
"""How long an answer may take before the server is asked what became of an exchange."""
NO_PRINTER = "no printer is set up here: scanner.toml, [printer]"


@dataclass(slots=True)
class Printed:
    """What became of what was waiting: names of tickets."""

    done: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)


def open_printer(settings: PrinterSettings) -> Printer | None:
    """Return the printer that the settings name; None: there is none."""
    if settings.kind == "none":
        return None
    # Each is imported where it is used: together they are a third of what a lane takes to start.
    if settings.kind == "pdf":
        from scanner_client.printer_pdf import PdfPrinter

        return PdfPrinter(settings)
    from scanner_client.printer_escpos import ThermalPrinter

    return ThermalPrinter(settings)


class PrintDesk:
    """Prints what the server has made. It is an output of a lane; it never delays a verdict.

    Args:
        report: is told, for staff, what could not be printed and what to do.
    """

    def __init__(
        self,
        settings: PrinterSettings,
        queue: PrintQueue,
        relay: Relay,
        report: Callable[[str], None],
    ) -> None:
        self._printer = open_printer(settings)
        # All tickets of an exchange share a sheet; a thermal printer takes one after the other.
        self._together = settings.kind == "pdf"
        self._slips, self._refusal_slips = settings.slips, settings.refusal_slips
        self._queue = queue
        self._relay = relay
        self._report = report
        self._codes: dict[str, TicketAnswer] = {}
        self._sent: dict[str, float] = {}
        self._stamps: list[str] = []
        self._refused: list[str] = []
        self._told: set[str] = set()
        self._shown = False
        self._wake = threading.Event()

    # --- a lane's output -------------------------------------------------------------------------

    def note(self, request: wire.ScanRequest) -> None:
        """Note an exchange before it is sent.

        Raises QueueUnwritable: then nothing may be exchanged, for it could be lost.
        """
        if request.mode is Mode.EXCHANGE:
            self._queue.note_exchange(request.nonce)
            self._sent[request.nonce] = time.monotonic()

    def reading(self) -> None:
        """Print nothing: there is no verdict yet."""

    def show(self, shown: Shown) -> None:
        """Take over what a verdict brought, and print it beside the lane."""
        answer = shown.answer
        if answer is None or shown.offline:
            return
        if shown.mode is Mode.EXCHANGE:
            self._shown = True
            self._take(shown.nonce, answer.tickets or [])
        elif shown.mode is Mode.ARRIVE and self._slips and answer.arrival_number:
            self._stamps.append(shown.nonce)
        elif self._refusal_slips and wants_slip(shown):
            self._refused.append(shown.nonce)
        self._wake.set()

    def show_link(self, outlook: Outlook) -> None:
        """Try again what waits, where the server is back."""
        if outlook.link.online:
            self._wake.set()

    def report(self, line: str) -> None:
        """Print nothing: lines are for the screen."""

    def _take(self, nonce: str, tickets: list[TicketAnswer]) -> None:
        self._codes |= {ticket.ticket: ticket for ticket in tickets}
        self._sent.pop(nonce, None)
        try:
            self._queue.note_tickets(nonce, [ticket.ticket for ticket in tickets])
        except QueueUnwritable as error:
            # The exchange itself stands noted: what it made is asked for again.
            self._report(str(error))

    # --- beside the lane -------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Print whatever waits until `stop` is set."""
        while not stop.is_set():
            self._wake.clear()
            try:
                self.print_slips()
                self.print_waiting()
                self._queue.tidy()
            except QueueUnwritable as error:
                self._tell_once(str(error))
            self._wake.wait(AGAIN_S)

    def end(self) -> None:
        """Let `run` see at once that it is to stop."""
        self._wake.set()

    def flush(self) -> None:
        """Print what this desk was shown, before it goes; what cannot be printed waits."""
        if not (self._shown or self._stamps or self._refused):
            return
        try:
            self.print_slips()
            self.print_waiting()
        except QueueUnwritable as error:
            self._tell_once(str(error))

    def print_waiting(self, *, again: bool = False) -> Printed:
        """Print the tickets that wait, oldest first.

        Args:
            again: also those that may be on paper already; their paper says so.

        Raises QueueUnwritable: nothing was printed.
        """
        printed = Printed()
        with self._queue.printing() as mine:
            if not mine:
                return printed
            for exchange in self._queue.exchanges():
                self._print_exchange(exchange, printed, again)
        return printed

    def _print_exchange(self, exchange: Exchange, printed: Printed, again: bool) -> None:
        doubtful, waiting = exchange.names(State.BEGUN), exchange.names(State.WAITING)
        if doubtful and not again:
            self._tell_doubtful(doubtful)
            printed.doubtful += doubtful
        wanted = doubtful if again else []
        unknown = [name for name in (*wanted, *waiting) if name not in self._codes]
        if not exchange.known and self._is_under_way(exchange.nonce):
            return
        if unknown or not exchange.known:
            waiting = self._ask(exchange, waiting)
            wanted = [name for name in wanted if name in self._codes]
        if not (wanted or waiting):
            return
        nonce = exchange.nonce
        for names in self._pieces([*wanted, *waiting]):
            self._print(nonce, names, printed, {*wanted})

    def _is_under_way(self, nonce: str) -> bool:
        """Say whether the answer to an exchange may still come by itself."""
        sent_s = self._sent.get(nonce)
        return sent_s is not None and time.monotonic() - sent_s < UNDER_WAY_S

    def _pieces(self, names: list[str]) -> list[list[str]]:
        return [names] if self._together else [[name] for name in names]

    def _ask(self, exchange: Exchange, waiting: list[str]) -> list[str]:
        """Ask the server what an exchange made; return what of it waits."""
        nonce = exchange.nonce
        try:
            found = self._relay.fetch_tickets(nonce)
        except NotThere:
            # It was never recorded: nobody was given anything.
            found = ScanTickets(tickets=[])
        except RelayError as error:
            self._tell_once(f"tickets wait for the gate server: {error}")
            return []
        names = [ticket.ticket for ticket in found.tickets]
        self._codes |= {ticket.ticket: ticket for ticket in found.tickets}
        # Replaced or taken back meanwhile: no paper of it is wanted.
        gone = [name for name in exchange.tickets if name not in names]
        self._queue.note(nonce, gone, State.DONE)
        fresh = [name for name in names if name not in exchange.tickets]
        if fresh or not exchange.known:
            self._queue.note_tickets(nonce, fresh)
        return [*(name for name in waiting if name in names), *fresh]

    def _print(self, nonce: str, names: list[str], printed: Printed, again: set[str]) -> None:
        if self._printer is None:
            self._tell_once(f"{len(names)} tickets wait: {NO_PRINTER}")
            printed.waiting += names
            return
        self._queue.note(nonce, names, State.BEGUN)
        try:
            self._printer.print([self._paper(name, again=name in again) for name in names])
        except NotPrinted as error:
            state = State.BEGUN if again & {*names} else State.WAITING
            self._queue.note(nonce, names, state)
            printed.waiting += names
            self._tell_once(f"票未打印 not printed, {', '.join(names)} wait: {error}")
        except Doubtful as error:
            printed.doubtful += names
            self._report(f"{error}")
            self._tell_doubtful(names)
        else:
            self._queue.note(nonce, names, State.DONE)
            printed.done += names
            self._told.clear()
            for name in names:
                self._codes.pop(name, None)

    def _paper(self, name: str, *, again: bool) -> Paper:
        return lay_out_ticket(self._codes[name], again=again)

    def print_new(self, ticket: TicketAnswer) -> None:
        """Print a ticket that was made just now in the place of another; staff stand by.

        Raises NotPrinted, Doubtful: another can be made in its place.
        """
        self._ready().print([lay_out_ticket(ticket)])

    def check(self) -> None:
        """Refuse where no printer is set up, before the server counts anything as printed.

        Raises NotPrinted.
        """
        self._ready()

    def _ready(self) -> Printer:
        if self._printer is None:
            raise NotPrinted(NO_PRINTER)
        return self._printer

    # --- slips -----------------------------------------------------------------------------------

    def print_slips(self) -> None:
        """Print the slips of the stamps made since; one that fails is printed on request."""
        while self._stamps:
            nonce = self._stamps.pop(0)
            try:
                self.print_slip(self._relay.fetch_slip(nonce))
            except AdmissionError as error:
                self._report(f"no slip for {nonce}: {error}; scanner-client slip {nonce}")
        while self._refused:
            nonce = self._refused.pop(0)
            try:
                self.check()
                self.print_refusal(fetch_refusal(self._relay, nonce, wall_clock()))
            except AdmissionError as error:
                self._report(f"no slip for {nonce}: {error}; scanner-client refusal-slip {nonce}")

    def print_slip(self, slip: SlipAnswer) -> None:
        """Print a slip; it admits nobody, so printing it twice does no harm.

        Raises NotPrinted, Doubtful.
        """
        self._ready().print([lay_out_slip(slip)])

    def print_refusal(self, slip: RefusalSlipAnswer) -> None:
        """Print a refused visitor's slip; a copy says so on its paper.

        Raises NotPrinted, Doubtful.
        """
        self._ready().print([lay_out_refusal(slip)])

    # --- words -----------------------------------------------------------------------------------

    def _tell_once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._report(line)

    def _tell_doubtful(self, names: list[str]) -> None:
        self._tell_once(
            f"请查看是否已出票 look in the tray for {', '.join(names)}:"
            " if they are not there, scanner-client print --again"
        )
