"""`scanner-client run` as a process, with readers at pipes and pseudo-terminals."""

import json
import os
import pty
import signal
import threading
from contextlib import contextmanager

import pytest

from admission.scans import Mode, PartyDefault
from admission.verdicts import Reason
from tests import nursery
from tests.fakes import ENROLMENT_CODE, FakeGate, an_answer
from tests.frames import a_frame, save
from tests.readers import Serial
from tests.scanner_client.test_cli import PROGRAM, scanner
from tests.scanner_client.watching import wait_for


@pytest.fixture
def gate():
    with FakeGate() as gate:
        yield gate


@pytest.fixture
def state(gate, tmp_path):
    state = tmp_path / "scanner"
    assert scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state).returncode == 0
    return state


class Running:
    """A scanner's process: what it shows, a verdict a line, and what it says."""

    def __init__(self, process):
        self.process = process
        self.shown, self.said = [], []
        self._readers = [
            threading.Thread(target=to.extend, args=(stream,), daemon=True)
            for to, stream in ((self.shown, process.stdout), (self.said, process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def await_shown(self, number):
        wait_for(lambda: len(self.shown) >= number)
        return json.loads(self.shown[number - 1])

    def await_said(self, words):
        wait_for(lambda: any(words in line for line in self.said))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        assert self.process.wait(10) == 0
        for reader in self._readers:
            reader.join(5)


@contextmanager
def running(state, *arguments, keys=None):
    pipes = {"stdin": keys, "stdout": nursery.PIPE, "stderr": nursery.PIPE}
    options = ("run", "--json", "--state", state, *arguments)
    with nursery.start(PROGRAM, *options, **pipes, start_new_session=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def codes(gate):
    return [scan.code for scan in gate.scans()]


def test_codes_in_a_pipe_are_answered_and_then_it_ends(gate, state):
    gate.answers["USED-00001"] = an_answer(reason=Reason.USED_UP)
    typed = "9K3F-22AX-8K2F\nUSED-00001\nORDER-2015\r\n\nhi\n" + "A" * 9000 + "\nLAST-00001"

    done = scanner("run", "--source", "stdin", "--json", "--state", state, text=typed)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 6
    assert {"9K3F-22AX-8K2F", "USED-00001", "ORDER-2015", "hi", "LAST-00001"} < set(codes(gate))
    assert max(map(len, codes(gate))) < 3000
    assert "9K3F" not in done.stderr
    assert "Traceback" not in done.stderr


def test_folder_and_serial_scanner_feed_one_lane(gate, state, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    with Serial(tmp_path / "usb-Scanner") as device:
        (state / "scanner.toml").write_text(
            f'source = "folder {folder}"\nalso = ["serial:{device.path}"]\n'
        )
        with running(state) as lane:
            save(folder / "1.png", a_frame("9K3F-22AX"))
            lane.await_shown(1)
            device.await_reader()
            device.scan("9K3F-22AX")
            device.scan("OTHER-0002")
            lane.await_shown(2)
            device.unplug()
            lane.await_said("usb-Scanner: 无法读取")
            save(folder / "2.png", a_frame("THIRD-0003"))
            lane.await_shown(3)
            device.plug()
            lane.await_said("usb-Scanner: 已恢复")
            device.scan("FOURTH-004")
            last = lane.await_shown(4)
            lane.end()

    assert codes(gate) == ["9K3F-22AX", "OTHER-0002", "THIRD-0003", "FOURTH-004"]
    assert last["outcome"] == "admit"
    assert not [line for line in lane.said if "FOURTH" in line or "OTHER" in line]


@contextmanager
def a_terminal():
    master, slave = pty.openpty()
    try:
        yield master, slave
    finally:
        os.close(master)
        os.close(slave)


def test_wedge_that_types_into_the_terminal_while_staff_are_asked(gate, state, tmp_path):
    gate.party_default = PartyDefault.ASK
    gate.answers["FAMILY-001"] = an_answer(admitted=1, remaining=3)
    # The source is a folder: staff and the wedge are read at the terminal all the same.
    sources = ("--source", "folder", tmp_path)
    with a_terminal() as (master, slave), running(state, *sources, keys=slave) as lane:
        wait_for(lambda: any(call.path.endswith("/heartbeat") for call in gate.calls))
        os.write(master, b"FAMILY-001\n")
        lane.await_said("How many people? 1-4")
        os.write(master, b"SINGLE-002\n")
        single = lane.await_shown(1)
        os.write(master, b"9\n3\n")
        family = lane.await_shown(2)
        lane.end(signal.SIGINT)

    scans = [scan for scan in gate.scans() if scan.mode is Mode.ADMIT]
    assert [(scan.code, scan.party) for scan in scans] == [("SINGLE-002", None), ("FAMILY-001", 3)]
    assert [single["nonce"], family["nonce"]] == [scan.nonce for scan in scans]
    assert "1-4\n" in lane.said


def test_keypad_answers_where_the_settings_say_so(gate, state, tmp_path):
    gate.party_default = PartyDefault.ASK
    gate.answers["FAMILY-001"] = an_answer(admitted=1, remaining=3)
    (state / "scanner.toml").write_text("[readers]\nkeypad = true\n")
    with Serial(tmp_path / "usb-Scanner") as device, Serial(tmp_path / "keypad") as keypad:
        sources = ("--source", f"serial:{device.path}", "--source", f"serial:{keypad.path}")
        with running(state, *sources) as lane:
            wait_for(lambda: any(call.path.endswith("/heartbeat") for call in gate.calls))
            # What is sent before a port is opened is lost.
            device.await_reader()
            keypad.await_reader()
            device.scan("FAMILY-001")
            lane.await_said("How many people?")
            keypad.scan("4")
            lane.await_shown(1)

    assert gate.scans()[-1].party == 4
