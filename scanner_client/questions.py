"""Ask staff at the terminal: how many people, which voucher."""

from __future__ import annotations

import os
import select
import termios
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from admission import wire
from admission.errors import AdmissionError
from scanner_client.legible import legible

TICK_S = 0.2


class Unsaid(AdmissionError):
    """Staff were asked and did not say; nothing was sent."""


class Questions:
    """One question at a time; typed as a number and Enter.

    Args:
        keys: the terminal that staff type at.
        say: shows a line to them.
        wait_s: how long an answer may take.
        stop: when set, nobody waits for an answer any more.
    """

    def __init__(
        self, keys: TextIO, say: Callable[[str], None], *, wait_s: float, stop: threading.Event
    ) -> None:
        self._keys = keys
        self._say = say
        self._wait_s = wait_s
        self._stop = stop
        self._lock = threading.Lock()
        self._withdrawn = threading.Event()

    def ask_party(self, seen: wire.ScanAnswer, most: int) -> int:
        """Ask for how many people a scan is.

        Raises Unsaid: no number from 1 to `most` in time.
        """
        title = legible(seen.voucher.title, 80) if seen.voucher else ""
        number = self._ask([f"几位? How many people?  1-{most}  {title}"], most)
        if number is None:
            raise Unsaid("nobody said how many people come in; present the code again")
        return number

    def ask_pick(self, picks: Sequence[wire.PickAnswer]) -> wire.PickAnswer | None:
        """Ask which of several vouchers; None where nobody says."""
        number = self._ask(
            [f"哪一张? Which voucher?  1-{len(picks)}", *list_picks(picks)], len(picks)
        )
        return None if number is None else picks[number - 1]

    def withdraw(self) -> None:
        """End the open question without an answer: it was answered elsewhere."""
        self._withdrawn.set()

    def _ask(self, lines: Sequence[str], most: int) -> int | None:
        with self._lock:
            self._withdrawn.clear()
            self._drop_earlier_keys()
            for line in lines:
                self._say(line)
            return self._read_number(most)

    def _read_number(self, most: int) -> int | None:
        until_s = time.monotonic() + self._wait_s
        while not self._stop.is_set() and time.monotonic() < until_s:
            if self._withdrawn.is_set():
                return None
            if not select.select([self._keys], [], [], TICK_S)[0]:
                continue
            # Not readline: what it reads ahead would answer the next question.
            typed = os.read(self._keys.fileno(), 256)
            if not typed:
                return None
            last = typed.split()[-1] if typed.split() else b""
            if last.isdigit() and 1 <= int(last) <= most:
                return int(last)
            self._say(f"1-{most}")
        return None

    def _drop_earlier_keys(self) -> None:
        """Take no key that was pressed before the question for its answer."""
        if self._keys.isatty():
            termios.tcflush(self._keys, termios.TCIFLUSH)


def list_picks(picks: Sequence[wire.PickAnswer]) -> list[str]:
    """Return a numbered line for each voucher: its masked tail, title and people left."""
    return [
        f"{number}. …{legible(pick.tail, 8)}  {legible(pick.title, 80)}  {pick.remaining} 人 left"
        for number, pick in enumerate(picks, 1)
    ]
