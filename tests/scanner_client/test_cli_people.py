"""`scanner-client operator` and `practice`, and a practising lane as a supervisor sees it."""

from __future__ import annotations

import json
import signal
import time
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from scanner_client.cli import main
from tests import nursery
from tests.boards import PASSWORD
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.frames import a_frame, save
from tests.people import an_operator
from tests.scanner_client.test_cli import PROGRAM
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


@pytest.fixture
def lane(tmp_path):
    """A running server with an operator and a supervisor, and a scanner whose practice is short."""
    park = Park(tmp_path / "var")
    park.sell(CODE)
    hired, code = an_operator(park), park.invite()
    boss = park.hire("supervisor", "anne", password=PASSWORD)
    park.close()
    with a_running_server(tmp_path / "var") as server:
        scanner(tmp_path / "s", "enrol", server.url, code)
        settings = "heartbeat_s = 0.2\n[practice]\nminutes = 0.1\n"
        (tmp_path / "s" / "scanner.toml").write_text(settings)
        yield server, hired, boss


@contextmanager
def running(directory):
    """Run the lane in practice over a folder of pictures; yield what shows it a code."""
    folder, taken = directory / "pictures", []
    folder.mkdir()
    options = ("--source", "folder", folder, "--state", directory / "s", "--json", "--practice")
    pipes = {"stdout": nursery.PIPE, "stderr": nursery.PIPE}
    process = nursery.start(PROGRAM, "run", *options, **pipes)

    def show(code):
        taken.append(code)
        save(folder / f"{len(taken)}.png", a_frame(code))
        return json.loads(process.stdout.readline())

    said = []
    try:
        yield show, said
    finally:
        process.send_signal(signal.SIGTERM)
        said.append(process.communicate(timeout=20)[1])


def test_a_lane_practises_then_is_live_and_a_badge_signs_in(tmp_path, lane):
    server, hired, boss = lane
    with running(tmp_path) as (show, said):
        wait_for(lambda: device_of(server, boss)["practice"])
        assert server.log_in("anne", PASSWORD).status_code == 303
        board = server.http.get("/", headers={"Accept-Language": "zh"}).text
        learnt = [show("PRACTICE-used_up"), show(CODE)]
        wait_for(lambda: not device_of(server, boss)["practice"])
        signed, live = show(hired.badge), show(CODE)
    scans = server.get("/stats", boss).json()["scans_today"]
    [row] = server.get("/handover", boss).json()["rows"]

    assert "练习模式" in board
    assert [line["practice_outcome"] for line in learnt] == ["refuse", "admit"]
    assert (signed["staff"], signed["outcome"]) == (True, None)
    assert (live["reason"], "practice" in live) == ("admitted", False)
    assert (scans, row["operator"], device_of(server, boss)["operator"]) == (1, "4711", "4711")
    assert "this lane is live" in said[0]
    assert hired.badge not in said[0]


def device_of(server, boss):
    [gate] = [each for each in server.get("/stats", boss).json()["gates"] if each["devices"]]
    return gate["devices"][0]


def wait_for(condition, within_s=20.0):
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.05)
