"""What has yet to be printed, kept so that no jam, kill or power cut loses a ticket. No code in it.

A file of lines, each on disk before what it says happens: an exchange is noted before it is sent,
a ticket before its first byte goes to the printer and again once it is on paper.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from admission.errors import AdmissionError
from scanner_client.state import StateError, write_durably

FILE_NAME = "printing.jsonl"
LOCK_NAME = "printing.lock"
_MOST_BYTES = 1 << 20


class QueueUnwritable(AdmissionError):
    """It cannot be noted what is printed, so nothing is: the disk is full or broken."""


class State(StrEnum):
    """How far a ticket is. Stored: add one, never rename one."""

    WAITING = "waiting"
    BEGUN = "begun"
    DONE = "done"


class _Line(Struct, omit_defaults=True):
    """One line: an exchange (`ticket` absent), or how far one of its tickets is.

    Attributes:
        over: the server has said all of it.
        back: it was begun, and nothing of it came out.
    """

    nonce: str
    ticket: str | None = None
    state: State | None = None
    over: bool = False
    back: bool = False


@dataclass(slots=True)
class Exchange:
    """One exchange.

    Attributes:
        known: the server has said which tickets it made.
        tickets: how far each is, by its name, in their order.
    """

    nonce: str
    known: bool = False
    tickets: dict[str, State] = field(default_factory=dict)

    def names(self, state: State) -> list[str]:
        """Return the tickets that are so far."""
        return [name for name, each in self.tickets.items() if each is state]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do or to look after."""
        return self.known and all(each is State.DONE for each in self.tickets.values())


class PrintQueue:
    """The queue of one scanner's directory. Safe for several threads and processes."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME
        self._lock_path = directory / LOCK_NAME
        self._lock = threading.RLock()

    # --- notes -----------------------------------------------------------------------------------

    def note_exchange(self, nonce: str) -> None:
        """Note an exchange before it is sent."""
        self._add([_Line(nonce)])

    def note_tickets(self, nonce: str, names: Sequence[str]) -> None:
        """Note which tickets an exchange made; none: it made none."""
        lines = [_Line(nonce, name, State.WAITING) for name in names]
        self._add([*lines, _Line(nonce, over=True)])

    def note(self, nonce: str, names: Iterable[str], state: State) -> None:
        """Note how far tickets are; one that was begun is only so put back among the waiting."""
        back = state is State.WAITING
        if lines := [_Line(nonce, name, state, back=back) for name in names]:
            self._add(lines)

    def _add(self, lines: list[_Line]) -> None:
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        with self._lock:
            try:
                self._append(data)
            except OSError as error:
                raise QueueUnwritable(f"cannot write {self._path}: {error.strerror}") from error

    def _append(self, data: bytes) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            before = os.fstat(handle).st_size
            if before and not self._ends_whole():
                data = b"\n" + data  # a line that a power cut left half is no line
            if os.write(handle, data) != len(data):
                os.ftruncate(handle, before)
                raise OSError(28, "no space left for the whole line")
            os.fsync(handle)
        finally:
            os.close(handle)

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    # --- what is left ----------------------------------------------------------------------------

    def exchanges(self) -> list[Exchange]:
        """Return what is not over, the oldest first."""
        found: dict[str, Exchange] = {}
        for line in self._lines():
            exchange = found.setdefault(line.nonce, Exchange(line.nonce))
            exchange.known |= line.over
            if line.ticket is not None and line.state is not None:
                # Two processes may be told of the same tickets; who prints is further.
                known = line.state is State.WAITING and not line.back
                if not (known and line.ticket in exchange.tickets):
                    exchange.tickets[line.ticket] = line.state
        return [exchange for exchange in found.values() if not exchange.is_over]

    def _lines(self) -> Iterator[_Line]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise QueueUnwritable(f"cannot read {self._path}: {error.strerror}") from error
        for text in data.splitlines():
            try:
                yield msgspec.json.decode(text, type=_Line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # half a line, of something that did not happen

    def tidy(self) -> None:
        """Write the file anew without what is over, once it has grown large."""
        with self._lock:
            if not self._path.exists() or self._path.stat().st_size < _MOST_BYTES:
                return
            lines = [line for exchange in self.exchanges() for line in _lines_of(exchange)]
            data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
            try:
                write_durably(self._path, data)
            except StateError as error:
                raise QueueUnwritable(str(error)) from error

    @contextmanager
    def printing(self) -> Iterator[bool]:
        """Keep other processes of this scanner from printing; False: one of them is at it."""
        try:
            handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise QueueUnwritable(f"cannot open {self._lock_path}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)


def _lines_of(exchange: Exchange) -> Iterator[_Line]:
    yield _Line(exchange.nonce, over=exchange.known)
    for name, state in exchange.tickets.items():
        yield _Line(exchange.nonce, name, state)
