"""The desk in real processes: exchange, paper, gate; and whatever can go wrong between them."""

import contextlib
import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate_server.cli import main as gate_server
from scanner_client.cli import main as scanner_client
from scanner_client.decode import read_all
from scanner_client.rescue import ZXING_STAGES
from tests import nursery
from tests.frames import a_frame, save
from tests.printers import ASKS, TcpPrinter
from tests.server import Park, a_running_server
from tests.strip import read_strip


def run(main, arguments, status):
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == status, done.output
    return done


@dataclass
class Desk:
    """An enrolled exchange desk beside a running server, and a lane to try its tickets at."""

    state: Path
    data: Path
    site: object
    lane: object
    device_id: str

    def printer(self, **settings):
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        (self.state / "scanner.toml").write_text("\n".join(["[printer]", *lines]), "utf-8")

    def command(self, *arguments):
        return ["scanner-client", "--state", str(self.state), *map(str, arguments)]

    def run(self, *arguments, status=0):
        """Run a command of the desk in this process: starting one takes a second."""
        return run(scanner_client, ["--state", self.state, *arguments], status)

    def serve(self, *arguments, status=0):
        return run(gate_server, ["--data", self.data, *arguments], status)

    def codes(self, data):
        strip = read_strip(data, width_px=576)
        return [each.text for each in (read_all(p, ZXING_STAGES)[0] for p in strip.pictures)]

    def admits(self, code):
        return self.site.scan(self.lane, code)["reason"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exchange")
    park = Park(folder / "var")
    park.sell(*(f"PAIR-CODE-{number}" for number in range(9)), admits="2")
    lane, code = park.enrol(), park.invite("exchange", "G2", "desk")
    park.close()
    with a_running_server(folder / "var") as site:
        state = folder / "desk"
        done = run(scanner_client, ["enrol", site.url, code, "--state", state, "--json"], 0)
        device_id = json.loads(done.stdout)["device_id"]
        yield Desk(state, folder / "var", site, lane, device_id)


def test_printed_tickets_are_admitted_at_the_gate(desk, tmp_path):
    paper = tmp_path / "paper"
    desk.printer(kind="escpos-file", address=str(paper))
    done = desk.run("read", "--code", "PAIR-CODE-0")
    codes = desk.codes(paper.read_bytes())

    assert "✓ TICKETS 换票成功，请取票" in done.stdout
    assert "GH1:" not in done.stdout + done.stderr
    assert desk.admits("PAIR-CODE-0") == "exchanged"
    assert [desk.admits(code) for code in codes] == ["admitted"] * 2
    assert [desk.admits(code) for code in codes] == ["used_up"] * 2


def test_a_running_desk_prints_beside_the_lane(desk, tmp_path):
    with TcpPrinter() as there:
        desk.printer(kind="escpos-network", address=there.address)
        frames = tmp_path / "frames"
        frames.mkdir()
        with running(desk, "run", "--source", "folder", frames):
            save(frames / "a.png", a_frame("PAIR-CODE-1"))
            wait_for(lambda: there.data.count(ASKS) == 2)
        codes = desk.codes(there.data)

    assert [desk.admits(code) for code in codes] == ["admitted"] * 2


def test_tickets_wait_for_a_printer_that_is_off_and_no_code_is_on_disk(desk, tmp_path):
    desk.printer(kind="escpos-network", address="127.0.0.1:9")
    done = desk.run("read", "--code", "PAIR-CODE-2")
    waiting = desk.run("print", "--json", status=1)
    paper = tmp_path / "paper"
    kept = b"".join(each.read_bytes() for each in desk.state.iterdir() if each.is_file())
    desk.printer(kind="escpos-file", address=str(paper))
    printed = desk.run("print", "--pending", "--json")
    codes = desk.codes(paper.read_bytes())

    assert "票未打印" in done.stderr
    assert len(json.loads(waiting.stdout)["waiting"]) == 2
    assert len(json.loads(printed.stdout)["done"]) == 2
    assert [code for code in codes if code[4:].encode() in kept] == []
    assert [desk.admits(code) for code in codes] == ["admitted"] * 2
    assert json.loads(desk.run("print", "--json").stdout)["done"] == []


def test_a_desk_that_is_killed_while_it_prints_says_which_ticket_to_look_for(desk, tmp_path):
    with TcpPrinter(answer=b"") as jammed:
        desk.printer(kind="escpos-network", address=jammed.address, timeout_s=30)
        process = nursery.start(*desk.command("read", "--code", "PAIR-CODE-3"))
        assert jammed.came.wait(20)
        process.kill()
        process.wait()
    paper = tmp_path / "paper"
    desk.printer(kind="escpos-file", address=str(paper))
    found = json.loads(desk.run("print", "--json", status=1).stdout)
    first = desk.codes(paper.read_bytes())
    again = json.loads(desk.run("print", "--again", "--json").stdout)
    strip = read_strip(paper.read_bytes(), width_px=576)

    assert [len(found[name]) for name in ("done", "doubtful")] == [1, 1]
    assert again["done"] == found["doubtful"]
    assert [text.count("PRINTED AGAIN") for text in (strip.text,)] == [1]
    codes = desk.codes(paper.read_bytes())
    assert (len(first), len({*codes})) == (1, 2)
    assert [desk.admits(code) for code in codes] == ["admitted"] * 2


def test_an_exchange_whose_answer_was_lost_is_printed_all_the_same(desk, tmp_path):
    device = json.loads((desk.state / "device.json").read_text("utf-8"))
    nonce = "desk-lost-0001"
    with (desk.state / "printing.jsonl").open("a") as file:
        file.write(json.dumps({"nonce": nonce}) + "\n")
        file.write(json.dumps({"nonce": "desk-never-sent"}) + "\n")
    desk.site.http.post(
        "/api/v1/scans",
        json={"nonce": nonce, "code": "PAIR-CODE-4", "mode": "exchange"},
        headers={"Authorization": f"Bearer {device['token']}"},
    )
    paper = tmp_path / "paper"
    desk.printer(kind="escpos-file", address=str(paper))
    printed = json.loads(desk.run("print", "--json").stdout)

    assert len(printed["done"]) == 2
    assert [desk.admits(code) for code in desk.codes(paper.read_bytes())] == ["admitted"] * 2


def test_a_disk_that_is_full_exchanges_nothing(desk):
    queue = desk.state / "printing.jsonl"
    kept = queue.rename(queue.with_name("kept"))
    queue.symlink_to("/dev/full")
    try:
        done = desk.run("read", "--code", "PAIR-CODE-5", "--json", status=1)
    finally:
        queue.unlink()
        kept.rename(queue)

    assert json.loads(done.stdout)["outcome"] is None
    assert desk.admits("PAIR-CODE-5") == "admitted"


def test_a_desk_and_a_supervisor_print_anew_and_take_back(desk, tmp_path):
    paper, picture = tmp_path / "paper", tmp_path / "new.png"
    desk.printer(kind="escpos-file", address=str(paper))
    desk.run("read", "--code", "PAIR-CODE-6")
    listed = json.loads(desk.serve("ticket", "list", "PAIR-CODE-6", "--json").stdout)
    names = [each["ticket"] for each in listed]
    desk.run("reprint", names[0], "--reason", "jam")
    reason = ("--reason", "torn")
    made = desk.serve("ticket", "reprint", names[1], *reason, "--out", picture, "--json")
    codes = desk.codes(paper.read_bytes())
    states = json.loads(desk.serve("ticket", "list", codes[0], "--json").stdout)
    desk.serve("ticket", "annul", names[0], "--reason", "came back")
    refused = desk.run("reprint", names[0], "--reason", "again", status=1)

    assert [each["state"] for each in states] == ["printed anew"] * 2 + ["good"] * 2
    assert "GH1:" not in made.stdout
    assert picture.stat().st_mode & 0o077 == 0
    assert [desk.admits(code) for code in codes] == ["exchanged", "exchanged", "ticket_annulled"]
    assert desk.admits("PAIR-CODE-6") == "admitted"
    assert "replaced" in refused.stderr


@contextlib.contextmanager
def running(desk, *arguments):
    process = nursery.start(*desk.command(*arguments))
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def wait_for(look, within_s=30.0):
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if look():
            return
        time.sleep(0.05)
    raise AssertionError("nothing came in time")
