"""Closures over HTTP: rain and typhoons, declared, amended and taken back by supervisors."""

from __future__ import annotations

from admission.wire_staff import ReasonRequest
from admission.wire_terms import ClosureAnswer, ClosureRequest, ClosuresAnswer
from gate_server.closures import ClosureDesk
from gate_server.web.callers import SUPERVISORS
from gate_server.web.operations import Call, Noun, flag

closures = Noun("closures")


@closures.operation("GET", "/closures", who=SUPERVISORS, answer=ClosuresAnswer)
def list_closures(call: Call) -> ClosuresAnswer:
    """List all closures, the newest first, each with its versions."""
    return _desk(call).page()


@closures.operation("GET", "/closures/<closure_id>", who=SUPERVISORS, answer=ClosureAnswer)
def show_closure(call: Call) -> ClosureAnswer:
    """Show one closure with its versions."""
    return _desk(call).show(call.args["closure_id"])


@closures.operation(
    "POST",
    "/closures",
    who=SUPERVISORS,
    body=ClosureRequest,
    answer=ClosureAnswer,
    query=(flag("preview"),),
)
def declare_closure(call: Call) -> ClosureAnswer:
    """Close the venue for a time; `preview=true` only says what that would come to."""
    desk = _desk(call)
    return desk.preview(call.body) if call.flag("preview") else desk.declare(call.body)


@closures.operation(
    "POST",
    "/closures/<closure_id>",
    who=SUPERVISORS,
    body=ClosureRequest,
    answer=ClosureAnswer,
    query=(flag("preview"),),
)
def amend_closure(call: Call) -> ClosureAnswer:
    """Put other terms in the place of a closure's; `preview=true` compares them with those."""
    desk, closure_id = _desk(call), call.args["closure_id"]
    if call.flag("preview"):
        return desk.preview(call.body, closure_id)
    return desk.amend(closure_id, call.body)


@closures.operation(
    "POST",
    "/closures/<closure_id>/restore",
    who=SUPERVISORS,
    body=ReasonRequest,
    answer=ClosureAnswer,
    query=(flag("preview"),),
    problems=("closure-restored",),
    password=True,
)
def restore_closure(call: Call) -> ClosureAnswer:
    """End a closure; who came in by it stays so. `preview=true` says what that would take back."""
    desk, closure_id = _desk(call), call.args["closure_id"]
    if call.flag("preview"):
        return desk.preview_restore(closure_id)
    return desk.restore(closure_id, call.body.reason)


def _desk(call: Call) -> ClosureDesk:
    return ClosureDesk(call.services.ledger, by=call.caller.name)
