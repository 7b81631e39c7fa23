"""A lane with its turnstile: from a shown verdict to what the ledger says of who passed."""

from __future__ import annotations

import json
import os
import pty
import signal
import time
import tty
from contextlib import contextmanager, suppress

import pytest

from admission.wire_passage import ReportKind
from scanner_client.annulment import Annulment
from scanner_client.journal_openings import State
from scanner_client.passage import Passages
from tests import nursery
from tests.fakes import ENROLMENT_CODE, FakeGate
from tests.frames import a_frame, save
from tests.scanner_client.barriers import wait_for
from tests.scanner_client.journals import open_journal
from tests.scanner_client.scanners import a_park, a_scanner, feed
from tests.scanner_client.test_cli import PROGRAM, scanner
from tests.server import Park, a_free_port, a_running_server

CODES = [f"9K3F-22AX-{n:04}" for n in range(4)]
LANE = """
heartbeat_s = 0.2
poll_s = 0.3
[barrier]
kind = "serial"
address = "{}"
passage_timeout_s = 0.7
pulse_ms = 50
"""


class Controller:
    """The other end of the lane's serial line."""

    def __init__(self) -> None:
        self.end, self._lane = pty.openpty()
        tty.setraw(self.end)
        tty.setraw(self._lane)
        os.set_blocking(self.end, False)
        self.path = os.ttyname(self._lane)
        self.heard = b""

    def openings(self) -> int:
        with suppress(BlockingIOError):
            self.heard += os.read(self.end, 1000)
        return self.heard.count(b"OPEN\n")

    def turn(self) -> None:
        os.write(self.end, b"PASS\n")

    def close(self) -> None:
        os.close(self.end)
        os.close(self._lane)


@pytest.fixture
def controller():
    controller = Controller()
    yield controller
    controller.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def present(folder, code):
    """Hold a code before the lane's camera; a watched folder takes whole files only."""
    draft = folder.parent / f"{time.monotonic_ns()}.png"
    save(draft, a_frame(code))
    draft.rename(folder / draft.name)


@contextmanager
def a_lane(state, folder):
    options = ("--source", "folder", folder, "--state", state, "--json")
    with (state / "err.txt").open("ab") as err:
        process = nursery.start(PROGRAM, "run", *options, stdout=nursery.PIPE, stderr=err)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def an_enrolled_lane(tmp_path, controller):
    """A running gate server, and the directory of a lane of its with the controller's line."""
    park = Park(tmp_path / "var")
    park.sell(*CODES, admits="2")
    code = park.invite()
    boss = park.hire("supervisor")
    park.close()
    state = tmp_path / "lane"
    with a_running_server(tmp_path / "var", port=a_free_port()) as site:
        scanner("enrol", site.url, code, "--state", state)
        (state / "scanner.toml").write_text(LANE.format(controller.path))
        scanner("sync", "--state", state)
        yield site, state, boss


def people(site, boss):
    """Return the people inside, and what the lane says is wrong."""
    stats = site.get("/stats", boss).json()
    fault = stats["gates"][0]["devices"][0]["fault"]
    return stats["inside"], None if fault is None else fault["kind"]


def override(site, boss, nonce):
    """Have a supervisor let in whom the lane refused; the lane hears it by the event stream."""
    device = site.get("/stats", boss).json()["gates"][0]["devices"][0]["device_id"]
    body = {"device_id": device, "reason": "paper ticket"}
    assert site.post(f"/scans/{nonce}/override", boss, body).status_code == 200


def test_lane_opens_counts_gives_back_and_reports(tmp_path, controller, folder):
    with an_enrolled_lane(tmp_path, controller) as (site, state, boss):
        with a_lane(state, folder) as lane:
            present(folder, CODES[0])
            first = json.loads(lane.stdout.readline())
            wait_for(lambda: controller.openings() == 1)
            controller.turn()
            wait_for(lambda: controller.openings() == 2)
            # The second of the two stays outside.
            wait_for(lambda: people(site, boss)[0] == 1)
            controller.turn()
            wait_for(lambda: people(site, boss)[0] == 2)
            time.sleep(0.8)
            controller.turn()
            wait_for(lambda: people(site, boss)[1] == "forced")
            present(folder, "NO-SUCH-CODE")
            refused = json.loads(lane.stdout.readline())
            before = controller.openings()
            override(site, boss, refused["nonce"])
            wait_for(lambda: controller.openings() == before + 1)
            controller.turn()
            wait_for(lambda: people(site, boss) == (3, None))
            overridden = lane.stdout.readline()
            site.post("/venue/emergency", boss, {"on": True, "reason": "smoke"})
            before = controller.openings()
            wait_for(lambda: controller.openings() > before)
            present(folder, CODES[1])
            during = json.loads(lane.stdout.readline())
            site.post("/venue/emergency", boss, {"on": False, "reason": "over"})
            lane.send_signal(signal.SIGTERM)
            assert lane.wait(10) == 0
        said = (state / "err.txt").read_text()

    assert (first["admitted"], refused["reason"]) == (2, "unknown_code")
    assert "overridden" in overridden
    assert during["reason"] == "emergency"
    assert "未经放行" in said
    assert "紧急疏散，闸机常开" in said


