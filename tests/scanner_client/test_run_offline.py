"""The scanner as a process, cut off and back: nothing that was shown is lost."""

import json
import random
import signal
import threading
import time
from contextlib import contextmanager

import pytest

from admission import wire
from tests import nursery
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.frames import a_frame, save
from tests.scanner_client.journals import open_journal
from tests.scanner_client.scanners import a_park, a_scanner, feed
from tests.scanner_client.test_cli import PROGRAM, scanner
from tests.server import Park, a_running_server

CODES = [f"9K3F-22AX-{n:04}" for n in range(24)]
# The fake server's word, for every try to reach it is to be quick in a test.
QUICK = "heartbeat_s = 0.2\npoll_s = 0.5\n"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, code in enumerate(CODES):
        save(folder / f"{number:02}.png", a_frame(code))
    return folder


@pytest.fixture
def enrolled(tmp_path):
    """A scanner that is enrolled and holds CODES, and the port where its server was."""
    state = tmp_path / "scanner"
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state)
        port = gate.server_port
    (state / "scanner.toml").write_text(QUICK)
    with a_scanner(state) as kit:
        feed(kit.replica, *a_park(*CODES))
    return state, port


@contextmanager
def running(state, folder):
    options = ("--source", "folder", folder, "--state", state, "--json")
    pipes = {"stdout": nursery.PIPE, "stderr": nursery.PIPE}
    process = nursery.start(PROGRAM, "run", *options, **pipes)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition, seconds=20.0):
    until_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until_s, "did not come about"
        time.sleep(0.02)


def recorded(state):
    """Return the nonces in a scanner's journal."""
    journal = open_journal(state)
    try:
        return {line.nonce for line in journal.waiting(10_000)}
    finally:
        journal.close()


def test_kill_of_the_scanner_loses_no_shown_verdict(enrolled, pictures):
    state, _ = enrolled
    chance, shown, reasons = random.Random(20150212), set(), []
    for _ in range(4):
        with running(state, pictures) as process:
            lines = [process.stdout.readline()]
            reader = threading.Thread(target=lambda p=process, to=lines: to.extend(p.stdout))
            reader.start()
            time.sleep(chance.uniform(0.0, 0.6))
            process.send_signal(signal.SIGKILL)
            reader.join()
        verdicts = [json.loads(line) for line in lines if line.endswith("\n")]
        shown |= {verdict["nonce"] for verdict in verdicts}
        reasons += [verdict["reason"] for verdict in verdicts if verdict["voucher"]]

    assert len(shown) > 8
    assert shown <= recorded(state)
    # However often it died, each voucher let in its one person once.
    admitted = [reason for reason in reasons if reason == "admitted"]
    assert len(admitted) <= len(CODES)


def test_heartbeats_tell_how_far_the_scanner_has_come(enrolled, pictures):
    state, port = enrolled
    with running(state, pictures) as process:
        for _ in CODES:
            assert json.loads(process.stdout.readline())["offline"] is True
        with FakeGate(port=port) as gate:
            wait_for(lambda: sum(len(batch) for batch in gate.batches) >= len(CODES))
            wait_for(lambda: beats(gate) and beats(gate)[-1].outbox_depth == 0)
            status = json.loads(scanner("status", "--json", "--state", state).stdout)
            last = beats(gate)[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        said = process.stderr.read()

    assert (status["online"], status["outbox_depth"]) == (True, 0)
    sent = [line for batch in gate.batches for line in batch]
    assert [line["seq"] for line in sent] == [*range(1, len(CODES) + 1)]
    assert (last.outbox_seq, last.outbox_head) == (len(CODES), sent[-1]["head"])
    assert last.boot_id == sent[-1]["boot_id"]
    assert last.replica_revision >= 5
    assert "OFFLINE" in said
    assert "ONLINE" in said
    assert "Traceback" not in said


def beats(gate):
    return [
        wire.read(wire.HeartbeatRequest, call.body)
        for call in gate.calls
        if call.path.endswith("/heartbeat")
    ]


def test_revoked_scanner_hands_over_and_ends_by_itself(enrolled, pictures):
    state, port = enrolled
    with running(state, pictures) as process:
        for _ in CODES:
            process.stdout.readline()
        gate = FakeGate(port=port)
        gate.revoked = True
        with gate:
            assert process.wait(20) == 0
        said = process.stderr.read()

    assert "this device was revoked" in said
    assert sum(len(batch) for batch in gate.batches) == len(CODES)
    assert {path.name for path in state.iterdir()} == {"revoked.txt", "scanner.toml"}


def test_outage_of_a_real_server(tmp_path):
    """Sold, downloaded, cut off, scanned, taken back, handed over: the ledger ends the same."""
    park = Park(tmp_path / "var")
    park.sell(*CODES, admits="2")
    code, boss = park.invite(), park.hire()
    park.close()
    state = tmp_path / "scanner"
    with a_running_server(tmp_path / "var") as server:
        scanner("enrol", server.url, code, "--state", state)
        assert read(state, CODES[0], "--party", "1")["reason"] == "admitted"
        assert scanner("sync", "--state", state).returncode == 0
        port = server.port
    first = read(state, CODES[0])
    assert (first["reason"], first["admitted"], first["offline"]) == ("admitted", 1, True)
    assert read(state, CODES[0])["reason"] == "used_up"
    second = read(state, CODES[1])
    assert second["admitted"] == 2
    assert scanner("annul", second["nonce"], "--people", "1", "--state", state).returncode == 0
    assert read(state, "9K3F-NOBODYS")["reason"] == "unknown_code"
    assert read(state, "136666666666666666")["reason"] == "not_a_ticket"
    status = json.loads(scanner("status", "--json", "--state", state).stdout)
    assert (status["online"], status["outbox_depth"]) == (False, 6)

    with a_running_server(tmp_path / "var", port=port) as server:
        done = json.loads(scanner("flush", "--json", "--state", state).stdout)
        stats = server.get("/stats", boss).json()
        assert scanner("sync", "--state", state).returncode == 0
        assert read(state, CODES[0])["reason"] == "used_up"
        assert read(state, CODES[1], "--party", "1")["reason"] == "admitted"

    assert done == {"taken": 6, "parked": 0, "outbox_depth": 0}
    # One online, one offline, and one of the two whose turnstile turned only once.
    assert (stats["people_today"], stats["inside"]) == (3, 3)


def read(state, code, *options):
    done = scanner("read", "--code", code, "--json", "--state", state, *options)
    [line] = done.stdout.splitlines()
    return json.loads(line)
