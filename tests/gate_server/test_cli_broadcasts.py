"""`gate-server broadcast`, without a server and beside one."""

import pytest

from tests.gate_server.test_cli import answer, run
from tests.gate_server.web.test_broadcast_events import open_stream, read_until
from tests.server import Park, a_running_server

SAY = ("--zh", "请走北门", "--en", "Use the north gate")


@pytest.fixture
def lane(tmp_path):
    park = Park(tmp_path / "var")
    lane = park.enrol()
    park.close()
    return lane


@pytest.fixture
def venue(tmp_path, lane):
    return tmp_path / "var"


def test_broadcast_is_sent_listed_shown_and_ended(venue):
    told = run(venue, "broadcast", "send", *SAY, "--gate", "G1", "--priority", "high").stdout
    (sent,) = answer(venue, "broadcast", "list")
    listed = run(venue, "broadcast", "list").stdout
    shown = run(venue, "broadcast", "show", sent["broadcast_id"]).stdout
    ended = run(venue, "broadcast", "end", sent["broadcast_id"], "--reason", "over").stdout
    after = run(venue, "broadcast", "show", sent["broadcast_id"]).stdout

    assert "is told to 1 scanners" in told
    assert "请走北门" in listed
    assert "in_force, high, to G1" in shown
    assert "not shown by 1:\ndevice  name  gate  gate name   last seen at\nD1" in shown
    assert "over" in ended
    assert ": ended, high, to G1" in after
    assert "command line" in after


def test_time_is_the_venues_and_a_date_is_its_last_instant(venue):
    sent = answer(venue, "broadcast", "send", *SAY, "--expires", "2099-05-01")

    assert sent["expires_at"] == "2099-05-01T15:59:59.999000Z"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--gate", "G9"), "gates: no gate G9"),
        (("--expires", "2015-01-01"), "expires_at: is in the past"),
        (("--expires", "soon"), "--expires"),
        (("--zh", "\x1b[2J"), "message.zh: has a control character"),
        (("--en", "x" * 501), "message.en"),
    ],
)
def test_what_cannot_be_meant_is_refused(venue, options, problem):
    said = run(venue, "broadcast", "send", *SAY, *options, status=1).stderr

    assert problem in said
    assert "\x1b" not in said
    assert answer(venue, "broadcast", "list") == []


def test_unknown_broadcast_is_named(venue):
    assert "no broadcast B1" in run(venue, "broadcast", "show", "B1", status=1).stderr
    done = run(venue, "broadcast", "end", "B1", "--reason", "x", status=1)
    assert "no broadcast B1" in done.stderr


def test_running_server_tells_it_at_once(venue, lane):
    with a_running_server(venue) as server, open_stream(server.port, lane.token) as stream:
        read_until([stream], b"event: gate", 10)
        sent = answer(venue, "broadcast", "send", *SAY)
        read_until([stream], sent["broadcast_id"].encode(), 2)
        seen = server.post(f"/broadcasts/{sent['broadcast_id']}/seen", lane)
        listed = answer(venue, "broadcast", "list")

    assert seen.status_code == 200
    assert [(each["seen"], each["unseen"]) for each in listed] == [(1, 0)]
