"""A Modbus controller for barriers to speak to: pymodbus's own server."""

from __future__ import annotations

import asyncio
import threading

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

COILS, INPUTS, COUNTERS = 1, 2, 4  # the function codes that read them
WRITE_COIL = 5


class Controller:
    """pymodbus's own server, with coils, inputs and counters, in a thread of its own.

    Attributes:
        opened: how often a coil was put on.
    """

    def __init__(self, port: int, unit: int = 3) -> None:
        self.port = port
        self.unit = unit
        self.opened = 0
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Controller:
        self._thread.start()
        assert self._up.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._server.shutdown())
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
        numbers = [SimData(0, values=[0] * 16, datatype=DataType.REGISTERS)]
        device = SimDevice(self.unit, simdata=(bits, bits, numbers, numbers))
        where = ("127.0.0.1", self.port)
        self._server = ModbusTcpServer(device, address=where, trace_pdu=self._see)
        await self._server.serve_forever(background=True)
        self._up.set()
        await self._server.serving

    def _see(self, sending, request):
        self.opened += not sending and request.function_code == WRITE_COIL and request.bits[0]
        return request

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    def put(self, kind: int, address: int, value: int) -> None:
        self._do(self._server.async_setValues(self.unit, kind, address, [value]))

    @property
    def coil(self) -> bool:
        return bool(self._do(self._server.async_getValues(self.unit, COILS, 2, 1))[0])
