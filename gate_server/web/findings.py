"""Findings over HTTP: what is odd in what was sold."""

from __future__ import annotations

from admission.errors import NotFound
from admission.wire_findings import FindingAnswer, FindingClose, FindingsAnswer
from gate_server.findings import close_finding, list_findings, show_finding
from gate_server.web.callers import PARTNERS, STEWARDS, SUPERVISORS
from gate_server.web.operations import Call, Noun

findings = Noun("findings")
_MOST_DIGITS = 18


@findings.operation("GET", "/findings", who=STEWARDS | PARTNERS, answer=FindingsAnswer)
def list_all(call: Call) -> FindingsAnswer:
    """List what is odd in what was sold, open findings first; a partner's own platform only."""
    found = list_findings(call.services.ledger, platform=call.caller.platform)
    return FindingsAnswer(findings=found)


@findings.operation("GET", "/findings/<finding_id>", who=STEWARDS | PARTNERS, answer=FindingAnswer)
def show_one(call: Call) -> FindingAnswer:
    """Show one finding; another platform's is not there for a partner."""
    found = show_finding(call.services.ledger, _number(call))
    if call.caller.platform not in (None, found.platform):
        raise NotFound(f"no finding {call.args['finding_id']}")
    return found


@findings.operation(
    "POST",
    "/findings/<finding_id>/close",
    who=SUPERVISORS,
    body=FindingClose,
    answer=FindingAnswer,
    problems=("finding-held", "closed-already"),
)
def close_one(call: Call) -> FindingAnswer:
    """Close a finding that holds nothing; it comes up again if it doubles."""
    by, note = call.caller.name, call.body.note
    return close_finding(call.services.ledger, _number(call), note=note, by=by)


def _number(call: Call) -> int:
    text = call.args["finding_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise NotFound(f"no finding {text[:40]}")
    return int(text)
