"""Every command by its name, and how a request for one is answered."""

from __future__ import annotations

from dataclasses import replace
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
from gate_server.commands import (
    broadcasts,
    conflicts,
    deals,
    evidence,
    imports,
    issue,
    people,
    privacy,
    scans,
    tickets,
    venue,
)
from gate_server.commands.services import Command, Services

COMMANDS: Final[dict[str, Command[Any]]] = (
    venue.COMMANDS
    | imports.COMMANDS
    | deals.COMMANDS
    | issue.COMMANDS
    | conflicts.COMMANDS
    | scans.COMMANDS
    | broadcasts.COMMANDS
    | tickets.COMMANDS
    | people.COMMANDS
    | evidence.COMMANDS
    | privacy.COMMANDS
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


def answer(services: Services, request: bytes, *, by: str | None = None) -> bytes:
    """Do what a request asks and write the reply, an error of ours as one too.

    Args:
        by: who asks, for the audit.
    """
    try:
        asked = _requests.decode(request)
        command = COMMANDS.get(asked.name)
        if command is None:
            raise NotFound(f"this server has no command {asked.name}; is it of another version?")
        params = msgspec.msgpack.decode(asked.params, type=command.params)
        given = services if by is None else replace(services, by=by)
        return write_reply(command.run(given, params))
    except msgspec.MsgspecError as error:
        return _encode(Reply(failure=Failure("InvalidInput", "", str(error))))
    except AdmissionError as error:
        return write_failure(error)


def write_reply(value: Any) -> bytes:
    """Write what a command returned."""
    return _encode(Reply(value))


def write_failure(error: AdmissionError) -> bytes:
    """Write an error as a reply."""
    return _encode(Reply(failure=_failure(error)))


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
