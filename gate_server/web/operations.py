"""Declare a call of the API once: who may make it, what it takes, what it answers.

From the declaration come the authorisation, the reading and writing of bytes, the OpenAPI document
and the test of every call with every caller. A call that does not name its callers has none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from admission import wire
from admission.errors import AdmissionError, Forbidden, InvalidInput
from admission.scans import Device
from admission.wire_feeds import MOST_PUSH_BYTES
from admission.wire_outage import MOST_BATCH_BYTES
from gate_server.web.callers import (
    DEVICES,
    NOBODY,
    Caller,
    Environ,
    Kind,
    Role,
    check_usable,
    identify,
)
from gate_server.web.problems import PROBLEM_JSON, ProblemReply, Refused, make_problem, problem_of
from gate_server.web.signers import Signer

if TYPE_CHECKING:
    from gate_server.web.services import Services

PREFIX: Final = "/api/v1"
MOST_BYTES: Final = 1 << 20
MOST_WHOLE: Final = 2**53 - 1
JSON: Final = "application/json"

Headers: TypeAlias = list[tuple[str, str]]

log = logging.getLogger("gatehouse.web")
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Reply:
    """What goes out.

    Attributes:
        body: bytes, or an iterable of them that has `close`, for an event stream.
    """

    body: bytes | Iterable[bytes]
    status: int = 200
    content_type: str = JSON
    headers: Headers = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """One call on its way to its view.

    Attributes:
        body: what was sent, of the operation's type; None where it takes none.
        args: the variable parts of the path; `query` the parameters behind it.
        address: the peer's; `encodings` what its Accept-Encoding says.
    """

    services: Services
    body: Any
    args: Mapping[str, str]
    query: Mapping[str, str]
    address: str
    known_caller: Caller | None
    encodings: str = ""
    known_signer: Signer | None = None

    @property
    def caller(self) -> Caller:
        """Who calls; calls that anybody may make do not ask."""
        assert self.known_caller is not None  # noqa: S101 - authorised before any view
        return self.known_caller

    @property
    def signer(self) -> Signer:
        """Which feed signed the call; for signed calls."""
        assert self.known_signer is not None  # noqa: S101 - verified before any view
        return self.known_signer

    @property
    def device(self) -> Device:
        """The calling device; for calls that only devices may make."""
        assert self.caller.device is not None  # noqa: S101 - authorised before any view
        return self.caller.device

    def flag(self, name: str) -> bool:
        """Return a parameter that is true or false; absent is false."""
        value = self.query.get(name, "false")
        if value not in {"true", "false"}:
            raise InvalidInput(name, "is true or false")
        return value == "true"

    def whole(self, name: str) -> int:
        """Return a parameter that is a whole number; absent is 0."""
        value = self.query.get(name, "0")
        if not (value.isascii() and value.isdecimal()) or int(value[:17]) > MOST_WHOLE:
            raise InvalidInput(name, f"is a whole number from 0 to {MOST_WHOLE}")
        return int(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter behind the path; `schema` is what the OpenAPI document says of it."""

    name: str
    schema: Mapping[str, object]


def flag(name: str) -> Parameter:
    """Declare a parameter that is true or false, read with `Call.flag`."""
    return Parameter(name, {"type": "boolean", "default": False})


def whole(name: str) -> Parameter:
    """Declare a parameter that is a whole number, read with `Call.whole`."""
    schema = {"type": "integer", "minimum": 0, "maximum": MOST_WHOLE, "default": 0}
    return Parameter(name, schema)


def text(name: str) -> Parameter:
    """Declare a parameter that is any text."""
    return Parameter(name, {"type": "string"})


