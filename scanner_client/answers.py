"""Tell an answer of the gate server from everything else that can come back over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

import msgspec

from admission import wire
from admission.errors import InvalidInput, RelayError
from admission.wire_outage import NDJSON, BatchAnswer

T = TypeVar("T")


class NoAnswer(RelayError):
    """Nothing came back that the gate server can have meant; the same nonce may be sent again.

    Attributes:
        hard: nothing slow about it: the network or the machine there said no.
        absent: there is no server to ask again within a glance.
    """

    def __init__(self, problem: str, *, hard: bool = False, absent: bool = False) -> None:
        super().__init__(problem)
        self.hard = hard or absent
        self.absent = absent


class TooMany(NoAnswer):
    """429: the server would answer, but not so many in so short a time."""


class NotUnderstood(RelayError):
    """The server cannot read what was sent; to send the same again is no use.

    Attributes:
        unreadable: it says so of the body, not of the call.
    """

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(f"answered {status}: {problem}")
        self.unreadable = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}


class Declined(RelayError):
    """The gate server answered that it will not.

    Attributes:
        slug: stable name of the problem, the last part of its `/problems/...` type.
        device_id: the device that the problem names, if any.
    """

    def __init__(self, problem: wire.Problem) -> None:
        self.slug = problem.type.rpartition("/")[2]
        self.device_id = problem.device_id
        super().__init__(f"{problem.detail or problem.title} ({self.slug})")


class NotRecognised(Declined):
    """401: the server does not know this token; it may be a restored or another server."""


class NotAllowed(Declined):
    """403: known, and not allowed."""

    def revokes(self, device_id: str) -> bool:
        """Whether it says, by name, that this very device was revoked."""
        return self.slug == "device-revoked" and self.device_id == device_id


class NotThere(Declined):
    """404: the server knows nothing by that name."""


class Conflict(Declined):
    """409: what was asked for does not go with what is on record."""


class Gone(Declined):
    """410: used or expired."""


DECLINED: dict[int, type[Declined]] = {
    HTTPStatus.UNAUTHORIZED: NotRecognised,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.NOT_FOUND: NotThere,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: Gone,
}


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: its status, `Content-Type`, body and all headers."""

    status: int
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch.

    Attributes:
        answers: one a line, in their order.
        epoch: of the ledger that took it; `revision`: that ledger's, after the batch.
    """

    answers: list[BatchAnswer]
    epoch: str
    revision: int


def read_answer(response: Response, kind: type[T]) -> T:
    """Return what the gate server answered.

    Raises:
        Declined: a problem document with 401, 403, 404, 409 or 410.
        NotUnderstood: another one with a 4xx status.
        NoAnswer: anything else: 5xx, 429, a redirect, a page, JSON of another shape.
    """
    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return _read_success(response, kind)
    raise refusal(response)


def refusal(response: Response) -> RelayError:
    """Return what an answer that is no success means, as `read_answer` raises it."""
    status = response.status
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return NoAnswer(f"redirected ({status}): a log-in page of the network?")
    problem = _find_problem(response)
    # A page that a portal or a proxy sends with 401 or 403 says nothing about this device.
    if problem is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NoAnswer(f"answered {status} {problem.title if problem else response.media_type}")
    if status in DECLINED:
        return DECLINED[status](problem)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooMany(f"answered {status} {problem.detail or problem.title}")
    return NotUnderstood(status, f"{problem.detail or problem.title}{_fields(problem)}")


def read_batch_answer(response: Response, lines: int) -> Taken:
    """Return what the server says of each line of a batch.

    Raises as `read_answer` does; NoAnswer also where it does not say something of each line.
    """
    if response.status != HTTPStatus.OK:
        raise refusal(response)
    if response.media_type != NDJSON:
        raise NoAnswer(f"answered {response.media_type or 'something without a type'}, no NDJSON")
    try:
        answers = msgspec.json.Decoder(BatchAnswer).decode_lines(response.body)
        epoch = response.headers["X-Gatehouse-Epoch"]
        revision = int(response.headers["X-Gatehouse-Revision"])
    except (msgspec.DecodeError, KeyError, ValueError) as error:
        raise NoAnswer(f"answered a batch with what is no answer: {error}") from error
    if len(answers) != lines:
        raise NoAnswer(f"answered {len(answers)} of {lines} lines")
    return Taken(answers, epoch, revision)


def _read_success(response: Response, kind: type[T]) -> T:
    if response.media_type != "application/json":
        raise NoAnswer(
            f"answered {response.media_type or 'something without a type'}, not JSON: "
            "a log-in page of the network?"
        )
    try:
        return wire.read(kind, response.body)
    except InvalidInput as error:
        raise NoAnswer(f"answered JSON that is no answer: {error}") from error


def _find_problem(response: Response) -> wire.Problem | None:
    if response.media_type != "application/problem+json":
        return None
    try:
        return msgspec.json.decode(response.body, type=wire.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _fields(problem: wire.Problem) -> str:
    return "".join(f"; {error.field}: {error.problem}" for error in problem.errors[:3])
