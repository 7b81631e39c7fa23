"""Cut a JSON array that is too large to hold into its objects, with flat memory.

An object's end is found by its brackets alone; whether it is JSON, its reader says. A library that
parses the whole, ijson, keeps the path to each value: 20 KB of `[` took it a gigabyte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from admission.errors import FeedRejected, FeedUnavailable

MOST_ITEM_BYTES: Final = 1 << 20
DEEPEST: Final = 64
# Small pieces are put together first, so that what hangs over is not searched for each byte.
_LEAST_PIECE: Final = 1 << 16
# To the next bracket that is in no string. Possessive: what cannot match is given up at once.
_BRACKET: Final = re.compile(
    rb'[^"\[\]{}]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL
)
_OPEN: Final = frozenset(b"[{")


def cut_items(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each object of the array, as it stands.

    Raises:
        FeedRejected: not an array of objects, or an object too large or too deep.
        FeedUnavailable: the array has no end.
    """
    cutter = _Cutter()
    for piece in _gathered(pieces):
        yield from cutter.feed(piece)
    cutter.end()


class _Cutter:
    def __init__(self) -> None:
        self._held = b""
        self._at = 0  # how far it is searched
        self._start = 0  # of the object that is open
        self._depth = 0
        self._ended = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take more bytes and yield the objects that they complete."""
        held = self._held = self._held + piece
        while found := _BRACKET.match(held, self._at):
            bracket = found.end() - 1
            opens = held[bracket] in _OPEN
            if self._depth <= 1:
                self._check_between(held[self._at : bracket], held[bracket])
            self._at = bracket + 1
            if opens:
                self._deeper(bracket)
                continue
            self._depth -= 1
            if self._depth == 1:
                yield held[self._start : self._at]
            elif self._depth == 0:
                self._ended = True
                break
        self._let_go()

    def end(self) -> None:
        """Say that nothing more comes."""
        if not self._ended:
            raise FeedUnavailable("the platform's answer ends in the middle")

    def _deeper(self, bracket: int) -> None:
        self._depth += 1
        if self._depth == 2:
            self._start = bracket
        elif self._depth > DEEPEST:
            raise FeedRejected("", f"the platform's answer is nested deeper than {DEEPEST}")

    def _check_between(self, between: bytes, bracket: int) -> None:
        right = b"[" if self._depth == 0 else b"{]"
        if bracket not in right or between.strip(b" \t\r\n,\xef\xbb\xbf"):
            raise FeedRejected("", "the platform's answer is not a list of objects")

    def _let_go(self) -> None:
        done = len(self._held) if self._ended else self._at
        if self._depth > 1 and not self._ended:
            done = self._start
        self._held = self._held[done:]
        self._at -= done
        self._start -= done
        if len(self._held) > MOST_ITEM_BYTES:
            problem = f"one object of the platform's answer has more than {MOST_ITEM_BYTES} bytes"
            raise FeedRejected("", problem)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= _LEAST_PIECE:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)
