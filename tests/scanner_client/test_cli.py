"""The command as a user runs it: real processes, exit statuses, streams."""

import json
import signal
import time
from pathlib import Path

import pytest

from admission import wire
from admission.verdicts import Reason
from tests import nursery
from tests.chance import without_chance
from tests.fakes import ENROLMENT_CODE, TOKEN, FakeGate, an_answer
from tests.frames import a_frame, save

ROOT = Path(__file__).parents[2]
PROGRAM = "scanner-client"


@pytest.fixture(scope="module")
def gate():
    with FakeGate() as gate:
        gate.answers["USED-00001"] = an_answer(reason=Reason.USED_UP)
        yield gate


@pytest.fixture(scope="module")
def state(gate, tmp_path_factory):
    state = tmp_path_factory.mktemp("enrolled") / "scanner"
    done = scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["device_id"] == "d-1"
    return state


def scanner(*arguments, **settings):
    return nursery.run(PROGRAM, *arguments, timeout_s=30, **settings)


def test_admitted_code_exits_0_with_its_verdict_on_stdout(state):
    done = scanner("--state", state, "read", "--code", "9K3F-22AX", "--party", "2", "--json")

    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    assert wire.read(wire.ScanAnswer, line.encode()).reason is Reason.ADMITTED


def test_pictures_give_one_verdict_a_code_and_1_where_one_is_refused(state, tmp_path):
    several = save(tmp_path / "several.png", a_frame("FIRST-0001", "USED-00001"))
    single = save(tmp_path / "single.jpg", a_frame("OTHER-0002"))

    done = scanner("read", several, single, "--json", "--state", state)

    assert done.returncode == 1, done.stderr
    reasons = [json.loads(line)["reason"] for line in done.stdout.splitlines()]
    assert sorted(reasons) == ["admitted", "admitted", "used_up"]


def test_verdict_for_people_is_plain_where_there_is_no_terminal(state):
    done = scanner("read", "--code", "USED-00001", "--state", state)

    assert done.returncode == 1
    assert "✕ STOP" in done.stdout
    assert "\x1b" not in done.stdout


def test_picture_without_code_exits_3(state, tmp_path):
    done = scanner("read", save(tmp_path / "wall.png", a_frame()), "--state", state, "--json")

    assert done.returncode == 3
    assert done.stdout == ""
    assert "no code in" in done.stderr


def test_what_is_no_picture_exits_1_and_says_so(state, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("hello")

    done = scanner("read", path, "--state", state)

    assert done.returncode == 1
    assert "notes.png: no whole picture" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["read"],
        ["read", "/no/such/file.png"],
        ["read", "--code", "X" * 8, "--mode", "fly"],
        ["read", "--code", "X" * 8, "--party", "0"],
        ["annul", "short"],
        ["fly"],
    ],
)
def test_wrong_usage_exits_2(state, arguments):
    done = scanner(*arguments, "--state", state) if arguments != ["fly"] else scanner("fly")

    assert done.returncode == 2
    assert done.stdout == ""


def test_scanner_that_is_not_enrolled_says_what_to_do(tmp_path):
    done = scanner("read", "--code", "9K3F-22AX", "--state", tmp_path)

    assert done.returncode == 1
    assert "scanner-client enrol" in done.stderr


def test_wrong_setting_is_named(state, tmp_path):
    (tmp_path / "device.json").write_bytes((state / "device.json").read_bytes())
    (tmp_path / "scanner.toml").write_text("timeout = 5\n")

    done = scanner("status", "--state", tmp_path)

    assert done.returncode == 1
    assert "timeout: unknown" in done.stderr


def test_status_tells_where_the_scanner_stands(state):
    done = scanner("--json", "status", "--state", state)

    status = json.loads(done.stdout)
    assert (status["gate_id"], status["online"], status["epoch"]) == ("G1", True, "epoch-1")
    assert {"replica_revision", "replica_age_s", "outbox_depth", "parked"} <= status.keys()


def test_status_without_server_is_offline(tmp_path):
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", tmp_path)

    done = scanner("status", "--json", "--state", tmp_path)

    assert done.returncode == 0
    assert json.loads(done.stdout)["online"] is False


