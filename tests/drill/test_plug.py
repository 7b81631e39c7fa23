"""The way between scanner and server that tests and the demo spoil."""

import contextlib
import socket
import threading
import time

import pytest

from drill.plug import HOLD, LOST_ANSWER, PASS, PORTAL_WAY, REFUSE, SILENT, End, Plug, Way


class Echo:
    """Answers each line with `re:` and the line; remembers all lines."""

    def __init__(self):
        self.heard = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        with client, contextlib.suppress(OSError), client.makefile("rwb", 0) as file:
            for line in file:
                self.heard.append(line)
                file.write(b"re:" + line)


@pytest.fixture
def echo():
    echo = Echo()
    yield echo
    echo.listener.close()


@pytest.fixture
def plug(echo):
    with Plug(echo.port) as plug:
        yield plug


def dial(plug, within_s=5.0):
    client = socket.create_connection(("127.0.0.1", plug.port), within_s)
    client.settimeout(within_s)
    return client


def ask(client, line=b"hello\n"):
    client.sendall(line)
    return client.recv(65536)


def test_passes_both_ways(plug):
    with dial(plug) as client:
        assert ask(client) == b"re:hello\n"


def test_nothing_listens_and_open_connections_are_reset(plug):
    with dial(plug) as client:
        ask(client)
        plug.turn(REFUSE)
        with pytest.raises(ConnectionResetError):
            ask(client)
    with pytest.raises(ConnectionRefusedError):
        dial(plug)

    plug.turn(PASS)
    with dial(plug) as client:
        assert ask(client) == b"re:hello\n"


def test_silence_loses_what_is_said(plug, echo):
    with dial(plug) as client:
        ask(client)
        plug.turn(SILENT)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(client, b"lost\n")
        plug.turn(PASS)

        assert ask(client, b"again\n") == b"re:again\n"
    assert echo.heard == [b"hello\n", b"again\n"]


def test_held_words_come_later(plug):
    with dial(plug) as client:
        plug.turn(HOLD)
        client.sendall(b"hello\n")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.settimeout(5)
        plug.turn(PASS)

        assert client.recv(100) == b"re:hello\n"


def test_delay_holds_each_way_up(plug):
    plug.turn(Way(delay_s=0.15))
    with dial(plug) as client:
        began_s = time.monotonic()
        ask(client)

        assert time.monotonic() - began_s >= 0.3


def test_portal_answers_everything_with_its_page(plug, echo):
    plug.turn(PORTAL_WAY)
    with dial(plug) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/html")
    assert echo.heard == []


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
def test_answer_is_cut_after_so_many_bytes(plug, end):
    plug.turn(Way(down_bytes=4, end=end))
    with dial(plug) as client:
        client.sendall(b"hello\n")
        got = b""
        with contextlib.suppress(ConnectionResetError):
            got = client.recv(100)
            more = client.recv(100)
            assert end is End.CLOSE
            assert more == b""

    assert got in {b"re:h", b""}


def test_question_is_cut_after_so_many_bytes(plug, echo):
    plug.turn(Way(up_bytes=4))
    with dial(plug) as client, pytest.raises(ConnectionResetError):
        ask(client, b"hello\n")

    assert echo.heard in ([], [b"hell"])


def test_one_answer_is_lost_after_the_deed(plug, echo):
    plug.turn(LOST_ANSWER)
    with dial(plug) as client, pytest.raises(ConnectionResetError):
        ask(client)
    with dial(plug) as client:
        assert ask(client, b"second\n") == b"re:second\n"

    assert echo.heard == [b"hello\n", b"second\n"]


def test_limit_is_only_for_those_who_asked(plug):
    plug.turn(Way(down_bytes=0, asked=b"batch"))
    with dial(plug) as client:
        assert ask(client) == b"re:hello\n"
        with pytest.raises(ConnectionResetError):
            ask(client, b"batch\n")
