"""Events over HTTP: server-sent, so that a change reaches scanners and staff within a second."""

from __future__ import annotations

from gate_server.web.callers import DEVICES, STEWARDS
from gate_server.web.operations import Call, Noun, Reply

events = Noun("events")

EVENT_STREAM = "text/event-stream"


@events.operation(
    "GET",
    "/events",
    who=DEVICES | STEWARDS,
    problems=("streams-full",),
    content_type=EVENT_STREAM,
)
def listen(call: Call) -> Reply:
    """Stream events: `revision`, `gate`, `broadcast`, `verdict` (a human's), `stats` (staff).

    A device is told of its own gate, of broadcasts for it, and of its own scans; staff of all
    gates and broadcasts. `verdict` is a scan's answer as an override leaves it, or, where a call
    was answered without letting anybody in, with outcome `refuse` and a sentence that says so. One
    stream a device or user: a newer one ends the older. Where no stream is free, ask for the
    revision by heartbeat instead.
    """
    stream = call.services.hub.join(call.caller)
    # Told to proxies that would wait for more before they pass it on.
    return Reply(stream, content_type=EVENT_STREAM, headers=[("X-Accel-Buffering", "no")])
