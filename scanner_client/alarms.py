"""What staff or their technician must know until it is over; each is said once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Alarms:
    """The alarms of this process. Safe for several threads."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._raised: dict[str, str] = {}

    def sound(self, name: str, line: str) -> None:
        """Say an alarm, unless it was said and is not over."""
        with self._lock:
            new = name not in self._raised
            self._raised[name] = line
        if new:
            self._say(f"ALARM 警报: {line}")

    def clear(self, *names: str) -> None:
        """Note that alarms are over; the next of their name is said again."""
        with self._lock:
            for name in names:
                self._raised.pop(name, None)

    @property
    def raised(self) -> list[str]:
        """What is not over."""
        with self._lock:
            return list(self._raised.values())
