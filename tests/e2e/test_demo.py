"""The demo as a user runs it: every outcome, on the same directory again, and a clean end."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import termios
import time
import urllib.request
from collections import Counter

import httpx
import pytest

from tests.e2e.processes import ROOT, gate_server, is_listening, mentioning
from tests.server import Site

COMMAND = (sys.executable, str(ROOT / "scripts/demo.py"))
USUAL_PORT = 8080
ONCE_WITHIN_S = 90
OWN_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
NAMED = ("lane screen", "on a phone")
SHAPES = {
    "✓ GO": "admit",
    "✓ NOTED": "stamp",
    "✕ STOP": "refuse",
    "☎ CALL": "refer",
    "… WAIT": "wait",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return tmp_path_factory.mktemp("demo") / "var"


@pytest.fixture(scope="module")
def taken():
    """Take the usual port, unless somebody else has it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            other.bind(("127.0.0.1", USUAL_PORT))
            other.listen()
        yield


@pytest.fixture(scope="module")
def first(directory, taken):
    return play(directory)


@pytest.fixture(scope="module")
def second(directory, first):
    return play(directory)


def play(directory):
    command = (*COMMAND, "--once", "--data", directory)
    return subprocess.run(command, capture_output=True, text=True, timeout=ONCE_WITHIN_S)


def started(directory):
    command = (*COMMAND, "--data", directory)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def opened(url):
    return urllib.request.urlopen(url, timeout=5).read().decode()


def board_of(url, directory):
    """Return the board as the account that the demo tells of sees it."""
    accounts = json.loads((directory / "demo/access.json").read_text())
    boss = next(each for each in accounts if each["name"] == "demo-supervisor")
    with httpx.Client(base_url=url, timeout=10) as http:
        Site(http).log_in(boss["name"], boss["password"])
        return http.get("/").text


def outcomes(text):
    return Counter(
        name for shape, name in SHAPES.items() for _ in re.findall(f"^{shape}", text, re.MULTILINE)
    )


def test_first_start_shows_every_outcome_and_ends_by_itself(first):
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr
    assert outcomes(first.stdout) == {"admit": 8, "stamp": 1, "refuse": 6, "refer": 3, "wait": 1}
    reasons = set(re.findall(r"(\w+)  [0-9a-f]{8}-", first.stdout))
    named = {"honoured", "used_up", "deal_voided", "expired", "wrong_gate", "unknown_code"}
    assert named <= reasons


def test_taken_port_is_said_and_the_next_one_used(first):
    assert f"{USUAL_PORT} is taken" in first.stdout
    assert re.search(r"board  http://127\.0\.0\.1:80(?!80)\d\d/", first.stdout)


def test_second_start_on_the_same_directory_shows_them_again(first, second):
    assert second.returncode == 0, second.stdout[-2000:] + second.stderr
    assert outcomes(second.stdout) == outcomes(first.stdout)


def test_account_is_kept_for_its_owner_alone(directory, first):
    access = directory / "demo/access.json"
    assert stat.S_IMODE(access.stat().st_mode) == 0o600
    accounts = {each["name"]: each for each in json.loads(access.read_text())}
    assert accounts["demo-supervisor"]["api_token"] in first.stdout


def test_no_process_outlives_the_demo(directory, second):
    assert mentioning(str(directory)) == []


def test_ledger_of_the_demo_verifies(directory, second):
    gate_server(directory, "audit", "verify")


def test_ctrl_c_ends_everything_in_order(directory, second):
    with started(directory) as demo:
        shown = iter(demo.stdout.readline, "")
        url = next(line.split()[1] for line in shown if line.strip().startswith("board"))
        screen, hand = (next(line for line in shown if name in line) for name in NAMED)
        next(line for line in shown if line.startswith("✓ GO"))
        page = board_of(url, directory)
        lane, scan = (opened(each) for each in (screen.split()[2], hand.split()[3]))
        demo.send_signal(signal.SIGINT)
        rest = demo.stdout.read()
        said = demo.stderr.read()
        assert demo.wait(20) == 0

    assert "峡谷北门" in page
    assert "lane.js" in lane
    assert "/scan/" in scan
    assert rest.endswith("stopped\n")
    assert said == ""
    assert mentioning(str(directory)) == []
    assert not is_listening(int(url.rstrip("/").rpartition(":")[2]))


