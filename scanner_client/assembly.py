"""Put the bytes that a reader sends together to texts, whatever it puts round them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from admission.codes import LONGEST_CODE, normalise
from scanner_client.capture import TICK_S, Typed, Watch

# UTF-8 takes up to 4 bytes a character; what is longer is no code, and a stuck key never ends.
MOST_BYTES = 4 * LONGEST_CODE
STX = 0x02
ENDS = frozenset(b"\r\n\t\x03")
# Behind what was cut off, so that the beginning of a long text is never taken for a whole code.
CUT = "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True)
class Assembly:
    """The text that is coming in from one reader.

    CR, LF, Tab, ETX and the suffix end a text, and so does a pause; STX begins one.

    Attributes:
        prefix: what the reader sends before each code; taken away.
        suffix: what it sends after each one beside the usual ends; taken away.
        pause_s: silence that ends a text; 0 where silence means nothing.
    """

    prefix: bytes = b""
    suffix: bytes = b""
    pause_s: float = 0.0
    _held: bytearray = field(default_factory=bytearray, repr=False)
    _spoilt: bool = False
    _last_s: float = 0.0

    def take(self, data: bytes, now_s: float) -> list[str]:
        """Take bytes as they came; return the texts that they end."""
        self._last_s = now_s
        return [text for byte in data for text in self._take_byte(byte)]

    def rest(self, now_s: float) -> list[str]:
        """Note that nothing more has come by now; return the text that the silence ends.

        Only to be called after a look for more found none: a thread that slept is no silence.
        """
        if not self.pause_s or now_s - self._last_s < self.pause_s:
            return []
        return self.end()

    def end(self) -> list[str]:
        """Return the text that has begun, if any, and begin anew."""
        data, spoilt = bytes(self._held), self._spoilt
        self._held.clear()
        self._spoilt = False
        text = data.removeprefix(self.prefix).decode("utf-8", "replace")
        return [text] if normalise(text) and not spoilt else []

    def spoil(self) -> None:
        """Drop the text that has begun and what still comes of it: a part of it was lost."""
        self._held.clear()
        self._spoilt = True

    def wait_s(self, now_s: float) -> float:
        """Return how long to look for more bytes."""
        if not self.pause_s or not (self._held or self._spoilt):
            return TICK_S
        return min(TICK_S, max(0.001, self._last_s + self.pause_s - now_s))

    def _take_byte(self, byte: int) -> list[str]:
        if byte in ENDS or byte == STX:
            return self.end()
        self._held.append(byte)
        if self.suffix and self._held.endswith(self.suffix):
            del self._held[-len(self.suffix) :]
            return self.end()
        if self._spoilt:
            del self._held[: max(0, len(self._held) - len(self.suffix))]
        if len(self._held) < MOST_BYTES:
            return []
        texts = [f"{text}{CUT}" for text in self.end()]
        self._spoilt = True
        return texts


def typed(
    read: Callable[[float], bytes], assembly: Assembly, watch: Watch, origin: str
) -> Iterator[Typed]:
    """Give the texts that a device sends until `watch.stop` is set.

    Args:
        read: waits for bytes so many seconds and returns them, empty where none came; what it
            raises when the device is gone is not caught here.
    """
    while not watch.stop.is_set():
        data = read(assembly.wait_s(time.monotonic()))
        now_s = time.monotonic()
        for text in assembly.take(data, now_s) if data else assembly.rest(now_s):
            yield Typed(text, now_s, origin)
