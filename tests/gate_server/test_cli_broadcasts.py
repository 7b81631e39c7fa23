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

    assert "is told to 1 scanner," in told
    assert "请走北门" in listed
    assert "in_force, high, to G1" in shown
    assert "not shown by 1:\ndevice  name  gate  gate name   last seen at\nD1" in shown
    assert "over" in ended
    assert ": ended, high, to G1" in after
    assert "command line" in after


def test_who_has_not_shown_it_is_a_table_only_where_somebody_is_there(tmp_path):
    Park(tmp_path / "var").close()
    told = run(tmp_path / "var", "broadcast", "send", *SAY).stdout
    (sent,) = answer(tmp_path / "var", "broadcast", "list")
    shown = run(tmp_path / "var", "broadcast", "show", sent["broadcast_id"]).stdout

    assert "is told to no scanner: none is there, until" in told
    assert shown.splitlines()[-2:] == ["shown by: nobody", "not shown by: nobody"]


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


def test_template_is_filled_in_and_its_loudspeaker_words_are_printed(venue):
    told = run(venue, "broadcast", "send", "--template", "go_to_gate", "--set", "gate=G2",
               "--profile", "kiosk", "--profile", "gate").stdout  # fmt: skip
    (sent,) = answer(venue, "broadcast", "list")
    shown = run(venue, "broadcast", "show", sent["broadcast_id"]).stdout

    for text in (told, shown):
        assert "请引导排队游客前往Valley lane" in text
        assert "广播词 loudspeaker:\n各位游客请注意" in text
    assert "to all gates, only gate, kiosk" in shown


def test_cut_off_of_a_deal_that_is_not_withdrawn_is_asked_about(venue):
    values = ("--set", "deal=DAY", "--set", "arrived_by=17:00")
    told = run(venue, "broadcast", "send", "--template", "deal_withdrawn", *values).stdout

    assert "请核对 look again: 此票种目前没有取消" in told
    assert "this deal is not withdrawn" in told


def test_templates_are_listed_with_what_they_want(venue):
    listed = run(venue, "broadcast", "templates").stdout

    assert "go_to_gate (normal) gate=gate" in listed
    assert "deal_withdrawn (high) deal=deal arrived_by=time" in listed


@pytest.mark.parametrize(
    ("options", "status", "problem"),
    [
        (("--template", "nothing"), 1, "no template nothing; known are closing"),
        (("--template", "go_to_gate"), 1, "values.gate: is missing"),
        (("--template", "go_to_gate", "--set", "gate=G9"), 1, "values.gate: no gate G9"),
        (("--template", "help_desk", "--set", "gate=G1"), 1, "is no field of template help_desk"),
        (("--template", "help_desk", "--set", "gate"), 2, "--set NAME=VALUE"),
        (("--template", "help_desk", *SAY), 2, "or with --template"),
        (("--zh", "一"), 2, "in both languages"),
        ((), 2, "or with --template"),
    ],
)
def test_template_that_cannot_be_filled_in_is_refused(venue, options, status, problem):
    said = run(venue, "broadcast", "send", *options, status=status).stderr

    assert problem in said
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
