"""Ask staff how many people, or which voucher; whatever is typed at the lane may answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from admission import wire
from admission.codes import SHORTEST_CODE
from admission.errors import AdmissionError
from scanner_client.capture import Typed
from scanner_client.legible import legible

TICK_S = 0.2
# A key that bounced, or a second Enter: it is about the question that was just answered.
DOUBLED_S = 1.5


class Unsaid(AdmissionError):
    """Staff were asked and did not say; nothing was sent."""


@dataclass(slots=True)
class _Question:
    """What staff are asked now: a number from 1 to `most`."""

    most: int
    asked_s: float
    number: int | None = None
    withdrawn: bool = False


class Questions:
    """One question at a time, answered by a number that is typed. Safe for several threads.

    It reads no keys itself: who reads them offers each text, and what is no number goes on as a
    code, so that a scan while a question is open is neither taken for an answer nor lost.

    Args:
        say: shows a line to staff.
        wait_s: how long an answer may take.
        stop: when set, nobody waits for an answer any more.
    """

    def __init__(
        self, say: Callable[[str], object], *, wait_s: float, stop: threading.Event
    ) -> None:
        self._say = say
        self._wait_s = wait_s
        self._stop = stop
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._open: _Question | None = None
        self._answered_s = -DOUBLED_S

    def take(self, typed: Typed) -> bool:
        """Take a text for the answer if it is one, and tell whether it was.

        Fewer digits than any code has are an answer: to the open question, or doubled to the last.
        """
        digits = typed.text.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < SHORTEST_CODE):
            return False
        with self._changed:
            question = self._open
            if question is None or typed.seen_s < question.asked_s:
                return typed.seen_s - self._answered_s < DOUBLED_S
            if 1 <= int(digits) <= question.most:
                question.number = int(digits)
                self._answered_s = time.monotonic()
                self._changed.notify_all()
                return True
        self._say(f"1-{question.most}")
        return True

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
        with self._changed:
            if self._open is not None:
                self._open.withdrawn = True
                self._changed.notify_all()

    def _ask(self, lines: Sequence[str], most: int) -> int | None:
        with self._turn:
            question = _Question(most, time.monotonic())
            with self._changed:
                self._open = question
            for line in lines:
                self._say(line)
            try:
                return self._wait(question)
            finally:
                with self._changed:
                    self._open = None

    def _wait(self, question: _Question) -> int | None:
        until_s = time.monotonic() + self._wait_s
        with self._changed:
            while question.number is None and not (question.withdrawn or self._stop.is_set()):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    break
                self._changed.wait(min(TICK_S, left_s))
            return question.number


def list_picks(picks: Sequence[wire.PickAnswer]) -> list[str]:
    """Return a numbered line for each voucher: its masked tail, title and people left."""
    return [
        f"{number}. …{legible(pick.tail, 8)}  {legible(pick.title, 80)}  {pick.remaining} 人 left"
        for number, pick in enumerate(picks, 1)
    ]
