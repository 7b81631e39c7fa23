"""What a command and its reply are on their way between two processes.

Apart from the commands themselves, so that whoever only asks a running server loads none of them.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from admission.errors import (
    AdmissionError,
    FeedRejected,
    Forbidden,
    InvalidInput,
    LedgerConflict,
    LedgerRefused,
    LedgerUnavailable,
    NotFound,
)

# Errors that the asking process raises again as they were.
_PLAIN: Final[dict[str, type[AdmissionError]]] = {
    kind.__name__: kind for kind in (LedgerRefused, LedgerUnavailable, NotFound, Forbidden)
}


class Request(Struct, frozen=True):
    """One command and what it is given."""

    name: str
    params: Raw


class Failure(Struct, frozen=True):
    """An error on its way to the process that asked.

    Attributes:
        name: the slug of a conflict, the field of an invalid input.
    """

    kind: str
    name: str
    text: str


class Reply(Struct, frozen=True):
    """What a command returned, or why it did not."""

    value: Any = None
    failure: Failure | None = None


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def write_request(name: str, params: Struct | dict[str, Any]) -> bytes:
    """Write a request for a command."""
    return _encode(Request(name, Raw(_encode(params))))


def read_request(request: bytes) -> Request:
    """Read a request.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _requests.decode(request)


def write_reply(value: Any) -> bytes:
    """Write what a command returned."""
    return _encode(Reply(value))


def write_failure(error: AdmissionError) -> bytes:
    """Write an error as a reply."""
    return _encode(Reply(failure=_failure(error)))


def write_invalid(problem: str) -> bytes:
    """Write that a request could not be read."""
    return _encode(Reply(failure=Failure("InvalidInput", "", problem)))


def read_reply(reply: bytes) -> Any:
    """Return what a command returned.

    Raises:
        AdmissionError: of the kind that the command raised.
    """
    found = _replies.decode(reply)
    if found.failure is not None:
        raise _error(found.failure)
    return found.value


def _failure(error: AdmissionError) -> Failure:
    if isinstance(error, LedgerConflict):
        return Failure("LedgerConflict", error.slug, str(error))
    if isinstance(error, InvalidInput | FeedRejected):
        return Failure("InvalidInput", error.field, error.problem)
    name = type(error).__name__
    return Failure(name if name in _PLAIN else "LedgerRefused", "", str(error))


def _error(failure: Failure) -> AdmissionError:
    if failure.kind == "LedgerConflict":
        return LedgerConflict(failure.name, failure.text)
    if failure.kind == "InvalidInput":
        return InvalidInput(failure.name, failure.text)
    return _PLAIN.get(failure.kind, LedgerRefused)(failure.text)
