"""Carry bytes to a printer and back: over the network, a serial line, USB, or into a file."""

from __future__ import annotations

import os
import select
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial

from scanner_client.printer_settings import PrinterSettings

USB_CLASS = Path("/sys/class/usbmisc")
USB_DEVICES = Path("/dev/usb")
FAILED = (OSError, serial.SerialException)
"""What opening, writing and reading raise."""


class Device(Protocol):
    """An open printer."""

    def write(self, data: bytes) -> None:
        """Hand all of it over."""

    def read(self) -> bytes:
        """Return what it says within the time-out; b"": nothing."""

    def close(self) -> None:
        """Let it go."""


def open_device(settings: PrinterSettings) -> Device:
    """Open the printer that the settings name; raises one of FAILED."""
    return _OPEN[settings.kind](settings)


class _Network:
    def __init__(self, settings: PrinterSettings) -> None:
        self._socket = socket.create_connection(settings.host, settings.timeout_s)

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self) -> bytes:
        try:
            return self._socket.recv(16)
        except TimeoutError:
            return b""

    def close(self) -> None:
        self._socket.close()


class _Serial:
    def __init__(self, settings: PrinterSettings) -> None:
        self._port = serial.Serial(
            settings.address,
            settings.baud,
            timeout=settings.timeout_s,
            write_timeout=settings.timeout_s,
        )

    def write(self, data: bytes) -> None:
        self._port.write(data)
        self._port.flush()

    def read(self) -> bytes:
        return bytes(self._port.read(1))

    def close(self) -> None:
        self._port.close()


class _File:
    """A device file, or a file that grows; of a file all is on disk before it counts as printed."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        flags = os.O_APPEND | os.O_CREAT if not path.exists() or path.is_file() else 0
        self._handle = os.open(path, os.O_RDWR | flags | os.O_NOCTTY, 0o600)
        self._is_file = stat.S_ISREG(os.fstat(self._handle).st_mode)
        self._timeout_s = timeout_s

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if not select.select([], [self._handle], [], self._timeout_s)[1]:
                raise TimeoutError("it takes no more bytes")
            view = view[os.write(self._handle, view) :]
        if self._is_file:
            os.fsync(self._handle)

    def read(self) -> bytes:
        ready = select.select([self._handle], [], [], self._timeout_s)[0]
        return os.read(self._handle, 16) if ready else b""

    def close(self) -> None:
        os.close(self._handle)


def find_usb(
    vendor: int, product: int, *, known: Path = USB_CLASS, devices: Path = USB_DEVICES
) -> Path:
    """Return the device file of a USB printer, as Linux's own driver (usblp) gives it.

    Raises FileNotFoundError: it is not plugged in, or the driver has not taken it.
    """
    for entry in sorted(known.glob("lp*")):
        of = (entry / "device" / "..").resolve()
        if (_number(of / "idVendor"), _number(of / "idProduct")) == (vendor, product):
            return devices / entry.name
    raise FileNotFoundError(2, f"no USB printer {vendor:04x}:{product:04x} is plugged in")


def _number(path: Path) -> int | None:
    return int(path.read_text("ascii"), 16) if path.exists() else None


def _open_usb(settings: PrinterSettings) -> Device:
    return _File(find_usb(*settings.usb), settings.timeout_s)


_OPEN: dict[str, Callable[[PrinterSettings], Device]] = {
    "escpos-usb": _open_usb,
    "escpos-network": _Network,
    "escpos-serial": _Serial,
    "escpos-file": lambda settings: _File(Path(settings.address), settings.timeout_s),
}
