"""A wedge and a serial scanner at one lane, as fast as they can: nothing is lost, nothing stays."""

import os
import threading
import time

from admission.verdicts import Outcome
from admission.wire import Text
from scanner_client.assembly import Assembly
from scanner_client.capture_evdev import Wedge
from scanner_client.capture_serial import SerialReader
from scanner_client.checkin import Shown
from scanner_client.debounce import Debounce
from scanner_client.decode import load_stages
from scanner_client.loop import Lane
from tests import readers
from tests.readers import Serial, play
from tests.scanner_client.watching import wait_for

EACH = 300
SHOWN = Shown("n", Outcome.WAIT, Text(zh="", en=""))


class Counter:
    """A check-in that notes when each code came."""

    def __init__(self):
        self.came_s = {}

    def check_in(self, code):
        assert code not in self.came_s
        self.came_s[code] = time.monotonic()
        return SHOWN


def a_lane(counter):
    return Lane(
        load_stages(lambda _: None),
        Debounce(3),
        check_in=counter.check_in,
        reading=lambda: None,
        present=lambda _: None,
        report=lambda _: None,
        answers=lambda _: False,
    )


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_readers_at_full_speed_lose_nothing_and_leave_nothing_open():
    before, counter, stop = open_files(), Counter(), threading.Event()
    codes = {kind: [f"{kind}-{n:05}-8K2F" for n in range(EACH)] for kind in ("WEDGE", "PORT")}
    with readers.Wedge() as wedge, Serial() as port:
        opened = threading.Event()
        sources = [
            Wedge(wedge.path, Assembly, lambda _: opened.set()),
            SerialReader(port.path, Assembly),
        ]
        lane = threading.Thread(target=a_lane(counter).run, args=(sources, stop))
        lane.start()
        assert opened.wait(5)
        wait_for(lambda: reads_first(port, counter))
        played = [
            threading.Thread(target=play, args=(device.scan, codes[kind], 1000))
            for kind, device in (("WEDGE", wedge), ("PORT", port))
        ]
        for each in played:
            each.start()
        wait_for(lambda: len(counter.came_s) >= 2 * EACH + 1, seconds=30)
        stop.set()
        lane.join(5)

    assert counter.came_s.keys() - {"FIRST-0001"} == {*codes["WEDGE"], *codes["PORT"]}
    assert open_files() == before


def reads_first(port, counter):
    """Send a code until it is read: what came before the port was open is dropped."""
    if not counter.came_s:
        port.scan("FIRST-0001")
        time.sleep(0.1)
    return bool(counter.came_s)
