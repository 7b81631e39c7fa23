"""Commands about the crowd: show it, count a queue, enter how many are inside."""

from __future__ import annotations

from typing import Any

import msgspec

from admission.wire_crowd import OccupancyRequest, QueueCountRequest, write_crowd
from gate_server import counting
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing
from gate_server.crowd import CrowdBook
from gate_server.settings import read_crowd_words


class CountQueue(Params, frozen=True):
    """A queue that was counted."""

    request: QueueCountRequest


class SetOccupancy(Params, frozen=True):
    """How many people are inside, and why it is entered."""

    request: OccupancyRequest


def show_crowd(services: Services, _: Nothing) -> dict[str, Any]:
    """Tell how the crowd stands."""
    view = CrowdBook(services.ledger, services.settings).view()
    return _built(write_crowd(view, read_crowd_words(services.ledger.venue)))


def count_queue(services: Services, params: CountQueue) -> dict[str, Any]:
    """Record how many people stand in a queue."""
    request, by = params.request, services.by
    return _built(counting.count_queue(services.ledger, request, device=None, by=by, operator=None))


def set_occupancy(services: Services, params: SetOccupancy) -> dict[str, Any]:
    """Set how many people are inside from now on."""
    return _built(counting.enter_occupancy(services.ledger, params.request, by=services.by))


def _built(answer: msgspec.Struct) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(answer)
    return built


COMMANDS: dict[str, Command[Any]] = {
    "crowd show": Command(Nothing, show_crowd),
    "occupancy set": Command(SetOccupancy, set_occupancy),
    "queue count": Command(CountQueue, count_queue),
}
