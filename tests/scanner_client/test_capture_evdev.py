"""A keyboard wedge: its real key events over a pseudo-terminal; only the grab is played."""

import errno
import os
import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner_client.assembly import MOST_BYTES, Assembly
from scanner_client.capture_evdev import NATIVE, Keys, Wedge
from tests.readers import EV_KEY, EV_SYN, SHIFT, play
from tests.readers import Wedge as PlayedWedge
from tests.scanner_client.watching import texts, wait_for, watching

CODE = "9K3F-22AX-8K2F"
CTRL, ALT, CAPS_LOCK, SYN_DROPPED = 29, 56, 58, 3
PAD = {"0": 82, "1": 79, "2": 80, "3": 81, "4": 75, "5": 76, "6": 77, "7": 71, "8": 72, "9": 73}


class Grab:
    """The kernel's grab, which a pseudo-terminal does not have."""

    def __init__(self, refuses=False):
        self.grabbed = []
        self.refuses = refuses

    def __call__(self, device):
        if self.refuses:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.grabbed.append(device)


def a_wedge(device, *, grab=None, pause_s=0.0, event=NATIVE):
    return Wedge(device.path, lambda: Assembly(pause_s=pause_s), grab or Grab(), event)


@pytest.mark.parametrize("layout", ["@llHHi", "<iiHHi", "<qqHHi"])
def test_codes_are_read_in_every_layout_of_events(layout):
    event = struct.Struct(layout)
    with PlayedWedge(event=event) as device, watching(a_wedge(device, event=event)) as (seen, _):
        play(device.scan, [CODE, "GH1:$%*+-./:AZ 09", "lower-case"], per_s=50)
        wait_for(lambda: len(seen) == 3)

    assert texts(seen) == [CODE, "GH1:$%*+-./:AZ 09", "lower-case"]
    assert seen[0].origin == f"evdev {device.path}"


def test_event_that_comes_in_two_parts_is_one():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        keys = b"".join(device.key(key, value) for key in (16, 17, 28) for value in (1, 0))
        for place in range(0, len(keys), 10):
            device.send(keys[place : place + 10])
            time.sleep(0.002)
        wait_for(lambda: seen)

    assert texts(seen) == ["qw"]


@pytest.mark.parametrize("end", [28, 96, 15], ids=["Enter", "Enter of the keypad", "Tab"])
def test_enter_and_tab_end_a_code(end):
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        device.press(*(PAD[digit] for digit in "1234567890"), end)
        wait_for(lambda: seen)

    assert texts(seen) == ["1234567890"]


def test_pause_ends_a_code_of_a_scanner_that_sends_no_end():
    with PlayedWedge() as device, watching(a_wedge(device, pause_s=0.2)) as (seen, _):
        device.scan(CODE, end="")
        wait_for(lambda: len(seen) == 1)
        device.scan("OTHER-0002", end="")
        wait_for(lambda: len(seen) == 2)

    assert texts(seen) == [CODE, "OTHER-0002"]


def test_key_that_repeats_by_itself_types_once():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        device.send(device.key(30, 1) + device.key(30, 2) * 5000 + device.key(30, 0))
        device.press(48, 28)
        wait_for(lambda: seen)

    assert texts(seen) == ["ab"]


def test_stuck_key_that_is_pressed_for_ever_is_bounded():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        for _ in range(60):
            device.press(*([30] * 50))
        wait_for(lambda: seen)
        device.scan("\r")
        device.scan(CODE)
        wait_for(lambda: len(seen) == 2)

    assert len(seen[0].text) == MOST_BYTES + 1
    assert seen[1].text == CODE


def test_caps_lock_turns_letters_and_nothing_else():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        device.press(CAPS_LOCK)
        device.scan("9k3f-22AX")
        device.press(CAPS_LOCK)
        device.scan("9k3f-22AX")
        wait_for(lambda: len(seen) == 2)

    assert texts(seen) == ["9K3F-22ax", "9k3f-22AX"]


def test_control_characters_come_as_the_scanner_types_them():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        device.press(30)
        device.send(device.key(CTRL, 1) + device.key(27, 1) + device.key(27, 0))
        device.send(device.key(CTRL, 0))
        device.press(30, 28)
        wait_for(lambda: seen)

    assert texts(seen) == ["a\x1da"]


