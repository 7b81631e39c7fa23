"""Conflicts over HTTP: what the ledger finds wrong, and how people close it."""

from __future__ import annotations

from admission.wire_outage import ConflictAnswer, ConflictsAnswer, ResolveRequest
from gate_server.ledger.conflicts import list_conflicts, resolve
from gate_server.web.callers import SUPERVISORS
from gate_server.web.operations import Call, Noun

conflicts = Noun("conflicts")


@conflicts.operation("GET", "/conflicts", who=SUPERVISORS, answer=ConflictsAnswer)
def show_conflicts(call: Call) -> ConflictsAnswer:
    """List what is wrong between scans and the rest of the record, open ones first."""
    return ConflictsAnswer(conflicts=call.services.ledger.read(list_conflicts))


@conflicts.operation(
    "POST",
    "/conflicts/<conflict_id>/resolve",
    who=SUPERVISORS,
    body=ResolveRequest,
    answer=ConflictAnswer,
    problems=("resolved-already",),
)
def resolve_conflict(call: Call) -> ConflictAnswer:
    """Close a conflict with what was found out; it stays on record."""
    ledger, conflict_id, note = call.services.ledger, call.args["conflict_id"], call.body.note
    by = call.caller.name
    return ledger.write(
        lambda tx: resolve(tx, conflict_id, note=note, by=by, now=ledger.clock()), urgent=True
    )
