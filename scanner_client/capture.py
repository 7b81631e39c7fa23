"""What a lane takes in, frames and texts, and what every source of them does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"

REOPEN_S = 1.0
# The longest that a source waits without a look at whether it is to stop.
TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        seen_s: when it was taken, on the monotonic clock.
        origin: what it came from, for messages.
        live: another one of the same scene follows at once, so that this one may be skipped.
    """

    image: Image
    seen_s: float
    origin: str
    live: bool


@dataclass(frozen=True, slots=True)
class Typed:
    """One text from a hardware reader, a keypad or a keyboard.

    Attributes:
        text: as it came; it may be a code, so it is in no message.
        seen_s: when it was whole, on the monotonic clock.
        origin: what it came from, for messages.
    """

    text: str = field(repr=False)
    seen_s: float
    origin: str


Sighting: TypeAlias = Frame | Typed


class Watch:
    """What sources look at while they wait, and what they tell. Safe for several threads.

    Args:
        stop: when set, every source ends.
        report: says a line to staff.
        lost: is told how many devices do not work, whenever that changes.
    """

    def __init__(
        self,
        stop: threading.Event,
        report: Callable[[str], object],
        lost: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.stop = stop
        self.report = report
        self._tell_lost = lost
        self._lock = threading.Lock()
        self._lost: set[str] = set()

    def lose(self, name: str, why: str) -> None:
        """Say that a device does not work, once until it works again."""
        with self._lock:
            new = name not in self._lost
            self._lost.add(name)
            count = len(self._lost)
        if new:
            self._tell_lost(count)
            self.report(f"{name}: 无法读取 {why}; trying again every {REOPEN_S:.0f} s")

    def find(self, name: str) -> None:
        """Say that a device works again, if it was lost."""
        with self._lock:
            lost = name in self._lost
            self._lost.discard(name)
            count = len(self._lost)
        if lost:
            self._tell_lost(count)
            self.report(f"{name}: 已恢复 is back")


class Source(Protocol):
    """Something that frames or texts come from."""

    def sightings(self, watch: Watch) -> Iterator[Sighting]:
        """Give what is seen until there is no more or `watch.stop` is set."""