def test_characters_typed_by_their_number_need_no_layout():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, _):
        for number in ("065", "0122", "57", "9999", "9" * 5000, "0233"):
            device.send(device.key(ALT, 1))
            device.press(*(PAD[digit] for digit in number))
            device.send(device.key(ALT, 0))
        device.press(28)
        wait_for(lambda: seen)

    assert texts(seen) == ["Az9é"]


@given(st.binary(max_size=40 * NATIVE.size), st.integers(1, 100))
@settings(max_examples=60, deadline=None)
def test_no_bytes_of_a_device_are_a_defect(data, step):
    read_end, write_end = os.pipe()
    keys = Keys(read_end, NATIVE, Assembly(), lambda: None)
    for place in range(0, len(data), step):
        os.write(write_end, data[place : place + step])
        keys.read(0.0)
    os.close(write_end)

    with pytest.raises(OSError, match="No such device"):
        keys.read(0.0)
    os.close(read_end)


def test_unknown_keys_and_other_events_type_nothing():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, reports):
        device.press(500, 113, 0)
        device.send(device.event(4, 4, 458_976) + device.event(17, 1, 1))
        device.scan(CODE)
        wait_for(lambda: seen)

    assert texts(seen) == [CODE]
    assert reports == []


def test_code_that_the_kernel_lost_keys_of_is_told_and_never_scanned():
    with PlayedWedge() as device, watching(a_wedge(device)) as (seen, reports):
        lost = device.event(EV_SYN, SYN_DROPPED, 0) + device.event(EV_KEY, 31, 1)
        device.send(
            b"".join(
                [
                    *(device.key(key, value) for key in (16, 17, 28, 18) for value in (1, 0)),
                    device.key(SHIFT, 1),
                    lost,
                    device.event(EV_SYN, 0, 0),
                    *(device.key(key, value) for key in (19, 28) for value in (1, 0)),
                ]
            )
        )
        device.scan("after-it")
        wait_for(lambda: len(seen) == 2)

    assert texts(seen) == ["qw", "after-it"]
    assert len(reports) == 1
    assert "keys were lost" in reports[0]


def test_unplugged_scanner_is_told_once_and_read_again(tmp_path):
    grab = Grab()
    with PlayedWedge(tmp_path / "usb-Scanner-event-kbd") as device:
        wedge = a_wedge(device, grab=grab)
        with watching(wedge) as (seen, reports):
            device.scan("FIRST-0001")
            wait_for(lambda: len(seen) == 1)
            device.scan("HALF-A-CODE", end="")
            time.sleep(0.05)
            device.unplug()
            wait_for(lambda: len(reports) == 1)
            time.sleep(1.2)
            device.plug()
            wait_for(lambda: len(reports) == 2)
            device.scan("OTHER-0002")
            wait_for(lambda: len(seen) == 2)

    assert texts(seen) == ["FIRST-0001", "OTHER-0002"]
    assert "usb-Scanner-event-kbd" in reports[0]
    assert "is back" in reports[1]
    assert len(grab.grabbed) == 2
    assert "CODE" not in "".join(reports)


def test_scanner_that_cannot_be_grabbed_is_not_read():
    with PlayedWedge() as device:
        with watching(a_wedge(device, grab=Grab(refuses=True))) as (seen, reports):
            device.scan(CODE)
            wait_for(lambda: reports)
            time.sleep(0.2)

        assert seen == []
        assert "cannot be grabbed" in reports[0]
        assert "not read" in reports[0]
        # Nothing was taken from it either.
        with watching(a_wedge(device)) as (seen, _):
            wait_for(lambda: seen)
        assert texts(seen) == [CODE]


def test_what_is_no_input_device_is_refused_by_the_kernel_itself():
    with PlayedWedge() as device:
        wedge = Wedge(device.path, Assembly)
        with watching(wedge) as (seen, reports):
            device.scan(CODE)
            wait_for(lambda: reports)

    assert seen == []
    assert "cannot be grabbed" in reports[0]


def test_device_is_closed_when_the_lane_ends():
    grab = Grab()
    with PlayedWedge() as device, watching(a_wedge(device, grab=grab)):
        wait_for(lambda: grab.grabbed)

    with pytest.raises(OSError, match="Bad file"):
        os.fstat(grab.grabbed[0])