def test_code_without_server_and_without_a_replica_is_not_admitted(tmp_path):
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", tmp_path)

    done = scanner("read", "--code", "9K3F-22AX", "--json", "--state", tmp_path)

    assert done.returncode == 1
    verdict = json.loads(done.stdout)
    assert (verdict["reason"], verdict["offline"]) == ("ledger_stale", True)
    assert "this scanner has no copy" in verdict["message"]["en"]
    assert "本机没有可用的离线票库" in verdict["message"]["zh"]
    assert TOKEN not in done.stdout + done.stderr
    status = json.loads(scanner("status", "--json", "--state", tmp_path).stdout)
    assert (status["outbox_depth"], status["replica_age_s"], status["parked"]) == (1, None, 0)


def test_what_waits_is_handed_over_before_another_enrolment(tmp_path):
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", tmp_path)
        port = gate.server_port
    scanner("read", "--code", "9K3F-22AX", "--state", tmp_path)
    assert scanner("flush", "--state", tmp_path).returncode == 1

    with FakeGate(port=port) as gate:
        gate.rejects = {}
        refused = scanner("enrol", gate.url, "ANOTHER-CODE", "--state", tmp_path)
        assert refused.returncode == 1
        assert "scanner-client flush" in refused.stderr
        done = scanner("flush", "--json", "--state", tmp_path)
        assert json.loads(done.stdout) == {"taken": 1, "parked": 0, "outbox_depth": 0}
        assert "410" not in without_chance(done.stderr)
        # A restored server does not know the device: what waits then goes with the next one.
        scanner("read", "--code", "9K3F-22AX", "--state", tmp_path)
        gate.epoch = "epoch-2"
        gone = scanner("enrol", gate.url, "ANOTHER-CODE", "--state", tmp_path)
        assert "enrolment-gone" in gone.stderr


def test_parked_line_is_shown_with_its_problem(tmp_path):
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", tmp_path)
        port = gate.server_port
    read = scanner("read", "--code", "9K3F-22AX", "--json", "--state", tmp_path)
    nonce = json.loads(read.stdout)["nonce"]

    with FakeGate(port=port) as gate:
        gate.rejects[nonce] = "code_key: is of no key"
        assert json.loads(scanner("flush", "--json", "--state", tmp_path).stdout)["parked"] == 1
        shown = scanner("status", "--state", tmp_path).stderr
        status = json.loads(scanner("status", "--json", "--state", tmp_path).stdout)

    assert "code_key: is of no key" in shown
    assert (status["parked"], status["outbox_depth"]) == (1, 0)
    assert status["parked_lines"][0]["nonce"] == nonce


def test_revoked_scanner_hands_over_and_wipes_itself(tmp_path):
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", tmp_path)
        port = gate.server_port
    scanner("read", "--code", "9K3F-22AX", "--state", tmp_path)

    with FakeGate(port=port) as gate:
        gate.revoked = True
        done = scanner("read", "--code", "9K3F-22AX", "--json", "--state", tmp_path)
        assert len(gate.batches) == 1
    assert done.returncode == 1
    assert json.loads(done.stdout)["outcome"] is None
    assert "revoked" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"revoked.txt", "scanner.toml"}
    after = scanner("read", "--code", "9K3F-22AX", "--state", tmp_path)
    assert after.returncode == 1
    assert "was revoked" in after.stderr


def test_annul_of_a_scan(state):
    read = scanner("read", "--code", "9K3F-22AX", "--json", "--state", state)
    nonce = json.loads(read.stdout)["nonce"]

    assert scanner("annul", nonce, "--reason", "turned back", "--state", state).returncode == 0
    unknown = scanner("annul", "unknown-nonce", "--state", state)
    assert unknown.returncode == 1
    assert "scan-unknown" in unknown.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_run_reads_a_folder_until_it_is_told_to_stop(state, tmp_path, number):
    save(tmp_path / "1.png", a_frame("9K3F-22AX"))
    options = ("--source", "folder", tmp_path, "--state", state, "--json")
    pipes = {"stdout": nursery.PIPE, "stderr": nursery.PIPE}
    with nursery.start(PROGRAM, "run", *options, **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        save(tmp_path / "2.png", a_frame("USED-00001"))
        second = json.loads(process.stdout.readline())
        process.send_signal(number)
        began_s = time.monotonic()
        assert process.wait(10) == 0
        took_s = time.monotonic() - began_s
        said = process.stderr.read()

    assert (first["reason"], second["reason"]) == ("admitted", "used_up")
    assert took_s < 5
    assert "ONLINE" in said
    assert "Traceback" not in said
