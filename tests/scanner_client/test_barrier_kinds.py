"""Each kind of barrier against the real thing, or what stands in for it at the other end."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import threading
import tty
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gpiozero.pins.mock import MockFactory

from admission.errors import InvalidInput
from scanner_client.barrier_driver import BarrierLost
from scanner_client.barrier_http import HttpBarrier
from scanner_client.barrier_lane import make_driver
from scanner_client.barrier_modbus import ModbusBarrier
from scanner_client.barrier_relay import RelayBarrier
from scanner_client.barrier_serial import SerialBarrier
from tests.modbus import COUNTERS, INPUTS, Controller
from tests.scanner_client.barriers import settings, wait_for
from tests.server import a_free_port

# --- relay ----------------------------------------------------------------------------------------


@pytest.fixture
def pins():
    factory = MockFactory()
    yield factory
    factory.reset()


def a_relay(tmp_path, pins, **changes):
    wired = {"kind": "relay", "output_pin": 17, "sensor_pin": 27, "fault_pin": 22}
    return RelayBarrier(settings(tmp_path, **(wired | changes)), pins)


def test_relay_rests_switches_and_falls_when_it_is_let_go(tmp_path, pins):
    relay = a_relay(tmp_path, pins)
    relay.connect()
    levels = [pins.pin(17).state]
    for on in (True, False, True):
        relay.set(on=on)
        levels.append(pins.pin(17).state)
    relay.close()

    assert levels == [0, 1, 0, 1]
    # An input drives nothing: the relay is at rest whatever was set last.
    assert pins.pin(17).function == "input"


def test_relay_that_draws_on_low_rests_high(tmp_path, pins):
    relay = a_relay(tmp_path, pins, active_high=False)
    relay.connect()
    rest = pins.pin(17).state
    relay.set(on=True)

    assert (rest, pins.pin(17).state) == (1, 0)
    relay.close()


def test_relay_hears_each_passage_however_short(tmp_path, pins):
    relay = a_relay(tmp_path, pins)
    relay.connect()
    for _ in range(3):
        pins.pin(27).drive_low()
        pins.pin(27).drive_high()
    after = relay.sense()
    pins.pin(27).drive_low()
    pins.pin(22).drive_low()
    signal = relay.sense()

    assert (after.turns, after.active, after.fault) == (3, False, "")
    assert (signal.turns, signal.active) == (4, True)
    assert "fault" in signal.fault
    relay.close()


def test_machine_without_pins_has_lost_its_relay(tmp_path):
    with pytest.raises(BarrierLost):
        RelayBarrier(settings(tmp_path, kind="relay", output_pin=500), MockFactory()).connect()


# --- Modbus ---------------------------------------------------------------------------------------


@pytest.fixture
def controller():
    with Controller(a_free_port()) as controller:
        yield controller


def a_modbus(tmp_path, port, **changes):
    wired = {"kind": "modbus", "address": f"127.0.0.1:{port}", "unit": 3, "coil": 2}
    wired |= {"counter": 1, "input": 4, "fault_input": 5}
    return ModbusBarrier(settings(tmp_path, **(wired | changes)))


def test_modbus_coil_opens_and_register_counts(tmp_path, controller):
    barrier = a_modbus(tmp_path, controller.port)
    barrier.connect()
    barrier.sense()
    barrier.set(on=True)
    opened = controller.coil
    barrier.set(on=False)
    controller.put(COUNTERS, 1, 2)
    controller.put(INPUTS, 4, True)
    signal = barrier.sense()

    assert (opened, controller.coil) == (True, False)
    assert (signal.turns, signal.active, signal.fault) == (2, True, "")
    barrier.close()


def test_modbus_input_counts_where_there_is_no_register(tmp_path, controller):
    barrier = a_modbus(tmp_path, controller.port, counter=-1)
    barrier.connect()
    for active in (False, True, False, True):
        controller.put(INPUTS, 4, active)
        signal = barrier.sense()
    controller.put(INPUTS, 5, True)

    assert signal.turns == 2
    assert barrier.sense().fault
    barrier.close()


def test_modbus_controller_that_went_away_is_lost_and_found_again(tmp_path):
    port = a_free_port()
    barrier = a_modbus(tmp_path, port)
    with Controller(port):
        barrier.connect()
    with pytest.raises(BarrierLost) as lost:
        barrier.set(on=True)
    with pytest.raises(BarrierLost):
        barrier.connect()
    with Controller(port) as controller:
        barrier.connect()
        barrier.set(on=True)
        found = controller.coil
        barrier.close()

    assert f"127.0.0.1:{port}" in str(lost.value)
    assert found


def test_modbus_library_writes_nothing_between_the_verdicts(tmp_path):
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    with pytest.raises(BarrierLost):
        a_modbus(tmp_path, a_free_port()).connect()
    logging.getLogger().removeHandler(handler)

    assert log.getvalue() == ""


def test_modbus_controller_of_another_unit_is_no_barrier(tmp_path, controller):
    barrier = a_modbus(tmp_path, controller.port, unit=9)
    barrier.connect()

    with pytest.raises(BarrierLost):
        barrier.sense()
    barrier.close()


# --- serial ---------------------------------------------------------------------------------------


@pytest.fixture
def line():
    """A pseudo-terminal: the controller's end, and the path of the lane's."""
    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for end in (master, slave):
        with suppress(OSError):
            os.close(end)


def a_serial(tmp_path, path, **changes):
    said = {"kind": "serial", "address": path, "open_text": "O\x02\n", "close_text": "C\n"}
    return SerialBarrier(settings(tmp_path, **(said | changes)))


def test_serial_sends_what_opens_and_counts_lines(tmp_path, line):
    master, path = line
    barrier = a_serial(tmp_path, path)
    barrier.connect()
    barrier.set(on=True)
    barrier.set(on=False)
    sent = b""
    while not sent.endswith(b"C\n"):
        sent += os.read(master, 100)
    os.write(master, b"PASS\r\nnoise\nPASS\nPA")
    wait_for(lambda: barrier.sense().turns == 2)
    first = barrier.sense()
    os.write(master, b"SS\n\xff\xfe\nFAULT 7 motor\n")
    wait_for(lambda: barrier.sense().fault)
    second = barrier.sense()
    os.write(master, b"PASS\n")
    wait_for(lambda: not barrier.sense().fault)

    assert sent == b"O\x02\nC\n"
    assert first.turns == 2
    assert (second.turns, second.fault) == (3, "FAULT 7 motor")
    barrier.close()


def test_serial_line_without_end_fills_no_memory(tmp_path, line):
    master, path = line
    barrier = a_serial(tmp_path, path)
    barrier.connect()
    for _ in range(10):
        os.write(master, b"x" * 2000)
        barrier.sense()
    os.write(master, b"\nPASS\n")
    wait_for(lambda: barrier.sense().turns == 1)

    assert len(barrier._rest) < 5000
    barrier.close()


def test_serial_port_that_is_gone_is_lost(tmp_path, line):
    master, path = line
    barrier = a_serial(tmp_path, path)
    barrier.connect()
    os.close(master)
    with pytest.raises(BarrierLost) as lost:
        wait_for(lambda: barrier.sense() is None)

    assert path in str(lost.value)
    with pytest.raises(BarrierLost):
        a_serial(tmp_path, "/dev/no-such-port").connect()
    barrier.close()


# --- HTTP -----------------------------------------------------------------------------------------


class Web(ThreadingHTTPServer):
    """A barrier with a web interface."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), WebHandler)
        self.posts: list[dict[str, bool]] = []
        self.answer: bytes = b'{"turned": 0}'
        self.status = 200


