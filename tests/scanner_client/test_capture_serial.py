"""A serial scanner: pyserial's own port at a pseudo-terminal."""

import termios
import time

import pytest
import serial

from scanner_client.assembly import Assembly
from scanner_client.capture_serial import SerialReader
from tests.readers import Serial, play
from tests.scanner_client.watching import texts, wait_for, watching

CODE = "9K3F-22AX-8K2F"


def a_reader(device, pause_s=0.0, **options):
    return SerialReader(device.path, lambda: Assembly(pause_s=pause_s), **options)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\t", "\x03"])
def test_every_usual_end_ends_a_code(end):
    with Serial() as device, watching(a_reader(device), opened=True) as (seen, _):
        play(lambda code: device.scan(code, end), [CODE, "OTHER-0002"], per_s=100)
        wait_for(lambda: len(seen) == 2)

    assert texts(seen) == [CODE, "OTHER-0002"]
    assert seen[0].origin == f"serial {device.path}"


def test_pause_ends_a_code_of_a_scanner_that_sends_no_end():
    with Serial() as device, watching(a_reader(device, pause_s=0.2), opened=True) as (seen, _):
        device.send(b"9K3F-22AX")
        time.sleep(0.05)
        device.send(b"-8K2F")
        wait_for(lambda: seen)

    assert texts(seen) == [CODE]


def test_port_is_set_as_the_settings_say():
    with Serial() as device:
        reader = a_reader(device, baud=115_200, frame="8N2")
        with watching(reader, opened=True) as (seen, _):
            device.scan(CODE)
            wait_for(lambda: seen)
            flags, speed = device.modes()

    assert speed == termios.B115200
    # Of a frame, a pseudo-terminal keeps the stop bits alone.
    assert flags & termios.CSTOPB


def test_garbage_of_a_wrong_speed_is_bounded_and_blocks_nothing():
    with Serial() as device, watching(a_reader(device, pause_s=0.2), opened=True) as (seen, _):
        for _ in range(40):
            device.send(bytes(range(0x80, 0x100)))
        wait_for(lambda: seen)
        time.sleep(0.4)
        device.scan(CODE)
        wait_for(lambda: seen[-1].text == CODE)

    assert len(seen) == 2


def test_unplugged_scanner_is_told_once_and_read_again(tmp_path):
    with (
        Serial(tmp_path / "usb-Scanner-if00") as device,
        watching(a_reader(device), opened=True) as (seen, reports),
    ):
        device.scan("FIRST-0001")
        wait_for(lambda: len(seen) == 1)
        device.unplug()
        wait_for(lambda: len(reports) == 1)
        time.sleep(1.2)
        device.plug()
        wait_for(lambda: len(reports) == 2)
        device.scan("OTHER-0002")
        wait_for(lambda: len(seen) == 2)

    assert texts(seen) == ["FIRST-0001", "OTHER-0002"]
    assert "usb-Scanner-if00" in reports[0]
    assert "is back" in reports[1]


def test_port_that_another_program_reads_is_told_and_not_shared():
    with Serial() as device:
        other = serial.Serial(str(device.path), exclusive=True)
        with watching(a_reader(device)) as (seen, reports):
            wait_for(lambda: reports)
            other.close()
            wait_for(lambda: len(reports) == 2)
            device.scan(CODE)
            wait_for(lambda: seen)

    assert "serial" in reports[0]
    assert "is back" in reports[1]
