"""Read what the gate server sends bit by bit: the lines of a replica, and events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx

from admission import wire
from admission.errors import InvalidInput
from admission.wire_outage import NDJSON
from scanner_client.answers import NoAnswer, Response, refusal
from scanner_client.relay import Relay, no_answer

EVENT_STREAM = "text/event-stream"
# 512 vouchers with all that a line can say of them are a tenth of it.
MOST_LINE_BYTES = 4 << 20
_MOST_PROBLEM_BYTES = 1 << 16


Event = wire.RevisionEvent | wire.GateEvent | wire.ScanAnswer | wire.BroadcastEvent


class Lines:
    """The whole lines of a download; what was cut off at its end is no line.

    Iterating raises NoAnswer where the connection breaks; the lines so far are good.

    Attributes:
        epoch: of the ledger that answers.
    """

    def __init__(self, answer: httpx.Response) -> None:
        self.epoch = answer.headers.get("X-Gatehouse-Epoch", "")
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return _lines(_bytes(self._answer))


@contextmanager
def fetch_replica(relay: Relay, since: int, epoch: str, silence_s: float) -> Iterator[Lines]:
    """Ask for what changed after a revision; 0 is everything, of whatever epoch.

    Raises:
        Conflict: `epoch-changed`, download it afresh.
        NoAnswer, NotAllowed and the like: as for any call.
    """
    query: dict[str, str | int] = {"since": since}
    # A fresh download takes whatever ledger there is; one that goes on needs the very same.
    if epoch and since:
        query["epoch"] = epoch
    path = "/api/v1/replica"
    with relay.opened(path, accept=NDJSON, silence_s=silence_s, query=query) as answer:
        _check(answer, NDJSON)
        yield Lines(answer)


@contextmanager
def listen(relay: Relay, silence_s: float) -> Iterator[Iterator[Event | None]]:
    """Open the stream of events; None is a sign of life.

    Args:
        silence_s: no byte for so long is a broken stream.

    Raises as for any call; NoAnswer where the stream breaks, ends or is no stream of events.
    """
    with relay.opened(
        "/api/v1/events", accept=EVENT_STREAM, silence_s=silence_s, query={}
    ) as answer:
        _check(answer, EVENT_STREAM)
        yield read_events(_bytes(answer))


def _check(answer: httpx.Response, media_type: str) -> None:
    """Raise what an answer means that is not the stream asked for."""
    content_type = answer.headers.get("Content-Type", "")
    if answer.status_code != HTTPStatus.OK:
        body = bytearray()
        for chunk in _bytes(answer):
            body += chunk
            if len(body) > _MOST_PROBLEM_BYTES:
                break
        raise refusal(Response(answer.status_code, content_type, bytes(body), answer.headers))
    if content_type.partition(";")[0].strip().lower() != media_type:
        raise NoAnswer(
            f"answered {content_type or 'something without a type'}, not {media_type}: "
            "a log-in page of the network?"
        )


def _bytes(answer: httpx.Response) -> Iterator[bytes]:
    """Return an answer's bytes as they come, decompressed.

    Raises NoAnswer: the connection broke.
    """
    try:
        yield from answer.iter_bytes()
    except httpx.HTTPError as error:
        raise no_answer(error) from error
    except httpx.StreamError as error:
        raise NoAnswer(f"this scanner is closing: {error}") from error


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes into lines; what has no end yet is none."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
        if len(rest) > MOST_LINE_BYTES:
            raise NoAnswer("answered a line without end")


# --- server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) ----------


_KINDS: dict[str, type[wire.Answer]] = {
    "revision": wire.RevisionEvent,
    "gate": wire.GateEvent,
    "verdict": wire.ScanAnswer,
    "broadcast": wire.BroadcastEvent,
}


def read_events(chunks: Iterable[bytes]) -> Iterator[Event | None]:
    """Read events as they come, and None for each sign of life between them.

    Raises NoAnswer: it is no stream of events, or it ended.
    """
    name, data = "", b""
    for line in _sse_lines(chunks):
        if line:
            field, value = _field(line)
            if field == b"event":
                name = value.decode("utf-8", "replace")
            elif field == b"data":
                data += (b"\n" if data else b"") + value
            elif not field:
                yield None
            continue
        if data:
            yield _event(name, data)
        name, data = "", b""
    raise NoAnswer("the event stream ended")


def _field(line: bytes) -> tuple[bytes, bytes]:
    field, colon, value = line.partition(b":")
    if not colon or field not in {b"", b"event", b"data", b"id", b"retry"}:
        raise NoAnswer("the event stream holds what is no field of one")
    return field, value.removeprefix(b" ")


def _event(name: str, data: bytes) -> Event | None:
    kind = _KINDS.get(name)
    if kind is None:
        return None  # of a newer server
    try:
        return wire.read(kind, data)  # type: ignore[return-value]
    except InvalidInput as error:
        if name == "broadcast":
            return None  # of a newer server; no scan depends on it
        raise NoAnswer(f"the event stream holds a {name} that is none: {error}") from error


def _sse_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut bytes into lines that end in LF or CR LF, empty ones too."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")
        if len(rest) > MOST_LINE_BYTES:
            raise NoAnswer("the event stream holds a line without end")
