"""`gate-server incident` and `gate-server duty`, without a server."""

from __future__ import annotations

import json

import pytest

from tests.gate_server.test_cli import answer, run
from tests.night import Night
from tests.robots import SEC, SECRET, robots, says
from tests.server import Park


@pytest.fixture
def venue(tmp_path):
    Park(tmp_path / "var").close()
    return tmp_path / "var"


@pytest.fixture
def found(tmp_path):
    """A venue whose finding holds a deal: its directory, and the incident's id."""
    with Night(tmp_path / "var") as night:
        night.park.now = None
        incident_id = night.find()
    return tmp_path / "var", incident_id


def test_incident_is_opened_noted_acknowledged_and_closed(venue):
    title = ("--title", "visitor fell at the steps")
    made = answer(venue, "incident", "open", "--kind", "help", *title, "--gate", "G1")
    incident_id = made["incident_id"]
    run(venue, "incident", "note", incident_id, "first aid is there")
    acknowledged = run(venue, "incident", "acknowledge", incident_id).stdout
    listed = run(venue, "incident", "list", "--state", "open").stdout
    run(venue, "incident", "close", incident_id, "--summary", "walks again")
    shown = run(venue, "incident", "show", incident_id).stdout

    assert "is acknowledged" in acknowledged
    assert "visitor fell" in listed
    assert f"{incident_id}: help, closed" in shown
    assert "备注 note, command line" in shown
    assert "first aid is there" in shown
    assert "walks again" in shown
    assert answer(venue, "incident", "list", "--state", "open")["incidents"] == []


def test_incident_that_would_call_says_that_nobody_is_on_the_list(venue, tmp_path):
    opened = run(venue, "incident", "open", "--kind", "crowd", "--title", "x", "--gate", "G1")
    quiet = run(venue, "incident", "open", "--kind", "equipment", "--title", "y").stdout
    incident_id = opened.stdout.split()[1]
    waiting = run(venue, "incident", "show", incident_id).stdout
    run(venue, "incident", "acknowledge", incident_id)
    seen = run(venue, "incident", "show", incident_id).stdout
    (tmp_path / "secret").write_text(SECRET)
    how = ("--url", "https://192.0.2.1/hook", "--secret-file", tmp_path / "secret")
    run(venue, "duty", "add", "shift", *how)
    listed = run(venue, "incident", "open", "--kind", "help", "--title", "z").stdout

    for said in (opened.stdout, waiting):
        assert "nobody is on the duty list, so nobody is called" in said
        assert "值班名单为空" in said
        assert "next call" not in said
    for said in (quiet, seen, listed):
        assert "duty list" not in said


def test_incident_of_a_held_sale_shows_figures_request_and_what_is_asked(found):
    venue, incident_id = found
    shown = run(venue, "incident", "show", incident_id).stdout
    acknowledged = run(venue, "incident", "acknowledge", incident_id).stdout
    refused = run(venue, "incident", "close", incident_id, "--summary", "x", status=1).stderr
    run(venue, "deal", "release", "DAY", "--reason", "declared")
    after = run(venue, "incident", "show", incident_id).stdout

    assert "awaits a decision: gate-server deal release|void DAY" in shown
    assert "206 vouchers for 206 people, 2.06 CNY paid, 53,560.00 CNY at face price" in shown
    assert "it is not sent by itself: please send this text to the platform" in shown
    assert "致 lvtu：停售请求" in shown
    assert "so the next call is" in acknowledged
    assert "release it or void it first" in refused
    assert "awaits" not in after
    assert "恢复验票 deal released, command line" in after
    assert "it is not sent any more" in after


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("show", "I0"), "no incident I0"),
        (("note", "I0", "x"), "no incident I0"),
        (("open", "--title", "\x1b[2J"), "title: has a control character"),
        (("open", "--title", "x", "--gate", "G9"), "gate_id: no gate G9"),
        (("open", "--title", "x", "--deal", "NO"), "deal_id: no deal NO"),
    ],
)
def test_what_cannot_be_meant_is_refused(venue, words, problem):
    assert problem in run(venue, "incident", *words, status=1).stderr


def test_kind_that_opens_by_itself_is_no_choice(venue):
    said = run(venue, "incident", "open", "--kind", "sale_held", "--title", "x", status=2).stderr

    assert "'sale_held' is not one of" in said


def test_contact_is_added_tried_listed_and_removed(venue, tmp_path):
    with robots() as server:
        (tmp_path / "url").write_text(server.dingtalk + "\n")
        (tmp_path / "sec").write_text(SEC + "\n")
        how = ("--form", "dingtalk", "--secret-file", tmp_path / "sec")
        added = run(venue, "duty", "add", "钉钉群", "--url-file", tmp_path / "url", *how).stdout
        tried = run(venue, "duty", "test", "钉钉群").stdout
        server.troubles["dingtalk"].append(says(310000, f"{SEC} is not it"))
        failed = run(venue, "duty", "test", "钉钉群", status=1).stderr
        listed = run(venue, "duty", "list").stdout
        told = json.dumps(answer(venue, "duty", "list"))
        run(venue, "duty", "remove", "钉钉群")

    assert "钉钉群 is called at 127.0.0.1 …4732" in added
    assert "has taken it" in tried
    assert "did not take it: it answered errcode 310000" in failed
    assert "errcode 310000" in listed
    assert answer(venue, "duty", "list") == []
    for hidden in (SEC, server.dingtalk):
        assert hidden not in added + tried + failed + listed + told


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        (("--url", "http://example.org/x"), 1, "must be https"),
        (("--url", "https://example.org/x"), 1, "give --secret-file"),
        (("--url", "https://example.org/x", "--url-file", "{url}"), 2, "--url or --url-file"),
        ((), 2, "--url or --url-file"),
        (("--url", "https://example.org/x", "--form", "sms"), 2, "'sms' is not one of"),
        (("--url-file", "{torn}", "--form", "wecom"), 1, "is not text"),
    ],
)
def test_contact_that_cannot_be_called_is_refused(venue, tmp_path, words, status, problem):
    (tmp_path / "url").write_text("https://example.org/x")
    (tmp_path / "torn").write_bytes(b"\xff\xfe")
    files = {"url": tmp_path / "url", "torn": tmp_path / "torn"}
    said = run(
        venue, "duty", "add", "night", *(word.format(**files) for word in words), status=status
    ).stderr

    assert problem in said
    assert answer(venue, "duty", "list") == []


def test_push_may_say_where_its_platform_takes_requests(venue):
    url = "https://platform.example/stop"
    answer(venue, "feed", "add", "native", "--platform", "lvtu", "--notify-url", url)
    add = ("feed", "add", "native", "--platform", "other", "--notify-url")
    query = run(venue, *add, f"{url}?key=1", status=1).stderr
    plain = run(venue, *add, "http://platform.example/stop", status=1).stderr

    assert answer(venue, "feed", "list")[0]["platform"] == "lvtu"
    assert "--notify-url: has a query" in query
    assert "--notify-url: must be https" in plain
