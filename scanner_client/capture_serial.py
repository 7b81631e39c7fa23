"""Texts from a scanner at a serial port, or at a USB port that shows itself as one."""

from __future__ import annotations

import select
import termios
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import serial

from scanner_client.assembly import Assembly, typed
from scanner_client.capture import REOPEN_S, Typed, Watch


@dataclass(frozen=True, slots=True)
class SerialReader:
    """A reader at a serial port; opened again whenever it was lost.

    Attributes:
        new_assembly: makes what puts its bytes together to texts.
        baud: bits a second.
        frame: data bits, parity and stop bits, such as `8N1`.
    """

    path: Path
    new_assembly: Callable[[], Assembly]
    baud: int = 9600
    frame: str = "8N1"

    def sightings(self, watch: Watch) -> Iterator[Typed]:
        """Give what it sends; say when it is lost and when it is back."""
        name = f"serial {self.path}"
        while not watch.stop.is_set():
            try:
                with self._open() as port:
                    watch.find(name)
                    yield from typed(_reading(port), self.new_assembly(), watch, name)
            except OSError as error:
                watch.lose(name, error.strerror or str(error))
            watch.stop.wait(REOPEN_S)

    def _open(self) -> serial.Serial:
        """Open the port; what pyserial raises where it cannot be set so is an OSError too."""
        try:
            return serial.Serial(
                str(self.path),
                self.baud,
                bytesize=int(self.frame[0]),
                parity=self.frame[1],
                stopbits=int(self.frame[2]),
                timeout=0,
                # Two programs at one reader would each get a part of a code.
                exclusive=True,
            )
        except (termios.error, ValueError) as error:
            raise OSError(f"cannot be set to {self.baud} {self.frame}: {error}") from error


def _reading(port: serial.Serial) -> Callable[[float], bytes]:
    def read(wait_s: float) -> bytes:
        if not select.select([port], [], [], wait_s)[0]:
            return b""
        return bytes(port.read(max(1, port.in_waiting)))

    return read
