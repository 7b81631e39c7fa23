"""Commands about attested arrivals: close queues, print and hand out numbered slips."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.wire_arrivals import HandoutRequest, QueueRequest
from gate_server import attesting
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing


class CloseQueue(Params, frozen=True):
    """A queue whose tail was seen."""

    request: QueueRequest


class ReopenQueue(Params, frozen=True):
    """A closing to be ended, and why."""

    queue_id: str
    reason: str


class PrintSlips(Params, frozen=True):
    """How many slips are to be printed."""

    count: int


class HandOut(Params, frozen=True):
    """Slips that were handed out."""

    request: HandoutRequest


def close_queue(services: Services, params: CloseQueue) -> dict[str, Any]:
    """Record that a queue's tail was seen."""
    return _built(attesting.close_queue(services.ledger, params.request, by=services.by))


def list_queues(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List the latest closings."""
    return [_built(each) for each in attesting.list_queues(services.ledger).queues]


def reopen_queue(services: Services, params: ReopenQueue) -> dict[str, Any]:
    """End a closing before its time."""
    ledger, by = services.ledger, services.by
    return _built(attesting.reopen_queue(ledger, params.queue_id, reason=params.reason, by=by))


def print_slips(services: Services, params: PrintSlips) -> dict[str, Any]:
    """Make numbered slips; their codes travel to the command alone."""
    made = attesting.print_slips(services.ledger, services.keys, params.count, by=services.by)
    slips = [{"number": each.number, "code": each.code} for each in made]
    return {"venue": services.settings.name, "slips": slips}


def hand_out(services: Services, params: HandOut) -> dict[str, Any]:
    """Record slips that were handed out."""
    request, by = params.request, services.by
    operator = request.operator or None
    return _built(
        attesting.hand_out(services.ledger, request, device=None, by=by, operator=operator)
    )


def list_handouts(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List the latest hand-outs."""
    return [_built(each) for each in attesting.list_handouts(services.ledger).handouts]


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "queue close": Command(CloseQueue, close_queue),
    "queue list": Command(Nothing, list_queues),
    "queue reopen": Command(ReopenQueue, reopen_queue),
    "slip print": Command(PrintSlips, print_slips),
    "slip hand-out": Command(HandOut, hand_out),
    "slip list": Command(Nothing, list_handouts),
}
