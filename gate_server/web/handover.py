"""The hand-over sheet over HTTP."""

from __future__ import annotations

from admission.wire_people import HandoverAnswer
from gate_server.handover import make_sheet, read_asked
from gate_server.web.callers import STEWARDS
from gate_server.web.operations import Call, Noun, text

handover = Noun("handover")


@handover.operation(
    "GET",
    "/handover",
    who=STEWARDS,
    answer=HandoverAnswer,
    query=(text("day"), text("operator"), text("gate"), text("counted")),
)
def show_handover(call: Call) -> HandoverAnswer:
    """Tell what each operator did at each lane on a venue day, by default today."""
    query = call.query
    asked = read_asked(*(query.get(name) for name in ("day", "operator", "gate", "counted")))
    return make_sheet(call.services.ledger, asked)
