"""Texts from a keyboard-wedge scanner through the kernel's input events, grabbed."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from scanner_client.assembly import Assembly, typed
from scanner_client.capture import REOPEN_S, Typed, Watch
from scanner_client.evdev_keys import Keyboard

# struct input_event, linux/input.h: two longs of time, type, code, value. `@` makes it 24 bytes
# for a 64-bit program and 16 for a 32-bit one, which is what the kernel gives each of them.
NATIVE = struct.Struct("@llHHi")
# _IOW('E', 0x90, int) as x86 and ARM count it.
EVIOCGRAB = 0x40044590
MOST_EVENTS = 64

EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
RELEASED, PRESSED = 0, 1


def grab_device(device: int) -> None:
    """Keep what a device types from every other program until it is closed.

    Raises OSError: it cannot be grabbed.
    """
    fcntl.ioctl(device, EVIOCGRAB, 1)


@dataclass(frozen=True, slots=True)
class Wedge:
    """A keyboard-wedge scanner or a keypad; opened again whenever it was lost.

    What cannot be grabbed is not read: its codes would be typed into other windows as well.

    Attributes:
        new_assembly: makes what puts its keys together to texts.
        grab: takes the open device for this program alone; raises OSError where it cannot.
        event: how this machine lays out an event.
    """

    path: Path
    new_assembly: Callable[[], Assembly]
    grab: Callable[[int], None] = grab_device
    event: struct.Struct = NATIVE

    def sightings(self, watch: Watch) -> Iterator[Typed]:
        """Give what it types; say when it is lost and when it is back."""
        name = f"evdev {self.path}"
        while not watch.stop.is_set():
            try:
                with self._open() as device:
                    watch.find(name)
                    assembly = self.new_assembly()
                    lost = partial(watch.report, f"{name}: 请重新扫码 keys were lost, scan again")
                    keys = Keys(device, self.event, assembly, lost)
                    yield from typed(keys.read, assembly, watch, name)
            except OSError as error:
                watch.lose(name, error.strerror or str(error))
            watch.stop.wait(REOPEN_S)

    @contextmanager
    def _open(self) -> Iterator[int]:
        device = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            try:
                self.grab(device)
            except OSError as error:
                why = f"cannot be grabbed ({error.strerror}), so it is not read"
                raise OSError(error.errno, why) from error
            yield device
        finally:
            os.close(device)  # it is no longer grabbed then


@dataclass(slots=True)
class Keys:
    """The keys of an open device as bytes.

    Attributes:
        lost: called when the kernel could not keep events until they were read.
    """

    device: int
    event: struct.Struct
    assembly: Assembly
    lost: Callable[[], object]
    _keyboard: Keyboard = field(default_factory=Keyboard)
    _pending: bytearray = field(default_factory=bytearray, repr=False)
    _skips: bool = False

    def read(self, wait_s: float) -> bytes:
        """Wait for events and return what they type.

        Raises OSError: the device is gone.
        """
        until_s = time.monotonic() + wait_s
        while True:
            keys = self._take()
            if keys:
                return keys
            # Shift and releases type nothing: look on, so that silence is silence.
            if not select.select([self.device], [], [], max(0.0, until_s - time.monotonic()))[0]:
                return b""
            data = os.read(self.device, self.event.size * MOST_EVENTS)
            if not data:
                raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
            self._pending += data

    def _take(self) -> bytes:
        """Return what the events in hand type, up to where some were lost."""
        keys = b""
        while len(self._pending) >= self.event.size:
            _, _, kind, code, value = self.event.unpack_from(self._pending)
            if (kind, code) == (EV_SYN, SYN_DROPPED):
                if keys:
                    return keys
                self._drop()
            elif (kind, code) == (EV_SYN, SYN_REPORT):
                self._skips = False
            elif kind == EV_KEY and not self._skips:
                keys += self._typed(code, value)
            del self._pending[: self.event.size]
        return keys

    def _drop(self) -> None:
        self._skips = True
        self._keyboard.forget()
        self.assembly.spoil()
        self.lost()

    def _typed(self, key: int, value: int) -> bytes:
        # Value 2 is a key that repeats by itself: nobody pressed it again.
        if value == PRESSED:
            return self._keyboard.press(key)
        return self._keyboard.release(key) if value == RELEASED else b""