def journalled(state, nonce, column):
    journal = open_journal(state)
    try:
        sql = f"SELECT {column} FROM openings WHERE nonce = ?"
        row = journal._store.read(lambda db: db.execute(sql, (nonce,)).fetchone())
        return None if row is None else row[0]
    finally:
        journal.close()


@pytest.fixture
def cut_off(tmp_path, controller):
    """The directory of a lane that holds CODES, whose server is gone."""
    state = tmp_path / "lane"
    with FakeGate() as gate:
        scanner("enrol", gate.url, ENROLMENT_CODE, "--state", state)
    (state / "scanner.toml").write_text(LANE.format(controller.path).replace("= 0.7", "= 60.0"))
    with a_scanner(state) as kit:
        feed(kit.replica, *a_park(*CODES, admits=2))
    return state


def test_killed_lane_neither_opens_again_nor_invents_who_passed(cut_off, controller, folder):
    with a_lane(cut_off, folder) as lane:
        present(folder, CODES[0])
        shown = json.loads(lane.stdout.readline())
        wait_for(lambda: controller.openings() == 1)
        controller.turn()
        wait_for(lambda: journalled(cut_off, shown["nonce"], "turned") == 1)
        wait_for(lambda: controller.openings() == 2)
        lane.kill()
    with a_lane(cut_off, folder) as lane:
        wait_for(lambda: journalled(cut_off, shown["nonce"], "state") == State.UNKNOWN)
        lane.send_signal(signal.SIGTERM)
        assert lane.wait(10) == 0
    journal = open_journal(cut_off)
    record, reports = journal.find(shown["nonce"]).record, journal.openings.waiting()
    journal.close()

    # Two were let in, one was seen to turn, of the other nobody knows: both count as passed.
    assert (shown["admitted"], record.turned, record.passed) == (2, 1, 2)
    assert controller.openings() == 2
    assert [(each.kind, each.people) for each in reports] == [("unknown_passage", 1)]
    assert "无法确认是否通过" in (cut_off / "err.txt").read_text()


# --- offline, and what a kill leaves -----------------------------------------------------------


@contextmanager
def a_kit(tmp_path):
    with a_scanner(tmp_path / "state") as kit:
        feed(kit.replica, *a_park(*CODES, admits=2))
        annulment = Annulment(kit.relay, kit.contact, kit.journal, kit.replica, kit.clock)
        passages = Passages(kit.relay, kit.contact, kit.journal, annulment, kit.clock)
        yield kit, passages


def let_in(kit, watches=True):
    shown = kit.check_in(watches=lambda: watches).check_in(CODES[0])
    assert shown.answer is not None
    kit.journal.openings.begin(shown.nonce, shown.answer.admitted, kit.clock.now())
    return shown.nonce


def test_offline_lane_keeps_who_passed_and_gives_back_the_rest(tmp_path):
    with a_kit(tmp_path) as (kit, passages):
        nonce = let_in(kit)
        passages.turned(nonce, 1)
        passages.give_back(nonce, 1)
        passages.report(ReportKind.FORCED, people=1)
        passages.start()
        passages.close()
        record = kit.journal.find(nonce).record
        lines = [json.loads(line.body) for line in kit.journal.waiting(10)]
        again = kit.check_in().check_in(CODES[0])
        reports = kit.journal.openings.waiting()

    assert (record.turned, record.annulled, record.passed) == (1, 1, 1)
    kinds = ["nonce", "passage", "annul"]
    assert [kind for line in lines for kind in kinds if kind in line] == kinds
    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert again.answer.admitted == 1
    assert [report.kind for report in reports] == ["forced"]


def test_who_turns_while_the_annulment_is_on_its_way_is_in(tmp_path):
    with a_kit(tmp_path) as (kit, passages):
        nonce = let_in(kit)
        passages.give_back(nonce, 2)
        passages.turned(nonce, 2)
        passages.start()
        passages.close()
        again = kit.check_in().check_in(CODES[0])

    assert again.answer.reason == "used_up"


def test_giving_back_that_a_kill_cut_off_is_done_at_the_next_start(tmp_path):
    with a_kit(tmp_path) as (kit, passages):
        nonce = let_in(kit)
        kit.journal.openings.turn(nonce, 1)
        kit.journal.openings.end(nonce, State.EXPIRED)
        kit.journal._store.write(lambda db: db.execute("UPDATE openings SET owner = '1.1'"))
        unknown = passages.take_over()
        passages.start()
        passages.close()
        record = kit.journal.find(nonce).record

    assert unknown == []
    assert (record.turned, record.annulled) == (1, 1)


def test_opening_is_noted_once_and_only_once(tmp_path):
    with a_kit(tmp_path) as (kit, _):
        now = kit.clock.now()
        noted = [kit.journal.openings.begin("a-nonce", 1, now) for _ in range(2)]
        left = kit.journal.openings.take_over(now)

    assert noted == [True, False]
    # This very process lives and goes on with it.
    assert left == []
