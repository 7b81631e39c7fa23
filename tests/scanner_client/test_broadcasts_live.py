"""A lane with a terminal, a real server, and a supervisor who has something to say."""

import codecs
import json
import os
import pty
import signal
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from scanner_client.cli import main
from tests import nursery
from tests.frames import a_frame, save
from tests.gate_server.test_cli import answer, run
from tests.gate_server.web.test_broadcasts import end, send_id, show
from tests.scanner_client.test_cli import PROGRAM
from tests.scanner_client.test_run_offline import QUICK, wait_for
from tests.server import Park, a_running_server


class Terminal:
    """What a lane's terminal shows."""

    def __init__(self):
        self._ours, self.theirs = pty.openpty()
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        # A read may end within a character.
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                self.text += decoder.decode(os.read(self._ours, 65536))
            except OSError:
                return

    def close(self):
        os.close(self.theirs)


@contextmanager
def a_lane(state, folder):
    """Run a scanner at a terminal."""
    terminal = Terminal()
    options = ("--source", "folder", folder, "--state", state)
    pipes = {"stdout": terminal.theirs, "stderr": terminal.theirs}
    process = nursery.start(PROGRAM, "run", *options, **pipes)
    try:
        yield terminal, process
    finally:
        process.kill()
        process.wait()
        terminal.close()


@pytest.fixture
def boss(tmp_path):
    park = Park(tmp_path / "var")
    boss = park.hire("supervisor", "anne")
    (tmp_path / "code").write_text(park.invite())
    park.sell("CODE-0001")
    park.close()
    return boss


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def command(state, *arguments):
    """Run a command of the scanner in this process."""
    return CliRunner().invoke(main, [*map(str, arguments), "--state", str(state)])


def enrolled(tmp_path, server):
    state = tmp_path / "scanner"
    done = command(state, "enrol", server.url, (tmp_path / "code").read_text())
    assert done.exit_code == 0, done.stderr
    (state / "scanner.toml").write_text(QUICK + "[broadcasts]\nquiet_s = 0.5\n")
    return state


def told_by_status(state):
    standing = json.loads(command(state, "status", "--json").stdout)
    return [each["broadcast_id"] for each in standing["broadcasts"]]


def test_lane_says_broadcasts_and_the_supervisor_sees_that_it_did(tmp_path, boss, folder):
    venue = tmp_path / "var"
    with a_running_server(venue) as server:
        state, port = enrolled(tmp_path, server), server.port
        with a_lane(state, folder) as (terminal, process):
            wait_for(lambda: "ONLINE" in terminal.text)
            save(folder / "1.png", a_frame("CODE-0001"))
            wait_for(lambda: "GO" in terminal.text)
            message = {"zh": "请走北门", "en": "Use the north gate"}
            first = send_id(server, boss, message=message, priority="high")
            wait_for(lambda: "请走北门" in terminal.text)
            wait_for(lambda: show(server, boss, first)["seen"] == 1)
            assert "Use the north gate" in command(state, "status").stderr
            end(server, boss, first)
            assert told_by_status(state) == []

            server.stop(signal.SIGKILL)
            wait_for(lambda: "OFFLINE" in terminal.text)
            say = ("--zh", "请稍候", "--en", "Please wait")
            second = answer(venue, "broadcast", "send", *say)["broadcast_id"]
            soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
            late = ("--zh", "过时", "--en", "Too late", "--expires", soon)
            answer(venue, "broadcast", "send", *late)
            assert "Please wait" not in terminal.text
            wait_for(lambda: datetime.now(UTC) > datetime.fromisoformat(soon))
            with a_running_server(venue, port=port) as back:
                wait_for(lambda: "Please wait" in terminal.text)
                wait_for(lambda: show(back, boss, second)["seen"] == 1)
                assert told_by_status(state) == [second]
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
    assert told_by_status(state) == []
    assert "Too late" not in terminal.text
    assert "IMPORTANT 重要通知" in terminal.text
    assert "NOTICE 通知" in terminal.text
    assert "Traceback" not in terminal.text


def test_lane_can_be_asked_why_it_is_busy(tmp_path, boss):
    with a_running_server(tmp_path / "var") as server:
        state = enrolled(tmp_path, server)
        calm = command(state, "why").stdout
        reasons = ("--reason", "price", "--arrived-by", "17:00", "--cost-bearer", "platform")
        run(tmp_path / "var", "deal", "void", "DAY", *reasons)
        said = command(state, "why").stdout
        (card,) = json.loads(command(state, "why", "--json").stdout)["cards"]
    cut_off = command(state, "why")

    assert "nothing stands out" in calm
    assert "VOIDED 已取消  票 DAY (DAY)" in said
    assert "in until 入园截止" in said
    assert card["say"]["zh"] in said
    assert (card["state"], card["sold"]) == ("voided", 1)
    assert (cut_off.exit_code, cut_off.stdout) == (1, "")
