"""The crowd over HTTP: how it stands, and what staff count of it."""

from __future__ import annotations

from admission.scans import Profile
from admission.wire_crowd import (
    CrowdAnswer,
    OccupancyAnswer,
    OccupancyRequest,
    QueueCountAnswer,
    QueueCountRequest,
    write_crowd,
)
from gate_server import counting
from gate_server.settings import read_crowd_words
from gate_server.web.callers import STEWARDS, SUPERVISORS
from gate_server.web.counts import operator_of
from gate_server.web.operations import Call, Noun

crowd = Noun("crowd")
_STAFFED = frozenset({Profile.GATE, Profile.MARSHAL, Profile.EXCHANGE})


@crowd.operation("GET", "/crowd", who=STEWARDS, answer=CrowdAnswer)
def show_crowd(call: Call) -> CrowdAnswer:
    """Tell who is inside, how fast people come, how long queues are, what is ahead, what to do.

    A second old at most; what is sold for today a minute, past days an hour.
    """
    services = call.services
    return write_crowd(services.crowd.view(), read_crowd_words(services.ledger.venue))


@crowd.operation(
    "POST",
    "/queue-counts",
    who=STEWARDS | _STAFFED,
    body=QueueCountRequest,
    answer=QueueCountAnswer,
    status=201,
)
def count_queue(call: Call) -> QueueCountAnswer:
    """Record how many people stand in a queue: of a gate, or of all gates of an area.

    A device that names neither counts the queue of the area where it stands.
    """
    services, caller = call.services, call.caller
    made = counting.count_queue(
        services.ledger,
        call.body,
        device=caller.device,
        by=caller.name,
        operator=operator_of(call, call.body.operator),
    )
    services.crowd.renew()
    return made


@crowd.operation(
    "POST",
    "/occupancy",
    who=SUPERVISORS,
    body=OccupancyRequest,
    answer=OccupancyAnswer,
    status=201,
)
def enter_occupancy(call: Call) -> OccupancyAnswer:
    """Set how many people are inside from now on: at opening, or after an emergency.

    What passed before and comes in later, from scanners that were cut off, does not change it.
    """
    services = call.services
    made = counting.enter_occupancy(services.ledger, call.body, by=call.caller.name)
    services.crowd.renew()
    return made
