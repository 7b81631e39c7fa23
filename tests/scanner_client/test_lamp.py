"""The lamp follows the verdicts, on pins that are simulated by gpiozero itself and over HTTP."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gpiozero.pins.mock import MockFactory

from admission.errors import InvalidInput
from scanner_client.lamp import HttpLights, Lamp, PinLights, open_lights
from scanner_client.screen_settings import LampSettings
from tests.scanner_client.screens import LOOKS

PINS = {"green": 17, "red": 27, "amber": 22, "blue": 23}


def wait_for(condition, seconds=5.0):
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.01)


def lit(factory):
    return [name for name, pin in PINS.items() if factory.pin(pin).state]


@pytest.mark.parametrize(
    ("look", "colour"),
    [
        *(("go", "green"), ("stop", "red"), ("call", "amber"), ("wait", "blue")),
        *(("voided", "amber"), ("valid", "blue"), ("noted", "blue")),
    ],
)
def test_verdict_lights_one_lamp_and_goes_out(look, colour):
    factory = MockFactory()
    with Lamp(PinLights(PINS, factory), print, on_s=0.3) as lamp:
        lamp.show(LOOKS[look])
        wait_for(lambda: lit(factory) == [colour])
        wait_for(lambda: lit(factory) == [])


def test_next_code_puts_the_lamp_out_and_the_newest_verdict_stands():
    factory = MockFactory()
    with Lamp(PinLights(PINS, factory), print, on_s=30) as lamp:
        lamp.show(LOOKS["go"])
        wait_for(lambda: lit(factory) == ["green"])
        lamp.reading()
        wait_for(lambda: lit(factory) == [])
        lamp.show(LOOKS["go"])
        lamp.show(LOOKS["stop"])
        wait_for(lambda: lit(factory) == ["red"])
    assert lit(factory) == []


def test_lane_without_a_lamp_of_that_colour_stays_dark():
    factory = MockFactory()
    with Lamp(PinLights({"green": 17}, factory), print, on_s=30) as lamp:
        lamp.show(LOOKS["go"])
        wait_for(lambda: lit(factory) == ["green"])
        lamp.show(LOOKS["stop"])
        wait_for(lambda: lit(factory) == [])


def test_machine_without_pins_says_so():
    with pytest.raises(InvalidInput, match="no pins"):
        open_lights(LampSettings("gpio", 17, 0, 0, 0, "", 4.0))


class Bulb(BaseHTTPRequestHandler):
    """A lamp that is told its colour."""

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.delay.wait(self.server.delay_s)
        self.server.told.append(told["colour"])
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def a_bulb():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bulb)
    server.told, server.status, server.delay_s, server.delay = [], 200, 0, threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server, f"http://user:pass@127.0.0.1:{server.server_port}/"
    finally:
        server.delay.set()
        server.shutdown()
        server.server_close()


def test_lamp_over_http_is_told_and_its_loss_is_said_once_without_its_address():
    said = []
    with a_bulb() as (bulb, url), Lamp(HttpLights(url), said.append, on_s=30) as lamp:
        wait_for(lambda: bulb.told == [None])
        bulb.status = 500
        lamp.show(LOOKS["go"])
        wait_for(lambda: said)
        bulb.status = 200
        wait_for(lambda: len(said) == 2)

    assert bulb.told[:3] == [None, "green", "green"]
    assert ["does not answer" in said[0], said[1]] == [True, "the lamp is back"]
    assert "pass" not in " ".join(said)


def test_lamp_that_hangs_holds_up_no_verdict():
    with a_bulb() as (bulb, url), Lamp(HttpLights(url), [].append, on_s=30) as lamp:
        wait_for(lambda: bulb.told == [None])
        bulb.delay_s = 1
        began_s = time.monotonic()
        for look in ("go", "stop", "call"):
            lamp.show(LOOKS[look])
        took_s = time.monotonic() - began_s
        bulb.delay.set()
        wait_for(lambda: bulb.told[-1] == "amber")

    assert took_s < 0.8
