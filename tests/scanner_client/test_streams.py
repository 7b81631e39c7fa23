"""Lines and events are read in whatever pieces they come; what is none of them is told."""

import random

import pytest

from admission import wire
from admission.scans import GateState
from scanner_client.answers import NoAnswer
from scanner_client.relay import Relay, Server
from scanner_client.streams import fetch_replica, listen, read_events
from tests import fakes
from tests.fakes import EPOCH, NOW, TOKEN, FakeGate, an_answer
from tests.scanner_client.downloads import an_event, encoded
from tests.scanner_client.scanners import a_park, a_state


@pytest.fixture
def gate():
    with FakeGate() as gate:
        gate.lines = encoded(*a_park("CODE-1"), a_state(7))
        yield gate


def test_lines_are_whole_whatever_the_pieces(gate):
    with (
        Relay(Server(gate.url), token=TOKEN, timeout_s=2) as relay,
        fetch_replica(relay, 0, "", 2) as lines,
    ):
        told = list(lines)

    assert told[:-1] == gate.lines
    assert lines.epoch == EPOCH


def test_events_are_read_in_any_pieces():
    revision = wire.RevisionEvent(epoch="e", revision=4, urgent=True)
    state = wire.GateEvent(
        gate_id="G1", name="South", area="park", state=GateState.PAUSED, emergency=False
    )
    answer = an_answer("nonce-0001")
    text = wire.Text(zh="请走南门", en="Use the south gate")
    told = wire.BroadcastEvent(broadcast_id="B1", message=text, made_at=NOW, expires_at=NOW)
    stream = b"".join(
        [
            b"retry: 2000\n\n: alive\n\n",
            an_event("revision", revision),
            an_event("gate", state).replace(b"\n", b"\r\n"),
            an_event("verdict", answer),
            an_event("broadcast", told),
            b"event: broadcast\ndata: {}\n\nevent: later\ndata: {}\n\n",
        ]
    )
    for _ in range(50):
        cuts = sorted(random.sample(range(len(stream)), 9))
        pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

        assert collect(pieces) == [revision, state, answer, told]


def collect(pieces):
    events = []
    with pytest.raises(NoAnswer, match="ended"):
        events.extend(read_events(iter(pieces)))
    return [event for event in events if event is not None]


@pytest.mark.parametrize(
    "stream",
    [
        b"<html>\n\n",
        b"event: revision\ndata: {}\n\n",
        b"event: revision\ndata: <html>\n\n",
        b"surprise: 1\n\n",
        b"x" * (5 << 20),
    ],
)
def test_what_is_no_event_breaks_the_stream(stream):
    with pytest.raises(NoAnswer, match="event stream holds"):
        list(read_events([stream]))


def test_silent_stream_is_broken(gate):
    with (
        Relay(Server(gate.url), token=TOKEN, timeout_s=2) as relay,
        listen(relay, 0.2) as events,
    ):
        assert next(events) is None
        with pytest.raises(NoAnswer, match="in time"):
            next(events)


@pytest.mark.parametrize("trouble", [fakes.portal, fakes.problem(503, "streams-full")])
def test_no_stream_is_told(gate, trouble):
    gate.troubles = [trouble]
    with (
        Relay(Server(gate.url), token=TOKEN, timeout_s=2) as relay,
        pytest.raises(NoAnswer),
        listen(relay, 0.2),
    ):
        pass
