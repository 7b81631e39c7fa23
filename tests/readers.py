"""Hardware readers, played over pseudo-terminals: a keyboard wedge's key events, a serial port."""

from __future__ import annotations

import os
import pty
import struct
import termios
import time
import tty
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

# linux/input-event-codes.h, the keys of a US keyboard; upper case is typed with Shift.
KEYS = {
    **dict(zip("1234567890", range(2, 12), strict=True)),
    **dict(zip("qwertyuiop", range(16, 26), strict=True)),
    **dict(zip("asdfghjkl", range(30, 39), strict=True)),
    **dict(zip("zxcvbnm", range(44, 51), strict=True)),
    "-": 12,
    ".": 52,
    "\t": 15,
    "\r": 28,
    "/": 53,
    " ": 57,
}
WITH_SHIFT = {":": 39, "$": 5, "%": 6, "*": 9, "+": 13}
SHIFT = 42
OPENED_WITHIN_S = 20.0
EV_SYN, EV_KEY = 0, 1
NATIVE = struct.Struct("@llHHi")


class Device:
    """A device file that bytes come from; its reader opens `path`.

    Args:
        link: a lasting name for it, as /dev/input/by-id has them.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._link = link
        self._open: tuple[int, int] | None = None
        self.plug()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    @property
    def path(self) -> Path:
        """What its reader opens."""
        return self._link or Path(self._device)

    def plug(self) -> None:
        """Put it in, under its lasting name if it has one."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        self._open = (master, slave)
        self._device = os.ttyname(slave)
        if self._link is not None:
            self._link.symlink_to(self._device)

    def unplug(self) -> None:
        """Pull it out: whoever reads it gets an error, and its name is gone."""
        if self._open is None:
            return
        if self._link is not None:
            self._link.unlink()
        for each in self._open:
            os.close(each)
        self._open = None

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._open is not None
        os.write(self._open[0], data)


class Serial(Device):
    """A serial scanner."""

    def scan(self, code: str, end: str = "\r\n") -> None:
        """Send a code."""
        self.send(f"{code}{end}".encode())

    def await_reader(self) -> None:
        """Wait until a reader has opened the port, which drops what came before.

        Raises TimeoutError: none has.
        """
        until_s = time.monotonic() + OPENED_WITHIN_S
        # A new port is raw and not set to any usual speed: its reader sets one.
        while self.modes()[1] != termios.B9600:
            if time.monotonic() > until_s:
                raise TimeoutError(f"nobody has opened {self.path}")
            time.sleep(0.01)

    def modes(self) -> tuple[int, int]:
        """Return how its reader has set the port: the control flags and the speed."""
        assert self._open is not None
        modes = termios.tcgetattr(self._open[1])
        return modes[2], modes[4]


class Wedge(Device):
    """A keyboard-wedge scanner.

    Args:
        event: how the machine lays out an input event.
    """

    def __init__(self, link: Path | None = None, event: struct.Struct = NATIVE) -> None:
        super().__init__(link)
        self._event = event

    def scan(self, code: str, end: str = "\r") -> None:
        """Type a code."""
        self.send(b"".join(self._stroke(character) for character in f"{code}{end}"))

    def press(self, *keys: int) -> None:
        """Press keys one after the other, by their number."""
        self.send(b"".join(self.key(key, 1) + self.key(key, 0) for key in keys))

    def key(self, key: int, value: int) -> bytes:
        """Return the events of a key that goes down (1), up (0) or repeats (2)."""
        return self.event(EV_KEY, key, value) + self.event(EV_SYN, 0, 0)

    def event(self, kind: int, code: int, value: int) -> bytes:
        """Return one event."""
        return self._event.pack(1_423_700_000, 120_000, kind, code, value)

    def _stroke(self, character: str) -> bytes:
        shifted = character.isupper() or character in WITH_SHIFT
        key = WITH_SHIFT.get(character) or KEYS[character.lower()]
        stroke = self.key(key, 1) + self.key(key, 0)
        return self.key(SHIFT, 1) + stroke + self.key(SHIFT, 0) if shifted else stroke


def play(scan: Callable[[str], None], codes: Iterable[str], per_s: float) -> None:
    """Have a reader scan codes at a steady rate, without falling behind for good."""
    due_s = time.monotonic()
    for code in codes:
        time.sleep(max(0.0, due_s - time.monotonic()))
        scan(code)
        due_s += 1 / per_s
