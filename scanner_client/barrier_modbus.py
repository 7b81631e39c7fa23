"""A barrier behind a Modbus/TCP controller: a coil opens it, a register or an input counts."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from admission.errors import InvalidInput
from scanner_client.barrier_driver import BarrierLost, Counter, Edges, Signal
from scanner_client.barrier_settings import NOT_WIRED, BarrierSettings

USUAL_PORT = 502
# A controller on the lane's own cable answers within a few milliseconds.
WITHIN_S = 0.5


class ModbusBarrier:
    """Speaks Modbus/TCP. A passage is counted by an input register, or by a discrete input."""

    def __init__(self, settings: BarrierSettings) -> None:
        self._settings = settings
        host, _, port = settings.address.rpartition(":")
        if not port.isdigit():
            host, port = settings.address, str(USUAL_PORT)
        if not host:
            raise InvalidInput("barrier.address", "give HOST:PORT of the Modbus controller")
        self._where = f"{host}:{port}"
        # What it says of a broken connection is said once, by us.
        logger = logging.getLogger("pymodbus")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        self._client = ModbusTcpClient(host, port=int(port), timeout=WITHIN_S, retries=0)
        self._counter, self._edges = Counter(), Edges()

    @property
    def watches(self) -> bool:
        """Whether a counter or an input says who passes."""
        return self._settings.counter != NOT_WIRED or self._settings.input != NOT_WIRED

    def connect(self) -> None:
        """Connect; the coil stays as it is."""
        self.close()
        try:
            connected = self._client.connect()  # type: ignore[no-untyped-call]
        except (ModbusException, OSError) as error:
            raise self._lost(error) from error
        if not connected:
            raise self._lost("it does not answer")

    def set(self, *, on: bool) -> None:
        """Write the coil."""
        settings = self._settings
        self._ask("write_coil", settings.coil, on)

    def sense(self) -> Signal:
        """Read what is wired of counter, input and fault input."""
        settings, active, fault = self._settings, False, False
        if settings.counter != NOT_WIRED:
            found = self._ask("read_input_registers", settings.counter, count=1)
            self._counter.look(found.registers[0])
        if settings.input != NOT_WIRED:
            active = self._ask("read_discrete_inputs", settings.input, count=1).bits[0]
            self._edges.look(active)
        if settings.fault_input != NOT_WIRED:
            fault = self._ask("read_discrete_inputs", settings.fault_input, count=1).bits[0]
        # Where both are wired the register counts, and the input says only who stands there.
        counted = self._counter if settings.counter != NOT_WIRED else self._edges
        return Signal(counted.turns, active, "its controller says fault" if fault else "")

    def _ask(self, function: str, *arguments: Any, **options: Any) -> Any:
        call = getattr(self._client, function)
        try:
            answer = call(*arguments, device_id=self._settings.unit, **options)
        except (ModbusException, OSError) as error:
            raise self._lost(error) from error
        if answer.isError():
            raise self._lost(f"it refuses {function} {arguments[0]}: {answer}")
        return answer

    def _lost(self, cause: object) -> BarrierLost:
        return BarrierLost(f"the Modbus controller at {self._where}: {cause}")

    def close(self) -> None:
        """Close the connection; the coil stays as it is."""
        with suppress(ModbusException, OSError):
            self._client.close()  # type: ignore[no-untyped-call]
