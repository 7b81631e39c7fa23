"""Scan until told to stop: the lane, and all that stands beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from scanner_client.announcer import Announcer
from scanner_client.barrier_lane import Gatekeeper, gatekeeper
from scanner_client.beside import Beside
from scanner_client.capture import Source, Typed
from scanner_client.capture_names import STDIN, open_sources, open_terminal
from scanner_client.checkin import CheckIn, Shown, Terms
from scanner_client.company import Company
from scanner_client.debounce import Debounce
from scanner_client.decode import load_stages
from scanner_client.help_keys import HelpKeys
from scanner_client.loop import Lane
from scanner_client.outputs import Output, Outputs
from scanner_client.practice import Practice
from scanner_client.preview import Window
from scanner_client.printer import PrintDesk
from scanner_client.questions import Questions
from scanner_client.scanner import Scanner

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
    practise: bool = False,
) -> None:
    """Scan what the sources show until all have ended or `stop` is set.

    Args:
        names: the sources, as `capture_names` knows them.
        output: shows what the lane has to say.
        keys: what staff type at; a terminal is read beside the sources, for answers and codes.
        practise: begin in practice, which ends by itself.
    """
    sources = open_sources(names, scanner.settings, keys)
    questions = _questions(scanner, output, keys, stop)
    beside = Beside(scanner, terms, stop, bulletin=scanner.broadcasts)
    announcer, printer = _announcer(scanner), scanner.print_desk()
    output = Outputs((beside.outputs(output), announcer, printer))
    with gatekeeper(scanner, output) as keeper:
        asker = beside.asker(questions)
        check_in = scanner.check_in(terms, asker, watches=keeper.watches, printer=printer)
        practice = beside.practises(scanner.practice(terms, asker)) if practise else None
        lane = Lane(
            load_stages(output.report),
            Debounce(scanner.settings.away_s),
            check_in=_practised(check_in, practice),
            reading=output.reading,
            present=_presented(output, keeper, check_in),
            report=output.report,
            answers=_answers(scanner, output, questions),
            lost=beside.readers_lost,
        )
        company = Company(scanner, check_in, output, stop, practice)
        aside = _aside(scanner, names, keys)
        with beside, company, announcer, printing(printer):
            lane.run(beside.watch(sources), stop, preview, aside=aside)


def _presented(output: Output, keeper: Gatekeeper, check_in: CheckIn) -> Callable[[Shown], None]:
    """Return what shows a verdict, opens for it, and notes that it was seen."""

    def show(shown: Shown) -> None:
        output.show(shown)
        if not shown.practice:
            keeper.shown(shown)
            check_in.seen(shown)

    return show


def _practised(check_in: CheckIn, practice: Practice | None) -> Callable[[str], Shown]:
    """Return what answers a code: practice while it is on, then the check-in."""

    def answer(code: str) -> Shown:
        if practice is not None and practice.on:
            return practice.check_in(code)
        return check_in.check_in(code)

    return answer


def _aside(scanner: Scanner, names: Sequence[str], keys: TextIO) -> list[Source]:
    """Return the terminal as a source that does not keep the lane open, where it is not one."""
    typed = keys.isatty() and STDIN not in names
    return [open_terminal(keys, scanner.settings.readers)] if typed else []


def _questions(
    scanner: Scanner, output: Output, keys: TextIO, stop: threading.Event
) -> Questions | None:
    settings = scanner.settings
    if not (keys.isatty() or settings.readers.keypad):
        return None
    return Questions(output.report, wait_s=settings.ask_s, stop=stop)


def _announcer(scanner: Scanner) -> Announcer:
    settings, now = scanner.settings.broadcasts, scanner.clock.now
    return Announcer(
        scanner.broadcasts, scanner.presenter, settings, now=now, zone=lambda: scanner.zone
    )


def _answers(
    scanner: Scanner, output: Output, questions: Questions | None
) -> Callable[[Typed], bool]:
    """Return who takes typed texts before they are codes: a call for help, then a question."""
    keys = HelpKeys(scanner.help_calls.call, output.report)
    asked = questions.take if questions is not None else nobody_asks
    return lambda typed: keys.take(typed) or asked(typed)


def nobody_asks(_: Typed) -> bool:
    """Take no text for an answer: there is nobody to type one."""
    return False


@contextmanager
def printing(printer: PrintDesk) -> Iterator[None]:
    """Print beside the lane; what is printed when it ends is printed whole."""
    over = threading.Event()
    thread = threading.Thread(target=printer.run, args=(over,), daemon=True, name="print")
    thread.start()
    try:
        yield
    finally:
        over.set()
        printer.end()
        thread.join(END_WITHIN_S)
