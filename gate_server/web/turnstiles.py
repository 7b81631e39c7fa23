"""Turnstiles over HTTP: who passed, and what a lane reports of its own."""

from __future__ import annotations

from admission.wire_passage import PassageAnswer, PassageRequest, ReportAnswer, ReportRequest
from gate_server.ledger.corrections import record_passage
from gate_server.ledger.lane_reports import record_report
from gate_server.web.callers import DEVICES
from gate_server.web.operations import Call, Noun

turnstiles = Noun("turnstiles")


@turnstiles.operation(
    "POST",
    "/scans/<nonce>/passage",
    who=DEVICES,
    body=PassageRequest,
    answer=PassageAnswer,
    problems=("not-admitted",),
)
def take_passage(call: Call) -> PassageAnswer:
    """Take how many people of a scan of this device have turned so far; it never becomes less."""
    ledger, nonce = call.services.ledger, call.args["nonce"]
    record = ledger.write(
        lambda tx: record_passage(
            tx, call.device.device_id, nonce, people=call.body.people, now=ledger.clock()
        )
    ).record
    return PassageAnswer(
        nonce=nonce,
        turned=record.turned,
        admitted=record.passed,
        ledger_revision=ledger.revision,
    )


@turnstiles.operation(
    "POST",
    "/devices/self/reports",
    who=DEVICES,
    body=ReportRequest,
    answer=ReportAnswer,
    problems=("nonce-reused",),
)
def take_report(call: Call) -> ReportAnswer:
    """Keep what a lane reports of its turnstile; the same nonce again is answered, not kept."""
    ledger, device, request = call.services.ledger, call.device, call.body
    replayed = ledger.write(
        lambda tx: record_report(tx, device.device_id, device.gate_id, request, now=ledger.clock()),
        alone=True,
    )
    return ReportAnswer(nonce=request.nonce, kind=request.kind, replayed=replayed)
