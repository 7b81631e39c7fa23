"""A barrier on the pins of the machine itself: one output to a relay, up to two inputs back."""

from __future__ import annotations

import threading
from contextlib import suppress

import gpiozero
from gpiozero.pins import Factory

from scanner_client.barrier_driver import BarrierLost, Signal
from scanner_client.barrier_settings import NOT_WIRED, BarrierSettings


class RelayBarrier:
    """Drives a relay by gpiozero; the passage sensor is heard by its edges, none is missed.

    Args:
        factory: of pins; None: what gpiozero finds on this machine.
    """

    def __init__(self, settings: BarrierSettings, factory: Factory | None = None) -> None:
        self._settings = settings
        self._factory = factory
        self._lock = threading.Lock()
        self._turns = 0
        self._devices: list[gpiozero.GPIODevice] = []
        self._output: gpiozero.DigitalOutputDevice | None = None
        self._sensor: gpiozero.DigitalInputDevice | None = None
        self._fault: gpiozero.DigitalInputDevice | None = None

    @property
    def watches(self) -> bool:
        """Whether a passage sensor is wired."""
        return self._settings.sensor_pin != NOT_WIRED

    def connect(self) -> None:
        """Take the pins; the output is at rest from the first moment."""
        self.close()
        settings = self._settings
        try:
            self._output = gpiozero.DigitalOutputDevice(
                settings.output_pin,
                active_high=settings.active_high,
                initial_value=False,
                pin_factory=self._factory,
            )
            self._devices.append(self._output)
            self._sensor = self._input(settings.sensor_pin)
            self._fault = self._input(settings.fault_pin)
        except (gpiozero.GPIOZeroError, OSError) as error:
            self.close()
            raise BarrierLost(f"the pins of the relay cannot be used: {error}") from error
        if self._sensor is not None:
            self._sensor.when_activated = self._note_turn

    def _input(self, pin: int) -> gpiozero.DigitalInputDevice | None:
        if pin == NOT_WIRED:
            return None
        # Pulled up: a contact to ground, so that a cut wire reads as nobody, never as many.
        device = gpiozero.DigitalInputDevice(pin, pull_up=True, pin_factory=self._factory)
        self._devices.append(device)
        return device

    def _note_turn(self) -> None:
        with self._lock:
            self._turns += 1

    def set(self, *, on: bool) -> None:
        """Switch the relay."""
        if self._output is None:
            raise BarrierLost("the relay is not connected")
        try:
            self._output.value = on
        except (gpiozero.GPIOZeroError, OSError) as error:
            raise BarrierLost(f"the relay does not switch: {error}") from error

    def sense(self) -> Signal:
        """Return what the inputs have said."""
        try:
            active = self._sensor is not None and bool(self._sensor.value)
            fault = self._fault is not None and bool(self._fault.value)
        except (gpiozero.GPIOZeroError, OSError) as error:
            raise BarrierLost(f"the pins of the relay cannot be read: {error}") from error
        with self._lock:
            return Signal(self._turns, active, "its fault contact is closed" if fault else "")

    def close(self) -> None:
        """Let go of the pins, by which the relay falls to its rest."""
        for device in self._devices:
            with suppress(gpiozero.GPIOZeroError, OSError):
                device.close()
        self._devices, self._output, self._sensor, self._fault = [], None, None, None
