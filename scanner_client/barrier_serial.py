"""A barrier on a serial line: bytes that open it, lines that say who passed."""

from __future__ import annotations

from contextlib import suppress

import serial

from scanner_client.barrier_driver import BarrierLost, Signal
from scanner_client.barrier_settings import BarrierSettings

# A controller that sends no end of line is not to fill the memory.
MOST_LINE = 4096
WITHIN_S = 0.5


class SerialBarrier:
    """Speaks with a controller in lines of text, as most with an RS-232 or USB port do."""

    def __init__(self, settings: BarrierSettings) -> None:
        self._settings = settings
        self._open = settings.open_text.encode("latin-1")
        self._close = settings.close_text.encode("latin-1")
        self._port: serial.Serial | None = None
        self._rest = b""
        self._turns, self._fault = 0, ""

    @property
    def watches(self) -> bool:
        """Whether it says who passes."""
        return bool(self._settings.passage_text)

    def connect(self) -> None:
        """Open the line; what came before is old news."""
        self.close()
        settings = self._settings
        try:
            self._port = serial.Serial(
                settings.address, settings.baud, timeout=0, write_timeout=WITHIN_S
            )
            self._port.reset_input_buffer()
        except (serial.SerialException, OSError, ValueError) as error:
            raise self._lost(error) from error
        self._rest, self._fault = b"", ""

    def set(self, *, on: bool) -> None:
        """Send what opens it, or what ends that, where there is something to send."""
        data = self._open if on else self._close
        if not data:
            return
        try:
            self._line().write(data)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from error

    def sense(self) -> Signal:
        """Take the lines that came."""
        try:
            self._rest += self._line().read(MOST_LINE)
        except (serial.SerialException, OSError) as error:
            raise self._lost(error) from error
        *lines, self._rest = self._rest.replace(b"\r", b"\n").split(b"\n")
        self._rest = self._rest[-MOST_LINE:]
        for line in lines:
            self._take(line.decode("latin-1").strip())
        return Signal(self._turns, False, self._fault)

    def _take(self, line: str) -> None:
        settings = self._settings
        if settings.passage_text and line == settings.passage_text:
            self._turns, self._fault = self._turns + 1, ""
        elif settings.fault_text and line.startswith(settings.fault_text):
            self._fault = line[:80]

    def _line(self) -> serial.Serial:
        if self._port is None:
            raise self._lost("it is not open")
        return self._port

    def _lost(self, cause: object) -> BarrierLost:
        return BarrierLost(f"the barrier at {self._settings.address}: {cause}")

    def close(self) -> None:
        """Close the line."""
        if self._port is not None:
            with suppress(serial.SerialException, OSError):
                self._port.close()
        self._port = None
