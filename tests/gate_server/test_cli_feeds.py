"""`gate-server feed`: what it prints, what it keeps to itself, and how it refuses."""

import base64
import json

import pytest
from click.testing import CliRunner

from gate_server.cli import main
from tests.pushers import Pusher
from tests.server import Park, a_running_server


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    return tmp_path / "var"


def run(directory, *arguments, status=0):
    done = CliRunner().invoke(main, ["--data", str(directory), "feed", *arguments])
    assert done.exit_code == status, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def answer(directory, *arguments):
    return json.loads(run(directory, *arguments, "--json").stdout)


def test_a_push_is_added_with_its_address_and_a_secret_shown_once(venue):
    added = answer(venue, "add", "native", "--platform", "lvtu")

    assert added["platform"] == "lvtu"
    assert added["url"].endswith("/api/v1/feeds/native/lvtu")
    assert len(base64.b64decode(added["secret"].removeprefix("whsec_"))) == 32
    shown = run(venue, "list").output + run(venue, "status", "--json").output
    assert added["secret"] not in shown
    written = b"".join(path.read_bytes() for path in venue.glob("ledger.db*"))
    assert added["secret"].encode() not in written
    assert base64.b64decode(added["secret"].removeprefix("whsec_")) not in written


def test_a_platform_has_one_authority_and_may_have_others_that_fill(venue):
    run(venue, "add", "native", "--platform", "lvtu")

    second = run(venue, "add", "native", "--platform", "lvtu", status=1)
    run(venue, "add", "native", "--platform", "lvtu", "--secondary")

    assert "--secondary" in second.stderr
    assert "authority" in run(venue, "list").stdout
    assert "secondary" in run(venue, "list").stdout


@pytest.mark.parametrize("name", ["a b", "a/b", "", "a:b", "x" * 65, "line\nbreak"])
def test_a_bad_name_of_a_platform_is_refused(venue, name):
    assert "--platform" in run(venue, "add", "native", "--platform", name, status=1).stderr


@pytest.mark.parametrize("command", ["remove", "rotate", "rejects"])
def test_an_unknown_platform_is_told(venue, command):
    assert "no feed of nobody" in run(venue, command, "nobody", status=1).stderr


def test_one_of_several_feeds_is_named_by_its_number(venue):
    run(venue, "add", "native", "--platform", "lvtu")
    run(venue, "add", "native", "--platform", "lvtu", "--secondary")

    told = run(venue, "remove", "lvtu", status=1)
    run(venue, "remove", "lvtu", "--feed", "2")

    assert "--feed" in told.stderr
    assert [feed["feed_id"] for feed in answer(venue, "list")] == [1]


@pytest.mark.parametrize("time", ["24", "1w", "-1h", "999999d"])
def test_a_bad_time_to_retire_is_refused(venue, time):
    run(venue, "add", "native", "--platform", "lvtu")

    done = CliRunner().invoke(
        main, ["--data", str(venue), "feed", "rotate", "lvtu", "--retire-after", time]
    )

    assert done.exit_code in {1, 2}
    assert "--retire-after" in done.stderr


def test_beside_a_server_pushes_rejects_and_rotation_show_at_once(venue):
    with a_running_server(venue) as server:
        added = answer(venue, "add", "native", "--platform", "lvtu")
        pusher = Pusher(server, added["secret"])
        body = pusher.vouchers({"code": "SECRET-CODE-1"}, {"code": "SECRET-CODE-2", "admits": 0})
        (status,) = answer(venue, "status")
        (reject,) = answer(venue, "rejects", "lvtu")
        table = run(venue, "rejects", "lvtu").stdout + run(venue, "status").stdout
        dropped = answer(venue, "rejects", "lvtu", "--drop")
        left = answer(venue, "rejects", "lvtu")
        rotated = answer(venue, "rotate", "lvtu", "--retire-after", "0s")
        after = [Pusher(server, each["secret"]).vouchers().status_code for each in (added, rotated)]
        latin = {"webhook-id": b"\xff\xfe", "webhook-signature": b"v1,\xff\xff"}
        hostile = server.call("POST", "/feeds/native/lvtu", None, b"\xff", headers=latin)

        chinese = answer(venue, "add", "native", "--platform", "旅途·东")
        there = Pusher(server, chinese["secret"], chinese["url"].rpartition("/")[2]).vouchers()

    assert (chinese["url"].isascii(), there.status_code) == (True, 200)
    assert added["url"] == f"{server.url}/api/v1/feeds/native/lvtu"
    assert body.json()["accepted"] == 1
    assert (dropped["dropped"], left) == (1, [])
    assert (status["state"], status["rows_taken"], status["set_aside"]) == ("well", 1, 1)
    assert (reject["kind"], reject["field"], reject["tries"]) == ("vouchers", "admits", 1)
    assert reject["place"].endswith("row 2")
    assert "admits" in table
    assert "SECRET-CODE" not in table + json.dumps(reject) + server.log
    assert after == [401, 200]
    assert hostile.status_code == 401
