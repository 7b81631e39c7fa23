"""Attested arrivals over HTTP: close and reopen queues, record slips that were handed out."""

from __future__ import annotations

from admission.scans import Profile
from admission.wire_arrivals import (
    ClosedQueueAnswer,
    ClosedQueuesAnswer,
    HandoutAnswer,
    HandoutRequest,
    HandoutsAnswer,
    QueueRequest,
    ReopenRequest,
)
from gate_server import attesting
from gate_server.web.callers import STEWARDS, SUPERVISORS
from gate_server.web.counts import operator_of
from gate_server.web.operations import Call, Noun

attested = Noun("arrivals")
_MARSHALS = frozenset({Profile.MARSHAL})


@attested.operation("GET", "/queues", who=STEWARDS | _MARSHALS, answer=ClosedQueuesAnswer)
def list_queue_closings(call: Call) -> ClosedQueuesAnswer:
    """List closed queues, the newest first, so that a marshal can name one."""
    return attesting.list_queues(call.services.ledger)


@attested.operation(
    "POST", "/queues", who=SUPERVISORS, body=QueueRequest, answer=ClosedQueueAnswer, status=201
)
def close_queue(call: Call) -> ClosedQueueAnswer:
    """Record that a queue's tail was seen; stamps made in that queue later count as that instant.

    A stamp names it as `queue`, until it ends, and only while somebody has signed in.
    """
    return attesting.close_queue(call.services.ledger, call.body, by=call.caller.name)


@attested.operation(
    "POST",
    "/queues/<queue_id>/reopen",
    who=SUPERVISORS,
    body=ReopenRequest,
    answer=ClosedQueueAnswer,
    problems=("queue-over",),
)
def reopen_queue(call: Call) -> ClosedQueueAnswer:
    """End a queue closing before its time; stamps that count as it go on to."""
    ledger, queue_id = call.services.ledger, call.args["queue_id"]
    return attesting.reopen_queue(ledger, queue_id, reason=call.body.reason, by=call.caller.name)


@attested.operation("GET", "/slips/handouts", who=SUPERVISORS, answer=HandoutsAnswer)
def list_handouts(call: Call) -> HandoutsAnswer:
    """List the slips that were handed out, the newest first."""
    return attesting.list_handouts(call.services.ledger)


@attested.operation(
    "POST",
    "/slips/handouts",
    who=SUPERVISORS | _MARSHALS,
    body=HandoutRequest,
    answer=HandoutAnswer,
    status=201,
    problems=("slips-handed-before",),
)
def hand_out_slips(call: Call) -> HandoutAnswer:
    """Record that numbered slips were handed out, all of them by an instant.

    Each is then shown at the gate beside one voucher, whose holder arrived at that instant.
    """
    return attesting.hand_out(
        call.services.ledger,
        call.body,
        device=call.caller.device,
        by=call.caller.name,
        operator=operator_of(call, call.body.operator),
    )