View: TypeAlias = Callable[[Call], "Struct | Reply"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API.

    Attributes:
        rule: the path under PREFIX, variable parts in angle brackets.
        who: profiles and roles that may call; empty with `public`.
        body: type of the request's JSON; None: no body is read.
        answers: types of a success; `status` is its status.
        problems: slugs beyond those that every such call has.
        query: parameters behind the path; any other is refused.
        content_type: of a success; `other_types` it may be too, where that is asked for.
        lines: the body is NDJSON, each line of type `body`; the view gets its bytes and reads them.
        revoked: a revoked device may call it, too.
        password: a page does it after the account's password was given again, so a browser's
            session alone does not do it here; `preview` too, which pages have told.
        signed: the platform of the path signs the body; the view gets its bytes and reads them.
    """

    noun: str
    method: str
    rule: str
    view: View
    who: frozenset[Kind]
    public: bool
    body: type[Struct] | None
    answers: tuple[type[Struct], ...]
    status: int
    problems: tuple[str, ...]
    query: tuple[Parameter, ...]
    content_type: str
    lines: bool = False
    revoked: bool = False
    signed: bool = False
    other_types: tuple[str, ...] = ()
    password: bool = False

    @property
    def name(self) -> str:
        """The name of its view, unique."""
        return self.view.__name__

    def answer(
        self,
        services: Services,
        environ: Environ,
        args: Mapping[str, str],
        seated: Callable[[bool], Caller | None] = lambda _changes: None,
    ) -> Reply:
        """Authorise, read, call and write; whatever happens is a reply.

        Args:
            seated: tells who has logged in at the browser that sends this, where no bearer token
                says who calls; it is told whether the call changes anything.
        """
        caller = None
        try:
            if not self.public and not self.signed:
                if not environ.get("HTTP_AUTHORIZATION"):
                    caller = seated(self.method != "GET")
                by_session = caller is not None
                caller = caller or identify(environ, services.ledger.catalogue)
                self._authorise(caller)
                if by_session and self.password:
                    raise Forbidden(_AGAIN, slug="password-needed")
            reply = self._reply(services, environ, args, caller)
        except AdmissionError as error:
            reply = write_problem(problem_of(error))
        except Exception:
            log.exception("%s %s failed", self.method, self.rule)
            reply = write_problem(make_problem("internal", "the gate server's log says more"))
        ledger = services.ledger
        reply.headers.append(("Cache-Control", "no-store"))
        if caller is not None or self.public:
            reply.headers.append(("X-Gatehouse-Epoch", ledger.epoch))
            reply.headers.append(("X-Gatehouse-Revision", str(ledger.revision)))
        return reply

    def perform(
        self,
        services: Services,
        caller: Caller,
        *,
        args: Mapping[str, str],
        body: Mapping[str, Any],
        query: Mapping[str, str],
        address: str,
    ) -> Struct | Reply:
        """Do what the call does, for somebody at a page of ours.

        With `password` the page has had it given again before.

        Raises:
            AdmissionError: not for this caller, a wrong body, or what the call itself raises.
        """
        self._authorise(caller)
        read = None if self.body is None else wire.read(self.body, _encode(body))
        return self.view(Call(services, read, args, query, address, caller))

    def _authorise(self, caller: Caller) -> None:
        if caller.device is not None and not (self.revoked and caller.device.revoked):
            check_usable(caller.device)
        if caller.kind not in self.who:
            raise Forbidden(f"{caller.kind} may not call {self.method} {PREFIX}{self.rule}")

    def _reply(
        self,
        services: Services,
        environ: Environ,
        args: Mapping[str, str],
        caller: Caller | None,
    ) -> Reply:
        body: Any = None
        signer = None
        if self.signed:
            signer, body = services.signers.identify(
                environ, args["platform"], lambda: read_body(environ, MOST_PUSH_BYTES)
            )
        elif self.lines:
            body = read_body(environ, MOST_BATCH_BYTES)
        elif self.body is not None:
            body = wire.read(self.body, read_body(environ))
        query = self._query(environ)
        address = environ.get("REMOTE_ADDR", "")
        encodings = environ.get("HTTP_ACCEPT_ENCODING", "")
        call = Call(services, body, args, query, address, caller, encodings, signer)
        result = self.view(call)
        if isinstance(result, Reply):
            return result
        return Reply(_encode(result), self.status)

    def _query(self, environ: Environ) -> Mapping[str, str]:
        text = environ.get("QUERY_STRING")
        if not text:
            return _NO_QUERY
        # A misspelt ?preview=true must never become the void itself.
        pairs = parse_qsl(text, keep_blank_values=True)
        query = dict(pairs)
        known = {parameter.name for parameter in self.query}
        for name in query:
            if name not in known:
                raise InvalidInput(name, "no such parameter of this call")
        if len(query) != len(pairs):
            raise InvalidInput(pairs[0][0], "a parameter stands twice")
        return query


class Noun:
    """The calls about one noun; `create_app` makes a blueprint of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        rule: str,
        *,
        who: frozenset[Kind] = NOBODY,
        public: bool = False,
        body: type[Struct] | None = None,
        answer: type[Struct] | tuple[type[Struct], ...] = (),
        status: int = 200,
        problems: Iterable[str] = (),
        query: tuple[Parameter, ...] = (),
        content_type: str = JSON,
        lines: bool = False,
        revoked: bool = False,
        signed: bool = False,
        other_types: tuple[str, ...] = (),
        password: bool = False,
    ) -> Callable[[View], View]:
        """Declare the view below as a call; its docstring's first line becomes the summary."""
        who |= {Role.AUDITOR} if method == "GET" and who - DEVICES else NOBODY

        def declare(view: View) -> View:
            answers = answer if isinstance(answer, tuple) else (answer,)
            self.operations.append(
                Operation(self.name, method, rule, view, who, public, body, answers, status,
                          tuple(problems), query, content_type, lines, revoked, signed, other_types,
                          password)
            )  # fmt: skip
            return view

        return declare


def read_body(environ: Environ, most: int = MOST_BYTES) -> bytes:
    """Read a request's body.

    Raises:
        Refused: 413, more than `most` bytes.
    """
    length = environ.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > most:
        raise Refused("too-large", f"at most {most} bytes")
    body: bytes = environ["wsgi.input"].read(most + 1)
    if len(body) > most:
        raise Refused("too-large", f"at most {most} bytes")
    return body


def write_problem(reply: ProblemReply) -> Reply:
    """Write a problem."""
    return Reply(_encode(reply.problem), reply.problem.status, PROBLEM_JSON, list(reply.headers))


_NO_QUERY: Mapping[str, str] = {}
_AGAIN: Final = (
    "do this on the board, whose dialog asks for the password again, or send a bearer token"
)
