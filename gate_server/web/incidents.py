"""Incidents over HTTP: supervisors open, follow, acknowledge and close them."""

from __future__ import annotations

from admission.wire_incidents import (
    CloseRequest,
    IncidentDetail,
    IncidentRequest,
    IncidentsAnswer,
    NoteRequest,
)
from gate_server.incidents import IncidentDesk
from gate_server.web.callers import DEVICES, SUPERVISORS
from gate_server.web.operations import Call, Noun, text, whole

incidents = Noun("incidents")


@incidents.operation(
    "GET",
    "/incidents",
    who=SUPERVISORS,
    answer=IncidentsAnswer,
    query=(text("state"), whole("before")),
)
def list_incidents(call: Call) -> IncidentsAnswer:
    """List incidents, the newest first, 100 a page; `state` is `open` or `closed`."""
    return _desk(call).page(call.query.get("state"), call.whole("before") or None)


@incidents.operation(
    "POST",
    "/incidents",
    who=SUPERVISORS | DEVICES,
    body=IncidentRequest,
    answer=IncidentDetail,
    status=201,
)
def open_incident(call: Call) -> IncidentDetail:
    """Open an incident; the same nonce again answers with the same one.

    A device may only call for help: `{"kind": "help", "nonce", "called_at"?}`. While its call is
    open, calling again is the same one; a minute after somebody has acknowledged it, it rings anew.
    """
    return _desk(call).open(call.body, by=call.caller.name, device=call.caller.device)


@incidents.operation("GET", "/incidents/<incident_id>", who=SUPERVISORS, answer=IncidentDetail)
def show_incident(call: Call) -> IncidentDetail:
    """Show an incident with its timeline, its calls and its request to the platform."""
    return _desk(call).show(call.args["incident_id"])


@incidents.operation(
    "POST",
    "/incidents/<incident_id>/notes",
    who=SUPERVISORS,
    body=NoteRequest,
    answer=IncidentDetail,
    status=201,
)
def add_incident_note(call: Call) -> IncidentDetail:
    """Add to an incident's timeline, to a closed one's too."""
    return _desk(call).note(call.args["incident_id"], call.body.note, by=call.caller.name)


@incidents.operation(
    "POST",
    "/incidents/<incident_id>/acknowledge",
    who=SUPERVISORS,
    answer=IncidentDetail,
    problems=("incident-closed",),
)
def acknowledge_incident(call: Call) -> IncidentDetail:
    """Say that one sees to it; the calls about it end until it asks again."""
    return _desk(call).acknowledge(call.args["incident_id"], by=call.caller.name)


@incidents.operation(
    "POST",
    "/incidents/<incident_id>/close",
    who=SUPERVISORS,
    body=CloseRequest,
    answer=IncidentDetail,
    problems=("incident-closed", "decision-awaited"),
)
def close_incident(call: Call) -> IncidentDetail:
    """End an incident with what came of it; one whose deal is on hold waits for the decision."""
    return _desk(call).close(call.args["incident_id"], call.body.summary, by=call.caller.name)


def _desk(call: Call) -> IncidentDesk:
    return IncidentDesk(call.services.ledger, call.services.settings)
