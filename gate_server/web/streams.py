"""One listener's mailbox: the newest of each kind of event, so that it cannot grow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Final, TypeAlias

from gate_server.web.callers import Caller

HEARTBEAT_S: Final = 15.0
MOST_VERDICTS: Final = 16
StreamKey: TypeAlias = tuple[str, str]
"""A kind of listener (a device, staff, a page that is open) and its name."""

_ALIVE = b": alive\n\n"
# Where a browser or a scanner lost the stream it comes back after so many milliseconds.
_HELLO = b"retry: 2000\n\n"


def frame(event: str, data: bytes) -> bytes:
    """Return one server-sent event; `data` is JSON, so it has no line ends."""
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


def frame_page(event: str, text: str) -> bytes:
    """Return one server-sent event of a part of a page."""
    lines = text.encode().splitlines()
    return b"\n".join([b"event: " + event.encode(), *(b"data: " + line for line in lines), b"\n"])


class Stream:
    """The bytes of one event stream, an iterator for WSGI.

    What comes while the listener reads nothing replaces what waits; only verdicts queue, a few.

    Args:
        leave: called once, when the stream is over.
        key: whose place it takes; a newer one with the same key ends this one.
    """

    def __init__(self, caller: Caller, leave: Callable[[Stream], None], key: StreamKey) -> None:
        self.caller = caller
        self.key = key
        self._leave = leave
        self._changed = Condition()
        self._newest: dict[str, bytes] = {"": _HELLO}
        self._verdicts: deque[bytes] = deque(maxlen=MOST_VERDICTS)
        self._ended = False
        self._left = False

    def put(self, key: str, data: bytes, *, over: bytes | None = None) -> None:
        """Put an event in the place of an older one with the same key.

        Args:
            over: put instead where the older one was not read yet.
        """
        with self._changed:
            self._newest[key] = data if over is None or key not in self._newest else over
            self._changed.notify()

    def put_all(self, events: Mapping[str, bytes]) -> None:
        """Put several events at once, so that the listener is woken once and sends them in one."""
        with self._changed:
            self._newest.update(events)
            self._changed.notify()

    def put_verdict(self, data: bytes) -> None:
        """Add a verdict; of too many unread ones the oldest goes."""
        with self._changed:
            self._verdicts.append(data)
            self._changed.notify()

    def end(self) -> None:
        """Have the stream end after what it is sending."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        with self._changed:
            if not (self._newest or self._verdicts or self._ended):
                self._changed.wait(HEARTBEAT_S)
            if self._ended:
                self._go()
                raise StopIteration
            frames = b"".join((*self._newest.values(), *self._verdicts))
            self._newest.clear()
            self._verdicts.clear()
        return frames or _ALIVE

    def close(self) -> None:
        """Take notice that the listener is gone; WSGI servers call it."""
        with self._changed:
            self._ended = True
            self._changed.notify()
            self._go()

    def _go(self) -> None:
        if not self._left:
            self._left = True
            self._leave(self)
