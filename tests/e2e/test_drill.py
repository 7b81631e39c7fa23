"""The whole story from one command: it holds, can be checked again, and leaves nothing behind."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from drill.words import INVARIANTS
from tests.e2e.processes import BIN, mentioning

WITHIN_S = 120
SCALE = "0.01"


def drill(*options, **environment):
    command = [BIN / "gate-server", "drill", *options]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        env=os.environ | environment,
    )


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where a drill was kept, and what it found."""
    root = tmp_path_factory.mktemp("drill") / "kept"
    done = drill("--scale", SCALE, "--json", "--keep", str(root))
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr}"
    return root, json.loads(done.stdout)


def test_every_invariant_holds(kept):
    _, found = kept

    assert [each["name"] for each in found["invariants"]] == list(INVARIANTS)
    assert [each for each in found["invariants"] if not each["holds"]] == []


def test_story_was_told_whole(kept):
    _, found = kept
    people, scans, reasons = found["people"], found["scans"], found["scans"]["reasons"]

    assert found["settlement"]["balanced"]
    assert found["settlement"]["counts"]["sold"] == 2_069
    assert found["double_uses"]["vouchers"] > 0
    assert min(people["honoured"], people["admitted"], people["overridden"]) > 0
    assert min(scans["stamps"], scans["offline"], scans["refused"], scans["referred"]) > 0
    assert {"deal_held", "unknown_code", "used_up", "refunded", "buyer_blocked"} <= set(reasons)
    assert found["lists"]["reverse"]["entries"] > 0


def test_seconds_are_those_that_were_promised(kept):
    seconds = kept[1]["seconds"]

    # A sale of 206,865 in nine hours is 6.4 a second, and twenty absurd ones are needed.
    assert seconds["first_absurd_sale_to_hold"] < 30
    # One second on a machine that has nothing else to do.
    assert seconds["void_to_last_scanner"] < 5
    assert 0 < seconds["verdict_p50"] <= seconds["verdict_p99"]


def test_marshals_shorten_the_queue(kept):
    queue = kept[1]["queue"]

    assert queue["with_marshals"]["longest_people"] < queue["without_marshals"]["longest_people"]


def test_report_tells_of_the_incident_in_both_languages(kept):
    root, found = kept

    pages = {path.suffixes[0]: path.read_text("utf-8") for path in root.glob("report/*.md")}

    assert found["report"]
    assert set(pages) == {".zh", ".en"}
    assert all(found["incident_id"] in page for page in pages.values())


def test_nothing_runs_any_more_and_no_code_is_told(kept):
    root, found = kept
    seen = json.loads((root / "drill.json").read_text("utf-8"))

    told = json.dumps(found) + (root / "server.log").read_text("utf-8")
    assert mentioning(str(root)) == []
    assert not [each["code"] for each in seen["shown"] if each["code"] in told]


def test_kept_drill_can_be_checked_again_and_a_damaged_one_fails(kept):
    root, _ = kept
    again = drill("--again", str(root))
    with contextlib.closing(sqlite3.connect(root / "venue" / "ledger.db")) as db:
        db.execute("UPDATE scans SET people = 9 WHERE reason = 'honoured' AND offline = 0")
        db.commit()

    damaged = drill("--again", str(root), "--json")

    assert again.returncode == 0, again.stdout
    assert damaged.returncode == 1
    wrong = {each["name"] for each in json.loads(damaged.stdout)["invariants"] if not each["holds"]}
    assert {"shown_once", "chain_whole", "counters_true"} <= wrong


def test_directory_that_is_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine", "utf-8")

    done = drill("--keep", str(tmp_path))

    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert os.listdir(tmp_path) == ["mine"]


def test_ctrl_c_says_what_was_done_and_leaves_nothing(tmp_path):
    with subprocess.Popen(
        [BIN / "gate-server", "drill", "--scale", SCALE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as process:
        begun_s = time.monotonic()
        while not list(tmp_path.glob("*/venue/serving.json")):
            assert time.monotonic() < begun_s + 60
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "nothing runs any more" in err
    assert "a venue is made" in err
    assert out == ""
    assert list(Path(tmp_path).iterdir()) == []
    assert mentioning(str(tmp_path)) == []
