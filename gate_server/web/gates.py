"""Gates over HTTP: list, open and pause them; evacuate the venue."""

from __future__ import annotations

from admission.scans import Gate
from admission.wire import GateStateRequest
from admission.wire_staff import EmergencyAnswer, EmergencyRequest, GateAnswer, GatesAnswer
from gate_server.ledger.actions import set_emergency, set_gate_state
from gate_server.web.callers import SUPERVISORS
from gate_server.web.operations import Call, Noun

gates = Noun("gates")


@gates.operation("GET", "/gates", who=SUPERVISORS, answer=GatesAnswer)
def list_gates(call: Call) -> GatesAnswer:
    """List all gates."""
    catalogue = call.services.ledger.catalogue
    return GatesAnswer(gates=[_answer(gate) for gate in catalogue.gates.values()])


@gates.operation(
    "POST",
    "/gates/<gate_id>/state",
    who=SUPERVISORS,
    body=GateStateRequest,
    answer=GateAnswer,
)
def set_state(call: Call) -> GateAnswer:
    """Open or pause a gate, or turn it to exits only."""
    request, gate_id, by = call.body, call.args["gate_id"], call.caller.name
    gate = call.services.ledger.write(
        lambda tx: set_gate_state(tx, gate_id, request.state, reason=request.reason, by=by),
        alone=True,
        urgent=True,
    )
    return _answer(gate)


@gates.operation(
    "POST",
    "/venue/emergency",
    who=SUPERVISORS,
    body=EmergencyRequest,
    answer=EmergencyAnswer,
)
def evacuate(call: Call) -> EmergencyAnswer:
    """Begin or end an evacuation: nobody enters, everybody may leave."""
    request, by = call.body, call.caller.name
    call.services.ledger.write(
        lambda tx: set_emergency(tx, request.on, reason=request.reason, by=by),
        alone=True,
        urgent=True,
    )
    call.services.crowd.renew()
    return EmergencyAnswer(on=request.on)


def _answer(gate: Gate) -> GateAnswer:
    return GateAnswer(gate_id=gate.gate_id, name=gate.name, area=gate.area, state=gate.state)
