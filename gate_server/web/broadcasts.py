"""Broadcasts over HTTP: supervisors send, end and follow them; devices say what they have shown."""

from __future__ import annotations

from admission.wire_notices import (
    BroadcastDetail,
    BroadcastRequest,
    BroadcastsAnswer,
    BroadcastsTold,
    EndRequest,
    SeenAnswer,
)
from admission.wire_templates import TemplatesAnswer
from gate_server.broadcast_templates import list_templates
from gate_server.broadcasts import end, list_all, send, show, told, write_event
from gate_server.ledger.broadcasts import get_seen_at, note_seen
from gate_server.ledger.session import Session
from gate_server.web.callers import DEVICES, SUPERVISORS
from gate_server.web.operations import Call, Noun

broadcasts = Noun("broadcasts")


@broadcasts.operation("GET", "/broadcasts", who=SUPERVISORS, answer=BroadcastsAnswer)
def list_broadcasts(call: Call) -> BroadcastsAnswer:
    """List broadcasts: those in force, then the latest others."""
    return list_all(call.services.ledger)


@broadcasts.operation(
    "POST",
    "/broadcasts",
    who=SUPERVISORS,
    body=BroadcastRequest,
    answer=BroadcastDetail,
    status=201,
    problems=("nonce-reused", "broadcasts-full"),
)
def send_broadcast(call: Call) -> BroadcastDetail:
    """Tell devices something; on every connected one within a second.

    The same nonce again answers with the broadcast that was sent with it.
    """
    services = call.services
    return send(services.ledger, call.body, desk=services.settings.help_desk, by=call.caller.name)


@broadcasts.operation("GET", "/broadcasts/templates", who=SUPERVISORS, answer=TemplatesAnswer)
def show_templates(call: Call) -> TemplatesAnswer:
    """List what was worded beforehand, with what each wants to be filled in."""
    return list_templates(call.services.ledger)


@broadcasts.operation("GET", "/broadcasts/<broadcast_id>", who=SUPERVISORS, answer=BroadcastDetail)
def show_broadcast(call: Call) -> BroadcastDetail:
    """Show a broadcast: which devices have shown it, and which have not."""
    return show(call.services.ledger, call.args["broadcast_id"])


@broadcasts.operation(
    "POST",
    "/broadcasts/<broadcast_id>/end",
    who=SUPERVISORS,
    body=EndRequest,
    answer=BroadcastDetail,
)
def end_broadcast(call: Call) -> BroadcastDetail:
    """Take a broadcast back; ended again, it stays as it was ended first."""
    ledger, broadcast_id = call.services.ledger, call.args["broadcast_id"]
    return end(ledger, broadcast_id, reason=call.body.reason, by=call.caller.name)


@broadcasts.operation("POST", "/broadcasts/<broadcast_id>/seen", who=DEVICES, answer=SeenAnswer)
def note_broadcast_seen(call: Call) -> SeenAnswer:
    """Say that the calling device has shown a broadcast; the first time counts."""
    ledger, device, broadcast_id = call.services.ledger, call.device, call.args["broadcast_id"]
    now = ledger.clock()

    def note(tx: Session) -> SeenAnswer:
        note_seen(tx, device, [broadcast_id], now)
        return SeenAnswer(broadcast_id=broadcast_id, seen_at=get_seen_at(tx, device, broadcast_id))

    return ledger.write(note)


@broadcasts.operation("GET", "/devices/self/broadcasts", who=DEVICES, answer=BroadcastsTold)
def tell_broadcasts(call: Call) -> BroadcastsTold:
    """Tell a device what it is to show now, whether it has shown it before or not."""
    ledger = call.services.ledger
    found = told(ledger.catalogue, call.device, ledger.clock())
    return BroadcastsTold(broadcasts=[write_event(each) for each in found])
