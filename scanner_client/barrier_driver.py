"""What every kind of barrier can do, and what it says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from admission.errors import AdmissionError


class BarrierLost(AdmissionError):
    """The barrier cannot be reached; says what to look at."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a barrier says of itself.

    Attributes:
        turns: people counted through since it was connected, all in all.
        active: somebody stands in it, or its arm is away from its rest.
        fault: what its controller complains of; "" for nothing.
    """

    turns: int = 0
    active: bool = False
    fault: str = ""


class Driver(Protocol):
    """One kind of barrier. Called by one thread; every call may raise BarrierLost.

    Attributes:
        watches: whether it counts who passes.
    """

    @property
    def watches(self) -> bool:
        """Whether it counts who passes."""

    def connect(self) -> None:
        """Reach it; its output stays as it is, or at rest where nothing held it."""

    def set(self, *, on: bool) -> None:
        """Put its output on, which lets people pass, or back to rest."""

    def sense(self) -> Signal:
        """Read what it says of itself; wait for nothing."""

    def close(self) -> None:
        """Let go of it; raises nothing."""


class Edges:
    """Counts how often a level that is looked at now and then becomes active."""

    def __init__(self) -> None:
        self.turns = 0
        self._active = False

    def look(self, active: bool) -> None:
        """Take one look."""
        self.turns += active and not self._active
        self._active = active


class Counter:
    """Adds up a counter that wraps round or begins anew, as 16-bit registers do."""

    def __init__(self, *, most: int = 0xFFFF) -> None:
        self.turns = 0
        self._most = most
        self._last: int | None = None

    def look(self, value: int) -> None:
        """Take one look; the first only says where it stands."""
        if self._last is not None and value != self._last:
            step = (value - self._last) % (self._most + 1)
            # A controller that was started anew counts from 0; that is no wrap.
            self.turns += value if step > self._most // 2 else step
        self._last = value
