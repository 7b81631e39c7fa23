"""The ground that all wire types stand on: their bases, common fields, reading and writing."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from admission.calendar import whole_ms
from admission.errors import Fault, InvalidInput

MOST_PEOPLE = 99

# msgspec takes `$` before a trailing newline as a match, so `exact` looks again with fullmatch.
NONCE = "^[A-Za-z0-9._-]{8,64}$"
_NONCE = re.compile("[A-Za-z0-9._-]{8,64}")

Nonce = Annotated[str, Meta(pattern=NONCE, description="unique per device")]
People = Annotated[int, Meta(ge=1, le=MOST_PEOPLE)]
Line = Annotated[str, Meta(min_length=1, max_length=500)]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Ident = Annotated[str, Meta(min_length=1, max_length=64)]
# What JSON readers everywhere hold exactly: beyond 2**53 many of them round.
Amount = Annotated[int, Meta(ge=0, le=2**53)]

T = TypeVar("T")


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what is sent to the server."""


class Answer(Struct, frozen=True, kw_only=True):
    """The base of what the server sends."""


class Text(Request, frozen=True):
    """A sentence in both languages."""

    zh: Line
    en: Line


class FieldProblem(Answer, frozen=True):
    """One field that is wrong, and what is wrong with it."""

    field: str
    problem: str


class Problem(Answer, frozen=True):
    """An error, RFC 9457 `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []
    device_id: str | None = None


# --- reading and writing -----------------------------------------------------------------------

# Far enough from the ends of the calendar for any offset and any sum.
_FIRST_YEAR, _LAST_YEAR = 1970, 9998

_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)
# How msgspec 0.22 says each; tests/admission/test_wire_faults.py has one of every kind.
_FAULTS = (
    (re.compile(r"^Object missing required field"), Fault.MISSING),
    (re.compile(r"^Expected `\w+` of length >= 1$"), Fault.MISSING),
    (re.compile(r", got `null`$"), Fault.MISSING),
    (re.compile(r"^Expected `str` of length >= (?P<limit>\d+)$"), Fault.TOO_SHORT),
    (re.compile(r"^Expected `str` of length <= (?P<limit>\d+)$"), Fault.TOO_LONG),
    (re.compile(r"^Expected `(?:array|object)` of length <= (?P<limit>\d+)$"), Fault.TOO_MANY),
    (re.compile(r"^Expected `\w+` >= (?P<limit>[\d.]+)$"), Fault.TOO_LITTLE),
    (re.compile(r"^Expected `\w+` <= (?P<limit>[\d.]+)$"), Fault.TOO_MUCH),
    (re.compile(r"^Integer value out of range"), Fault.TOO_MUCH),
    (re.compile(r"^Expected `str` matching regex"), Fault.FORM),
    (re.compile(r"^Invalid enum value"), Fault.CHOICE),
    (re.compile(r"^Invalid |^Expected `[^`]*`, got "), Fault.UNREADABLE),
)


def read(kind: type[T], body: bytes) -> T:
    """Read one request.

    Raises:
        InvalidInput: not JSON, an unknown, missing or repeated field, a wrong value, a time without
            zone.
    """
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise invalid_of(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput("", "the body is not JSON in UTF-8") from error
    except RecursionError as error:
        raise InvalidInput("", "the body is nested too deeply") from error
    if isinstance(value, Request):
        _check_once(value, body)
    _exact(value, "")
    return value


def write(answer: Struct) -> bytes:
    """Write an answer as JSON."""
    return msgspec.json.encode(answer)


def invalid_of(error: msgspec.ValidationError) -> InvalidInput:
    """Return which field msgspec did not take, and why."""
    match = _PATH.match(str(error))
    problem, path = (match["problem"], match["path"] or "") if match else (str(error), "")
    field = path.removeprefix("$").removeprefix(".")
    unknown = re.search(r"(?:unknown field|required field) `([^`]*)`", problem)
    if unknown:
        field = f"{field}.{unknown[1]}" if field else unknown[1]
    for says, fault in _FAULTS:
        found = says.search(problem)
        if found is not None:
            return InvalidInput(field, problem, fault, found.groupdict().get("limit", ""))
    return InvalidInput(field, problem)


def _check_once(value: Request, body: bytes) -> None:
    """Refuse a field that stands twice: msgspec takes the last, another reader may the first.

    Unknown fields were refused before, so a body without escapes in which no field's name stands
    twice has each once; only others are read a second time, with care.
    """
    names = _QUOTED.get(type(value))
    if names is None:
        names = _QUOTED[type(value)] = [f'"{name}"'.encode() for name in value.__struct_fields__]
    if b"\\" not in body and all(body.count(name) < 2 for name in names):
        return
    json.loads(body, object_pairs_hook=_pairs_once)


_QUOTED: dict[type, list[bytes]] = {}


def _pairs_once(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise InvalidInput(name, "stands twice", Fault.TWICE)
        seen.add(name)


def _exact(value: object, path: str) -> None:
    """Look again at what msgspec lets through: naive and absurd times, newlines behind a nonce."""
    if not isinstance(value, Struct):
        return
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if isinstance(field, datetime):
            _exact_time(field, path + name)
        if name == "nonce" and isinstance(field, str) and not _NONCE.fullmatch(field):
            raise InvalidInput(
                path + name, "8 to 64 of letters, digits, dot, dash, underscore", Fault.FORM
            )
        if isinstance(field, Struct):
            _exact(field, f"{path}{name}.")
        elif isinstance(field, list):
            for number, each in enumerate(field):
                _exact(each, f"{path}{name}[{number}].")


def _exact_time(instant: datetime, path: str) -> None:
    if instant.tzinfo is None:
        raise InvalidInput(path, "give the time with its offset, as +08:00 or Z", Fault.UNREADABLE)
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise InvalidInput(
            path, f"give a year from {_FIRST_YEAR} to {_LAST_YEAR}", Fault.UNREADABLE
        )


def at(instant: datetime | None) -> datetime | None:
    """Return an instant as the wire carries it: UTC, whole milliseconds."""
    return None if instant is None else whole_ms(instant)
