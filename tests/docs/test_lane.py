"""A lane is set up from docs/lane.md alone, with a real server, readers and a real Modbus relay."""

import json
import os
import pty
import re
import time
import tomllib
from contextlib import contextmanager

import pytest

from scanner_client.settings import load_settings, unset_text
from tests.docs.pages import ROOT, blocks, lines, read
from tests.e2e.processes import gate_server
from tests.modbus import INPUTS, Controller
from tests.readers import Serial
from tests.scanner_client.test_cli import scanner
from tests.scanner_client.test_run_sources import running
from tests.scanner_client.watching import wait_for
from tests.server import Park, a_free_port, a_running_server

PAGE = ROOT / "docs/lane.md"
CODES = ["9K3F-22AX-8K2F", "7TQ0-51ZB-4M8W", "3XM4-77QA-0C5D"]
PAIR = "PAIR-00A1-77CC"
SERIAL = "/dev/serial/by-id/usb-Scanner-if00"


def commands():
    """Return what the page has people run, as words after `scanner-client`."""
    shown = [line for block in blocks(PAGE, "sh") for line in lines(block)]
    return [line.split()[1:] for line in shown if line.startswith("scanner-client")]


def settings():
    """Return what the page has people write at the end of scanner.toml, in its order."""
    return blocks(PAGE, "toml")


TABLE = tomllib.loads(settings()[2])["barrier"]


def write(lane, *texts):
    """Follow the page: write at the end of the file that enrolment has laid."""
    (lane / "scanner.toml").write_text(unset_text() + "".join(texts), "utf-8")


@pytest.fixture(scope="module")
def lane(tmp_path_factory):
    """An enrolled scanner's directory, beside a real gate server that sold two vouchers."""
    folder = tmp_path_factory.mktemp("lane")
    park = Park(folder / "var")
    park.sell(*CODES)
    park.sell(PAIR, admits="2")
    invitation = park.invite()
    park.close()
    with a_running_server(folder / "var") as server:
        scanner("enrol", server.url, invitation, "--state", folder / "scanner")
        yield folder / "scanner"


def test_page_has_the_steps_that_are_tried_here():
    assert commands() == [["run", "--source", "stdin"], ["run"], ["run"], ["status"]]
    assert [[*tomllib.loads(text)] for text in settings()] == [["source"], ["source"], ["barrier"]]


def test_enrolment_has_laid_the_file_that_the_page_adds_to(lane):
    assert (lane / "scanner.toml").read_text("utf-8") == unset_text()


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
    (wedge, port, _), command = settings(), commands()[1]
    with Serial(tmp_path / "usb-Scanner-if00") as device:
        write(lane, port.replace(SERIAL, str(device.path)))
        with running(lane, *command[1:]) as scans:
            scans.await_said("ONLINE")
            device.await_reader()
            device.scan(CODES[1])
            admitted = scans.await_shown(1)
            device.unplug()
            scans.await_said("无法读取")
            device.plug()
            scans.await_said("is back")
            scans.end()
    write(lane, wedge)
    with running(lane, *command[1:]) as scans:
        scans.await_said("event-kbd: 无法读取 No such file or directory")

    assert admitted["outcome"] == "admit"


def pass_one(turnstile):
    """Go through: the contact of the page's turnstile closes, and opens again."""
    for closed in (True, False):
        turnstile.put(INPUTS, TABLE["input"], closed)
        time.sleep(0.1)


@contextmanager
def a_turnstile(lane, device):
    """Follow the page with a serial scanner; its people have three seconds, and show codes fast."""
    _, port, barrier = settings()
    with Controller(a_free_port(), TABLE["unit"]) as turnstile:
        there = barrier.replace(TABLE["address"], f"127.0.0.1:{turnstile.port}")
        port = port.replace(SERIAL, str(device.path))
        write(lane, port, "away_s = 0.1\n", there, "passage_timeout_s = 3.0\n")
        yield turnstile


def people(lane):
    """Return how many people the server has let in and not given back."""
    (deal,) = json.loads(gate_server(lane.parent / "var", "deal", "list", "--json"))
    return deal["people_admitted"]


def test_turnstile_opens_once_a_person_and_who_stays_outside_is_given_back(lane, tmp_path):
    before, opened = people(lane), []
    with (
        Serial(tmp_path / "usb-Scanner-if00") as device,
        a_turnstile(lane, device) as turnstile,
        running(lane, *commands()[2][1:]) as scans,
    ):
        # Its port is open, and what comes now is not thrown away.
        device.await_reader()
        for said in ("The turnstile works", "ONLINE"):
            scans.await_said(said)
        device.scan(PAIR)
        for number in (1, 2):
            wait_for(lambda number=number: turnstile.opened == number)
            pass_one(turnstile)
        device.scan("NOBODY-SOLD-IT")
        stop = scans.await_shown(2)
        time.sleep(0.5)
        opened.append(turnstile.opened)
        device.scan(CODES[2])
        wait_for(lambda: turnstile.opened == 3)
        wait_for(lambda: people(lane) == before + 2, 20)
        opened.append(turnstile.opened)
        device.scan(CODES[2])
        again = scans.await_shown(4)
        wait_for(lambda: turnstile.opened == 4)
        pass_one(turnstile)

    assert (stop["outcome"], opened) == ("refuse", [2, 3])
    assert (again["outcome"], people(lane)) == ("admit", before + 3)


def test_status_says_what_the_page_says(lane):
    write(lane, settings()[2])
    scanner("sync", "--state", lane)
    done = scanner(*commands()[3], "--state", lane)

    assert "ONLINE" in done.stderr
    assert re.search(r"replica: revision \d+, \d+ s old", done.stderr)
    assert "who passes is counted" in done.stderr


def test_names_that_the_page_shows_are_those_of_the_other_pages():
    readers = read(ROOT / "docs/readers.md")

    assert SERIAL in readers
    assert "usb-Scanner-event-kbd" in readers
