"""What devices and the gate server say to each other: one definition, for both sides.

Requests refuse unknown fields, so that a typo is never silently ignored; answers do not, so that
an older scanner goes on when the server learns to say more. Instants are aware UTC, milliseconds.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from admission.calendar import whole_ms
from admission.errors import InvalidInput
from admission.scans import Direction, GateState, Mode, PartyDefault, Profile
from admission.verdicts import Outcome, Reason

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


# --- devices -----------------------------------------------------------------------------------


class EnrolRequest(Request, frozen=True):
    """Turn an enrolment code into a device; the nonce makes a lost answer safe to ask again."""

    code: Annotated[str, Meta(min_length=1, max_length=64)]
    nonce: Nonce | None = None
    name: Name | None = None


class Enrolled(Answer, frozen=True):
    """A device's identity; the token is shown this once."""

    device_id: str
    token: str
    gate_id: str
    profile: Profile
    code_key: str
    server_time: datetime
    epoch: str


class DeviceSelf(Answer, frozen=True):
    """What the server knows of the asking device."""

    device_id: str
    name: str
    gate_id: str
    gate_name: str
    area: str
    profile: Profile
    staffed: bool
    party_default: PartyDefault
    server_time: datetime
    server_version: str
    epoch: str
    ledger_revision: int


class HeartbeatRequest(Request, frozen=True):
    """A device's word that it lives, and how far it has come."""

    epoch: Annotated[str, Meta(max_length=64)]
    replica_revision: Amount
    replica_age_s: Annotated[float, Meta(ge=0)]
    outbox_depth: Amount
    boot_id: Annotated[str, Meta(max_length=64)] | None = None
    outbox_seq: Amount | None = None
    outbox_head: Annotated[str, Meta(max_length=128)] | None = None
    device_time: datetime | None = None
    battery: Annotated[float, Meta(ge=0, le=100)] | None = None
    version: Annotated[str, Meta(max_length=40)] | None = None


class Heartbeat(Answer, frozen=True):
    """What a device has to know by now."""

    server_time: datetime
    epoch: str
    ledger_revision: int
    audit_head: str
    messages: list[dict[str, Any]] = []


# --- scans -------------------------------------------------------------------------------------


class ScanRequest(Request, frozen=True):
    """One presentation of a code; exactly one of `code` and `pick`."""

    nonce: Nonce
    code: str | None = None
    pick: Annotated[str, Meta(max_length=200)] | None = None
    mode: Mode = Mode.ADMIT
    direction: Direction = Direction.ENTRY
    party: People | None = None
    scanned_at: datetime | None = None
    operator: Annotated[str, Meta(max_length=40)] | None = None


class FirstUseAnswer(Answer, frozen=True):
    """When and where a voucher first let people in."""

    at: datetime
    gate_id: str


class VoucherAnswer(Answer, frozen=True):
    """A voucher as staff may see it: no code but its masked tail."""

    tail: str
    deal_id: str
    title: str
    category: str
    admits: int
    area: str
    arrived_at: datetime | None = None
    first_use: FirstUseAnswer | None = None


class PickAnswer(Answer, frozen=True):
    """One of several vouchers; `pick` can be scanned for two minutes."""

    pick: str
    tail: str
    title: str
    category: str
    remaining: int


class ScanAnswer(Answer, frozen=True):
    """The verdict on one scan, as staff see it and as it was recorded."""

    outcome: Outcome
    reason: Reason
    admitted: int
    remaining: int
    nonce: str
    scan_id: str | None
    replayed: bool
    message: Text
    decided_at: datetime
    epoch: str
    ledger_revision: int
    void_version: int | None
    rules_version: int
    voucher: VoucherAnswer | None
    vouchers: list[PickAnswer] | None
    arrival_number: str | None
    tickets: list[dict[str, Any]] | None
    clock_skew_s: float | None


class AnnulRequest(Request, frozen=True):
    """Take back people who did not pass; `people` is their number in all, absent: everybody."""

    reason: Line
    people: People | None = None
    device_id: Ident | None = None


class OverrideRequest(Request, frozen=True):
    """Let the holder in although the rules refused or referred."""

    device_id: Ident
    reason: Line
    party: People | None = None
    cost_bearer: Literal["platform", "venue"] = "venue"


class StrikeRequest(Request, frozen=True):
    """Make an arrival stamp count for nothing from now on."""

    device_id: Ident
    reason: Line


class CountRequest(Request, frozen=True):
    """People without a voucher, counted by hand."""

    kind: Literal["free_child", "concession", "staff", "vip", "walk_in", "manual"]
    people: Annotated[int, Meta(ge=1, le=10_000)]
    nonce: Nonce
    direction: Direction = Direction.ENTRY
    gate_id: Ident | None = None


class Counted(Answer, frozen=True):
    """A count as recorded."""

    nonce: str
    kind: str
    people: int
    direction: Direction
    gate_id: str
    annulled: int
    replayed: bool


class GateStateRequest(Request, frozen=True):
    """Open, pause or turn a gate to exits only."""

    state: GateState
    reason: Line


class Ready(Answer, frozen=True):
    """The server can commit; `degraded` names what is not as it should be."""

    ready: bool
    epoch: str
    ledger_revision: int
    degraded: list[str]


class RevisionEvent(Answer, frozen=True, omit_defaults=True):
    """The ledger has changed; sent on an event stream.

    Attributes:
        urgent: a deal, void, hold, gate, block or the venue did, so fetch it at once; what is not
            urgent is fetched at a moment of chance within a second.
    """

    epoch: str
    revision: int
    urgent: bool = False


class GateEvent(Answer, frozen=True):
    """A gate's state, or the venue's, has changed; sent on an event stream."""

    gate_id: str
    name: str
    area: str
    state: GateState
    emergency: bool


# --- reading and writing -----------------------------------------------------------------------

# Far enough from the ends of the calendar for any offset and any sum.
_FIRST_YEAR, _LAST_YEAR = 1970, 9998

_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.DOTALL)


def read(kind: type[T], body: bytes) -> T:
    """Read one request.

    Raises:
        InvalidInput: not JSON, an unknown, missing or repeated field, a wrong value, a time without
            zone.
    """
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error) from error
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


def _invalid(error: msgspec.ValidationError) -> InvalidInput:
    match = _PATH.match(str(error))
    problem, path = (match["problem"], match["path"] or "") if match else (str(error), "")
    field = path.removeprefix("$").removeprefix(".")
    unknown = re.search(r"(?:unknown field|required field) `([^`]*)`", problem)
    if unknown:
        field = f"{field}.{unknown[1]}" if field else unknown[1]
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
            raise InvalidInput(name, "stands twice")
        seen.add(name)


def _exact(value: object, path: str) -> None:
    """Look again at what msgspec lets through: naive and absurd times, newlines behind a nonce."""
    if not isinstance(value, Struct):
        return
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if isinstance(field, datetime):
            if field.tzinfo is None:
                raise InvalidInput(path + name, "give the time with its offset, as +08:00 or Z")
            if not _FIRST_YEAR <= field.year <= _LAST_YEAR:
                raise InvalidInput(path + name, f"give a year from {_FIRST_YEAR} to {_LAST_YEAR}")
        if name == "nonce" and isinstance(field, str) and not _NONCE.fullmatch(field):
            raise InvalidInput(path + name, "8 to 64 of letters, digits, dot, dash, underscore")
        if isinstance(field, Struct):
            _exact(field, f"{path}{name}.")


def at(instant: datetime | None) -> datetime | None:
    """Return an instant as the wire carries it: UTC, whole milliseconds."""
    return None if instant is None else whole_ms(instant)
