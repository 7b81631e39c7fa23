"""A barrier that a test turns by hand, and what a turnstile says to whom."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

from admission.wire_passage import ReportKind
from scanner_client.barrier import Turnstile
from scanner_client.barrier_driver import BarrierLost, Signal
from scanner_client.barrier_settings import BarrierSettings
from scanner_client.barrier_state import BarrierState
from scanner_client.settings import load_settings


def settings(directory, **changes: Any) -> BarrierSettings:
    """The packaged defaults, of kind `none`, with changes."""
    return replace(load_settings(directory).barrier, **changes)


class HandBarrier:
    """A driver whose sensor is the test's hand.

    Attributes:
        outputs: what its output was set to, in order; `held` what it is now.
        away: it cannot be reached.
    """

    def __init__(self, *, watches: bool = True) -> None:
        self.watches = watches
        self.outputs: list[bool] = []
        self.signal = Signal()
        self.away = False
        self.closed = False

    @property
    def held(self) -> bool:
        return bool(self.outputs) and self.outputs[-1]

    @property
    def pulses(self) -> int:
        return sum(self.outputs)

    def turn(self, people: int = 1) -> None:
        self.signal = replace(self.signal, turns=self.signal.turns + people)

    def connect(self) -> None:
        self._check()

    def set(self, *, on: bool) -> None:
        self._check()
        self.outputs.append(on)

    def sense(self) -> Signal:
        self._check()
        return self.signal

    def close(self) -> None:
        self.closed = True

    def _check(self) -> None:
        if self.away:
            raise BarrierLost("the cable is out")


@dataclass
class Heard:
    """Takes what a turnstile says, in the place of `Passages`."""

    events: list[tuple[Any, ...]] = field(default_factory=list)
    states: list[BarrierState] = field(default_factory=list)

    def turned(self, nonce: str, turned: int) -> None:
        self.events.append(("turned", nonce, turned))

    def give_back(self, nonce: str, people: int) -> None:
        self.events.append(("back", nonce, people))

    def done(self, nonce: str) -> None:
        self.events.append(("done", nonce))

    def by_hand(self, nonce: str) -> None:
        self.events.append(("by hand", nonce))

    def unknown(self, nonce: str, people: int, detail: str) -> None:
        self.events.append(("unknown", nonce, people))

    def report(self, kind: ReportKind, *, people: int | None = None, detail: str = "") -> None:
        self.events.append((kind.value, people))

    def take(self) -> list[tuple[Any, ...]]:
        taken, self.events = self.events, []
        return taken


class Lane:
    """A turnstile that is stepped by hand, with a clock of its own."""

    def __init__(self, directory, *, watches: bool = True, **changes: Any) -> None:
        self.heard = Heard()
        self.barrier = HandBarrier(watches=watches)
        self.now_s = 100.0
        self.turnstile = Turnstile(
            self.barrier,
            settings(directory, **changes),
            self.heard,  # type: ignore[arg-type]
            show=self.heard.states.append,
        )
        self.turnstile._connect()
        # That it works is said; what is asserted is what comes after.
        self.heard.states.clear()

    def wait(self, seconds: float) -> None:
        """Let time pass in steps of a tenth of a second."""
        for _ in range(max(1, round(seconds * 10))):
            self.now_s += 0.1
            self.turnstile.step(self.now_s)

    def turn(self, people: int = 1) -> None:
        self.barrier.turn(people)
        self.wait(0.1)


def wait_for(condition, seconds: float = 10.0) -> None:
    """Wait until a condition holds."""
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.005)
