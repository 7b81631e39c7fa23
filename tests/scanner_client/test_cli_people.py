"""`scanner-client operator` and `practice`, and a practising lane as a supervisor sees it."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from click.testing import CliRunner

from scanner_client.cli import main
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.frames import a_frame, save
from tests.people import PIN, an_operator
from tests.scanner_client.test_cli import COMMAND, ROOT
from tests.server import Park, a_running_server

CODE = "9K3F-22AX-8K2F"


def scanner(state, *arguments, status=0, typed=""):
    """Run a command in this process; return what it wrote to stdout, and to both."""
    done = CliRunner().invoke(main, ["--state", str(state), *map(str, arguments)], input=typed)
    assert done.exit_code == status, done.output
    return done


@pytest.fixture
def alone(tmp_path):
    """A scanner whose server is gone."""
    with FakeGate() as gate:
        scanner(tmp_path / "s", "enrol", gate.url, ENROLMENT_CODE)
    return tmp_path / "s"


def test_operator_signs_in_and_out_by_hand(alone):
    before = scanner(alone, "operator", "who").output
    signed = scanner(alone, "operator", "in", "4711", typed="270415\n")
    who = json.loads(scanner(alone, "operator", "who", "--json").stdout)
    out = scanner(alone, "operator", "out").output

    assert "nobody has signed in" in before
    assert "已上岗：4711" in signed.output
    assert "270415" not in signed.output
    assert (who["operator"], who["verified"]) == ("4711", False)
    assert "已退出：4711" in out


def test_a_badge_that_is_not_whole_is_said(alone):
    done = scanner(alone, "operator", "in", typed="GHB1:AAAA\n", status=1)

    assert "not read whole" in done.output
    assert "GHB1:AAAA" not in done.output


def test_read_in_practice_lets_nobody_in(alone):
    done = scanner(alone, "read", "--code", "PRACTICE-admitted", "--practice", "--json", status=1)
    live = scanner(alone, "read", "--code", "PRACTICE-admitted", "--json", status=1)

    assert json.loads(done.stdout.splitlines()[-1])["practice_outcome"] == "admit"
    assert "practice code" in json.loads(live.stdout.splitlines()[-1])["message"]["en"]


def test_practice_codes_are_written(alone, tmp_path):
    done = scanner(alone, "practice", "--out", tmp_path / "codes", "--json")

    assert len(json.loads(done.stdout)["files"]) == len(list((tmp_path / "codes").iterdir()))


def test_a_lane_signs_in_by_badge_practises_and_then_is_live(tmp_path):
    park = Park(tmp_path / "var")
    park.sell(CODE)
    hired, boss, code = an_operator(park), park.hire(), park.invite()
    park.close()
    state, folder = tmp_path / "s", tmp_path / "pictures"
    folder.mkdir()
    with a_running_server(tmp_path / "var") as server:
        scanner(state, "enrol", server.url, code)
        (state / "scanner.toml").write_text("heartbeat_s = 0.2\n[practice]\nminutes = 0.1\n")
        process = practising(state, folder)
        try:
            wait_for(lambda: device_of(server, boss)["practice"])
            board = server.http.get("/").text
            save(folder / "1.png", a_frame("PRACTICE-used_up"))
            save(folder / "2.png", a_frame(CODE))
            learnt = [json.loads(process.stdout.readline()) for _ in range(2)]
            wait_for(lambda: not device_of(server, boss)["practice"])
            save(folder / "3.png", a_frame(hired.badge))
            signed = json.loads(process.stdout.readline())
            save(folder / "4.png", a_frame(CODE))
            live = json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=10)
        scans = server.get("/stats", boss).json()["scans_today"]
        [row] = server.get("/handover", boss).json()["rows"]
        operator = device_of(server, boss)["operator"]

    assert "练习模式" in board
    assert [line["practice"] for line in learnt] == [True, True]
    assert [line["practice_outcome"] for line in learnt] == ["refuse", "admit"]
    assert (signed["staff"], signed["outcome"]) == (True, None)
    assert (live["reason"], "practice" in live) == ("admitted", False)
    assert (scans, row["operator"], operator) == (1, "4711", "4711")
    assert "this lane is live" in said
    for secret in (hired.badge, PIN):
        assert secret not in said


def practising(state, folder):
    command = [*COMMAND, "run", "--source", "folder", folder, "--state", state, "--json"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*map(str, command), "--practice"], cwd=ROOT, **streams)


def device_of(server, boss):
    [gate] = [each for each in server.get("/stats", boss).json()["gates"] if each["devices"]]
    return gate["devices"][0]


def wait_for(condition, within_s=20.0):
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.05)