def test_sigterm_while_it_sets_up_leaves_no_process(tmp_path):
    with started(tmp_path / "var") as demo:
        demo.stdout.readline()
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(20) == 0
        assert demo.stderr.read() == ""

    assert mentioning(str(tmp_path)) == []


def test_crashed_program_is_reported_with_its_last_words(directory, second):
    with started(directory) as demo:
        shown = iter(demo.stdout.readline, "")
        next(line for line in shown if line.startswith("✓ GO"))
        [scanner] = mentioning(f"{directory}/demo/pictures/C1")
        os.kill(scanner, signal.SIGKILL)
        demo.stdout.read()
        said = demo.stderr.read()
        assert demo.wait(20) == 1

    assert "the scanner at C1 ended with -9" in said
    assert "✓ GO" in said
    assert mentioning(str(directory)) == []


def test_directory_of_another_venue_is_left_alone(tmp_path):
    gate_server(tmp_path / "var", "init")
    done = play(tmp_path / "var")

    assert done.returncode == 1
    assert "did not make" in done.stderr
    assert not (tmp_path / "var/demo").exists()


class Screen:
    """The terminal that a demo runs in."""

    def __init__(self, directory):
        self.keys, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs
        self.text = ""
        self.demo = subprocess.Popen(
            (sys.executable, "-c", OWN_TERMINAL, *COMMAND, "--data", directory),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.demo.poll() is None:
            self.demo.send_signal(signal.SIGINT)
        end_s = time.monotonic() + 20
        while self.demo.poll() is None and time.monotonic() < end_s:
            self._read(0.1)
        self.demo.kill()
        self.demo.wait()
        os.close(self.keys)
        os.close(self.theirs)

    def _read(self, wait_s):
        if select.select([self.keys], [], [], wait_s)[0]:
            with contextlib.suppress(OSError):
                self.text += os.read(self.keys, 65536).decode("utf-8", "replace")

    def await_text(self, pattern, within_s=60):
        """Wait for some words, and forget all up to them."""
        end_s = time.monotonic() + within_s
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < end_s, f"no {pattern!r} in:\n{self.text[-3000:]}"
            self._read(0.2)
        self.text = self.text[found.end() :]

    def press(self, key):
        os.write(self.keys, key)


def test_key_pulls_the_plug_and_puts_it_back(directory, second):
    with Screen(directory) as screen:
        screen.await_text("press p to pull")
        assert not termios.tcgetattr(screen.theirs)[3] & termios.ICANON
        screen.await_text("ONLINE")
        screen.press(b"p")
        screen.await_text("The cable is pulled")
        screen.await_text("OFFLINE")
        screen.await_text("(GO|STOP|CALL)  ")
        # In the frame of the verdict itself.
        screen.await_text(r"│[^│\n]*OFFLINE 离线 since [^│\n]* old, \d waiting")
        screen.press(b"p")
        screen.await_text("The cable is back")
        screen.await_text("ONLINE")
        screen.await_text("nothing waits in the scanners any more")
        screen.press(b"\x03")
        screen.await_text("stopped")
        assert screen.demo.wait(20) == 0
        assert termios.tcgetattr(screen.theirs) == screen.before
    assert mentioning(str(directory)) == []


def test_terminal_is_given_back_after_a_crash(directory, second):
    with Screen(directory) as screen:
        screen.await_text("press p to pull")
        screen.await_text("✓ *GO")
        [scanner] = mentioning(f"{directory}/demo/pictures/C1")
        os.kill(scanner, signal.SIGKILL)
        screen.await_text("ended with -9")
        end_s = time.monotonic() + 20
        while screen.demo.poll() is None and time.monotonic() < end_s:
            screen._read(0.1)
        assert screen.demo.wait(5) == 1
        assert termios.tcgetattr(screen.theirs) == screen.before
