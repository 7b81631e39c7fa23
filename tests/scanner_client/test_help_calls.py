"""Calls for help from a lane: with and without the server, a full disk, a lost answer."""

from __future__ import annotations

import io
import threading
import time
from datetime import UTC, datetime

import pytest

from admission import wire
from scanner_client.capture import Typed
from scanner_client.help_calls import HELP_FILE, LOCK_FILE
from scanner_client.help_keys import CONFIRM_WITHIN_S, HelpKeys
from scanner_client.scanner import open_scanner
from scanner_client.screen_pictures import Both
from scanner_client.state import StateError
from tests.scanner_client.test_cli_people import scanner
from tests.server import Park, a_free_port, a_running_server

PORT = a_free_port()


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """A park, a supervisor, and a scanner that was enrolled while its server was there."""
    park = Park(tmp_path_factory.mktemp("help") / "var")
    boss, code = park.hire(name="chen"), park.invite()
    park.close()
    state = park.directory.parent / "s"
    with a_running_server(park.directory, port=PORT) as server:
        scanner(state, "enrol", server.url, code)
    return park.directory, boss, state


@pytest.fixture
def lane(venue):
    with open_scanner(venue[2], io.StringIO(), io.StringIO()) as scanner:
        yield scanner
    (venue[2] / HELP_FILE).unlink(missing_ok=True)


def calls(server, boss):
    return server.get("/incidents", boss).json()["incidents"]


def beat(lane):
    asked_at = lane.clock.now()
    lane.help_calls.hear(lane.relay.heartbeat(lane.word()), asked_at)


def test_without_server_it_waits_on_disk_and_is_sent_first_when_that_is_back(venue, lane):
    directory, boss, state = venue
    said = scanner(state, "help", "--yes").output
    asked = scanner(state, "help", typed="n\n", status=1).output
    over = threading.Event()
    worker = threading.Thread(target=lane.help_calls.run, args=(over,))
    worker.start()
    waiting = lane.help_calls.line()
    with a_running_server(directory, port=PORT) as server:
        until = time.monotonic() + 10
        while (state / HELP_FILE).read_bytes() != b"[]" and time.monotonic() < until:
            time.sleep(0.05)
        (made,) = calls(server, boss)
        over.set()
        worker.join()
        sent = lane.help_calls.line()
        server.post(f"/incidents/{made['incident_id']}/acknowledge", boss)
        beat(lane)
        seen = lane.help_calls.line()
        server.post(f"/incidents/{made['incident_id']}/close", boss, {"summary": "over"})
        beat(lane)

    assert "sent as soon as the server is back" in said
    assert "呼叫现场支援" in asked
    assert "sent as soon as" in waiting.en
    assert made["called_at"] < made["opened_at"]
    # Its venue has an empty duty list.
    assert "nobody is called: use the phone" in sent.en
    assert "系统不会呼叫任何人" in sent.zh
    assert seen.en.endswith("seen by chen")
    assert seen.zh.endswith("chen 已收到")
    assert lane.help_calls.line() is None


def test_full_disk_keeps_nobody_from_calling(venue, lane):
    directory, boss, state = venue
    (state / LOCK_FILE).unlink(missing_ok=True)
    (state / LOCK_FILE).mkdir()
    try:
        with pytest.raises(StateError):
            lane.help_calls.call()
        with a_running_server(directory, port=PORT) as server:
            line = lane.help_calls.call()
            made = calls(server, boss)[0]
            server.post(f"/incidents/{made['incident_id']}/close", boss, {"summary": "over"})
    finally:
        (state / LOCK_FILE).rmdir()

    assert "use the phone or radio" in line.en
    assert (made["kind"], made["called_at"]) == ("help", None)


def test_damaged_file_is_put_right_by_the_next_call(venue, lane):
    (venue[2] / HELP_FILE).write_bytes(b'[{"nonce": 1')
    before = lane.help_calls.line()
    lane.help_calls.call()

    assert before is None
    assert b'"nonce"' in (venue[2] / HELP_FILE).read_bytes()


def test_beat_that_was_under_way_does_not_hide_a_call(lane):
    told = wire.HelpTold(
        incident_id="I1",
        called_at=datetime(2026, 5, 1, tzinfo=UTC),
        acknowledged_at=None,
        acknowledged_by=None,
    )
    beat = wire.Heartbeat(lane.clock.now(), "e", 1, "0", help=told)
    lane.help_calls.hear(beat, lane.clock.now())

    assert lane.help_calls.line().en == "Help called at 08:00, not answered yet"
    lane.help_calls.hear(wire.Heartbeat(lane.clock.now(), "e", 1, "0"), lane.clock.now())
    assert lane.help_calls.line() is None


# --- typed at the lane ---------------------------------------------------------------------------


@pytest.fixture
def keys():
    done, said = threading.Event(), []

    def call():
        done.set()
        return Both("已求助", "called")

    return HelpKeys(call, said.append), done, said


@pytest.mark.parametrize("word", ["help", " HELP ", "sos", "求助"])
def test_word_and_a_one_call_for_help(keys, word):
    typed, done, said = keys
    taken = typed.take(Typed(word, 1.0, "stdin")), typed.take(Typed("1", 2.0, "stdin"))

    assert taken == (True, True)
    assert done.wait(5)
    assert "Type 1 to confirm" in said[0]


@pytest.mark.parametrize(
    "texts",
    [["1"], ["help", "2", "1"], ["help", "9K3F-22AX-8K2F", "1"], ["help"], ["helpful", "1"]],
)
def test_nothing_else_calls_for_help_or_is_swallowed(keys, texts):
    typed, done, _ = keys
    taken = [typed.take(Typed(text, 1.0, "stdin")) for text in texts]

    assert not done.wait(0.05)
    assert taken == [text == "help" for text in texts]


def test_late_one_confirms_nothing(keys):
    typed, done, _ = keys
    typed.take(Typed("help", 1.0, "stdin"))

    assert not typed.take(Typed("1", 1.0 + CONFIRM_WITHIN_S, "stdin"))
    assert not done.is_set()


def test_call_that_cannot_be_made_says_to_telephone():
    said = []

    def call():
        raise StateError("disk full")

    HelpKeys(call, said.append).confirm()

    assert "use the phone" in said[0]