class WebHandler(BaseHTTPRequestHandler):
    server: Web

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.posts.append(json.loads(self.rfile.read(length)))
        self._send(b"{}")

    def do_GET(self) -> None:
        self._send(self.server.answer)

    def _send(self, body: bytes) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def a_web():
    with Web() as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield web
        finally:
            web.shutdown()
            thread.join(5)


def an_http(tmp_path, web):
    url = f"http://user:secret@127.0.0.1:{web.server_port}"
    return HttpBarrier(
        settings(tmp_path, kind="http", address=f"{url}/open", passage_url=f"{url}/passed")
    )


def test_http_posts_open_and_asks_who_passed(tmp_path):
    with a_web() as web:
        barrier = an_http(tmp_path, web)
        barrier.connect()
        barrier.sense()
        barrier.set(on=True)
        web.answer = b'{"turned": 3, "active": true, "fault": "arm", "more": 1}'
        signal = barrier.sense()
        barrier.close()

    assert web.posts == [{"open": True}]
    assert (signal.turns, signal.active, signal.fault) == (3, True, "arm")


@pytest.mark.parametrize(
    ("status", "answer"), [(500, b"{}"), (200, b"<html>"), (200, b'{"turned": "many"}')]
)
def test_http_nonsense_is_a_lost_barrier_and_tells_no_secret(tmp_path, status, answer):
    with a_web() as web:
        barrier = an_http(tmp_path, web)
        barrier.connect()
        web.status, web.answer = status, answer
        with pytest.raises(BarrierLost) as lost:
            barrier.sense()
        barrier.close()

    assert "secret" not in str(lost.value)


# --- the choice -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "address", "made"),
    [
        ("none", "", "NoneType"),
        ("relay", "", "RelayBarrier"),
        ("modbus", "10.0.0.7", "ModbusBarrier"),
        ("serial", "/dev/ttyUSB0", "SerialBarrier"),
        ("http", "http://10.0.0.7/", "HttpBarrier"),
    ],
)
def test_settings_choose_the_kind(tmp_path, kind, address, made):
    assert type(make_driver(settings(tmp_path, kind=kind, address=address))).__name__ == made


@pytest.mark.parametrize(("kind", "address"), [("http", "10.0.0.7"), ("modbus", ":502")])
def test_address_of_no_barrier_is_refused(tmp_path, kind, address):
    with pytest.raises(InvalidInput):
        make_driver(settings(tmp_path, kind=kind, address=address))
