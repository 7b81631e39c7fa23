"""A lane is set up from docs/lane.md alone: the half about its reader, run for real."""

import os
import pty
import time
import tomllib

import pytest

from scanner_client.settings import load_settings
from tests.docs.pages import ROOT, blocks, lines, read
from tests.readers import Serial
from tests.scanner_client.test_cli import scanner
from tests.scanner_client.test_run_sources import running
from tests.server import Park, a_running_server

PAGE = ROOT / "docs/lane.md"
CODES = ["9K3F-22AX-8K2F", "7TQ0-51ZB-4M8W"]
SERIAL = "/dev/serial/by-id/usb-Scanner-if00"


def commands():
    """Return what the page has people run, as words after `scanner-client`."""
    shown = [line for block in blocks(PAGE, "sh") for line in lines(block)]
    return [line.split()[1:] for line in shown if line.startswith("scanner-client")]


def settings():
    """Return what the page has people write into scanner.toml, apart from the turnstile."""
    return [text for text in blocks(PAGE, "toml") if "[barrier]" not in text]


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    """An enrolled scanner's directory, beside a real gate server that sold two vouchers."""
    folder = tmp_path_factory.mktemp("lane")
    park = Park(folder / "var")
    park.sell(*CODES)
    invitation = park.invite()
    park.close()
    with a_running_server(folder / "var") as server:
        scanner("enrol", server.url, invitation, "--state", folder / "scanner")
        yield folder / "scanner"


def test_page_has_the_steps_that_are_tried_here():
    assert commands() == [["run", "--source", "stdin"], ["run"], ["status"]]
    assert [[*tomllib.loads(text)] for text in settings()] == [["source"], ["source"]]


def test_scanner_that_types_into_the_terminal_is_tried(lane):
    command, master_slave = commands()[0], pty.openpty()
    master, slave = master_slave
    with running(lane, *command[1:], keys=slave) as scans:
        os.write(master, f"{CODES[0]}\n".encode())
        first = scans.await_shown(1)
        time.sleep(load_settings(lane).away_s + 0.1)
        os.write(master, f"{CODES[0]}\r".encode())
        second = scans.await_shown(2)
    for each in master_slave:
        os.close(each)

    assert (first["outcome"], second["reason"]) == ("admit", "used_up")


def test_scanner_of_the_settings_is_read_lost_and_back(lane, tmp_path):
    (wedge, port), command = settings(), commands()[1]
    with Serial(tmp_path / "usb-Scanner-if00") as device:
        (lane / "scanner.toml").write_text(port.replace(SERIAL, str(device.path)))
        with running(lane, *command[1:]) as scans:
            scans.await_said("ONLINE")
            device.scan(CODES[1])
            admitted = scans.await_shown(1)
            device.unplug()
            scans.await_said("无法读取")
            device.plug()
            scans.await_said("is back")
            scans.end()
    (lane / "scanner.toml").write_text(wedge)
    with running(lane, *command[1:]) as scans:
        scans.await_said("event-kbd: 无法读取 No such file or directory")

    assert admitted["outcome"] == "admit"


def test_status_says_what_the_page_says(lane):
    done = scanner(*commands()[2], "--state", lane)

    assert "ONLINE" in done.stderr
    assert "replica" in done.stderr


def test_names_that_the_page_shows_are_those_of_the_other_pages():
    readers = read(ROOT / "docs/readers.md")

    assert SERIAL in readers
    assert "usb-Scanner-event-kbd" in readers
