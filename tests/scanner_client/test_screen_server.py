"""The lane screen's server: for this machine and its own page alone, and never overwhelmed."""

import http.client
import json
import socket
import threading
import time
from dataclasses import replace

import pytest

from admission.errors import InvalidInput
from scanner_client.screen_pictures import BroadcastPicture
from scanner_client.screen_server import MOST_STREAMS, ScreenServer
from tests.scanner_client.screens import (
    AROUND,
    Board,
    a_screen,
    a_served_screen,
    a_shown,
)
from tests.scanner_client.test_screen import asked


@pytest.fixture
def served():
    with a_served_screen() as (screen, url):
        yield screen, int(url.rstrip("/").rpartition(":")[2])


def call(port, method="GET", path="/", body=None, **headers):
    """Make one call; return its status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {"Host": f"127.0.0.1:{port}", **named})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def own(port):
    return {"Origin": f"http://127.0.0.1:{port}", "Content_Type": "application/json"}


class Listener:
    """A client of the event stream."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self.connection.request("GET", "/events")
        self.answer = self.connection.getresponse()

    def event(self, name):
        """Return the data of the next event of a name."""
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            if line == f"event: {name}\n":
                return json.loads(self.answer.readline().decode().removeprefix("data: "))

    def close(self):
        self.connection.close()
        self.answer.close()


def test_page_may_load_and_run_nothing_but_its_own(served):
    _, port = served
    status, headers, body = call(port)

    policy = headers["Content-Security-Policy"]
    assert status == 200
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert b"http" not in body.replace(b'http-equiv="', b"")


@pytest.mark.parametrize("path", ["/", "/lane.js", "/events", "/nothing"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:{port}", ""])
def test_name_that_another_site_may_point_here_is_turned_away(served, path, host):
    _, port = served

    assert call(port, path=path, Host=host.format(port=port))[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_own_names_are_served_and_nothing_else_is(served, host):
    _, port = served

    assert call(port, Host=f"{host}:{port}")[0] == 200
    for path in ("/../device.json", "/%2e%2e/device.json", "/start.html", "/answer"):
        assert call(port, path=path)[0] == 404


def test_only_this_machine_is_listened_to(served):
    _, port = served
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None)}

    for address in others - {"127.0.0.1", "::1"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert probe.connect_ex((address, port)) != 0


def test_answer_of_the_page_is_taken_once(served):
    screen, port = served
    question, answers, thread = asked(screen, lambda: screen.ask_party(a_shown().answer, 5))
    body = json.dumps({"question_id": question.question_id, "number": 2})
    statuses = [call(port, "POST", "/answer", body, **own(port))[0] for _ in range(2)]
    thread.join(5)

    assert (statuses, answers) == ([204, 409], [2])


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/json"},
        {"Content_Type": "application/json", "Origin": "http://evil.example"},
        {"Content_Type": "application/json", "Origin": "null"},
        {"Content_Type": "text/plain", "Origin": "http://127.0.0.1:{port}"},
        {
            "Content_Type": "application/json",
            "Origin": "http://evil.example",
            "Host": "evil.example",
        },
    ],
)
def test_answer_of_another_site_is_not_taken(served, headers):
    screen, port = served
    question, answers, thread = asked(screen, lambda: screen.ask_party(a_shown().answer, 5))
    body = json.dumps({"question_id": question.question_id, "number": 2})
    named = {name: value.format(port=port) for name, value in headers.items()}
    status = call(port, "POST", "/answer", body, **named)[0]
    still_asked = screen.next(None, 0).question
    screen.withdraw()
    thread.join(5)

    assert status == 403
    assert still_asked == question
    assert answers != [2]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        '{"question_id": "x"}',
        '{"question_id": "x", "number": -1}',
        "9" * 600,
        "\xff",
    ],
)
def test_answer_that_is_none_is_400(served, body):
    _, port = served

    assert call(port, "POST", "/answer", body.encode("latin-1"), **own(port))[0] == 400


def test_stream_gives_the_whole_picture_at_once_and_signs_of_life(served):
    screen, port = served
    listener = Listener(port)
    first = listener.event("picture")
    screen.show(a_shown())
    second = listener.event("picture")
    began_s = time.monotonic()
    alive = listener.event("alive")
    listener.close()

    assert (first["scene"], second["verdict"]["word"], alive) == ("waiting", "GO", 1)
    assert time.monotonic() - began_s < 2


def test_streams_are_capped_and_one_that_hangs_up_makes_room(served):
    screen, port = served
    listeners = [Listener(port) for _ in range(MOST_STREAMS)]
    for listener in listeners:
        listener.event("picture")
    refused = call(port, path="/events")[0]
    listeners.pop().close()
    until_s = time.monotonic() + 6
    while (late := Listener(port)).answer.status != 200:
        late.close()
        assert time.monotonic() < until_s
        screen.reading()
        time.sleep(0.1)
    picture = late.event("picture")
    for listener in (late, *listeners):
        listener.close()

    assert refused == 503
    assert picture["scene"] in {"waiting", "reading"}


def test_verdict_waits_for_no_browser_that_reads_nothing(served):
    screen, port = served
    with socket.create_connection(("127.0.0.1", port)) as stuck:
        stuck.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        began_s = time.monotonic()
        for _ in range(2000):
            screen.show(a_shown())
        took_s = time.monotonic() - began_s

    assert took_s < 2


def test_broadcast_is_acknowledged_once_a_browser_was_given_it():
    board = Board()
    with a_served_screen(bulletin=board) as (screen, url):
        port = int(url.rstrip("/").rpartition(":")[2])
        notice = BroadcastPicture("b-1", "请注意", "Attention", False)
        screen.take(replace(AROUND, broadcast=notice))
        nobody_looks = [*board.seen]
        listener = Listener(port)
        listener.event("picture")
        listener.event("alive")
        listener.close()

    assert (nobody_looks, board.seen) == ([], ["b-1"])


def test_port_of_somebody_else_is_named(served):
    _, port = served

    with pytest.raises(InvalidInput, match=r"screen\.port.*in use"):
        ScreenServer(a_screen(), port)


def test_no_thread_stays_behind():
    before = threading.active_count()
    with a_served_screen() as (_, url):
        listener = Listener(int(url.rstrip("/").rpartition(":")[2]))
        listener.event("picture")
    listener.close()
    until_s = time.monotonic() + 5
    while threading.active_count() > before:
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_own_page_alone_may_call_for_help():
    called = threading.Event()
    with a_served_screen(call_help=called.set) as (_, url):
        port = int(url.rstrip("/").rpartition(":")[2])
        stranger = call(port, "POST", "/help", b"{}", Content_Type="application/json")[0]
        site = own(port) | {"Origin": "http://evil.example"}
        other = call(port, "POST", "/help", b"{}", **site)[0]
        before = called.is_set()
        mine = call(port, "POST", "/help", b"{}", **own(port))[0]

        assert (stranger, other, before, mine) == (403, 403, False, 202)
        assert called.wait(5)


def test_lane_that_cannot_call_for_help_says_so(served):
    _, port = served

    assert call(port, "POST", "/help", b"{}", **own(port))[0] == 404
