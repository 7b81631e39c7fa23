"""Who asks staff or visitors: the terminal, the lane screen, or both at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from admission import wire

WITHDRAW_EVERY_S = 0.05

T = TypeVar("T")


class Asker(Protocol):
    """Something that can be asked. Called from several threads."""

    def ask_party(self, seen: wire.ScanAnswer, most: int) -> int:
        """Ask for how many people a scan is, 1 to `most`; raises Unsaid where nobody says."""

    def ask_pick(self, picks: Sequence[wire.PickAnswer]) -> wire.PickAnswer | None:
        """Ask which of several vouchers; None where nobody says."""

    def withdraw(self) -> None:
        """End the question that is open, if one is: it was answered elsewhere."""


@dataclass(frozen=True, slots=True)
class Together:
    """Several askers as one: all ask, and whoever ends first has answered for all."""

    each: Sequence[Asker]
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask_party(self, seen: wire.ScanAnswer, most: int) -> int:
        """Have each ask for how many people a scan is; raises Unsaid where nobody says."""
        return self._first(lambda asker: asker.ask_party(seen, most))

    def ask_pick(self, picks: Sequence[wire.PickAnswer]) -> wire.PickAnswer | None:
        """Have each ask which of several vouchers."""
        return self._first(lambda asker: asker.ask_pick(picks))

    def withdraw(self) -> None:
        """End what each has open."""
        for asker in self.each:
            asker.withdraw()

    def _first(self, ask: Callable[[Asker], T]) -> T:
        with self._lock, ThreadPoolExecutor(len(self.each), "ask") as pool:
            asked: list[Future[T]] = [pool.submit(ask, asker) for asker in self.each]
            done, rest = wait(asked, return_when=FIRST_COMPLETED)
            first = next(future for future in asked if future in done)
            while rest:
                # Again and again: one may not have begun to ask when it was told.
                self.withdraw()
                _, rest = wait(rest, WITHDRAW_EVERY_S)
            return first.result()
