"""Slips of refused visitors over HTTP: proof of coming, printed by staff."""

from __future__ import annotations

from admission.errors import InvalidInput
from admission.scans import Profile
from admission.wire import Text
from admission.wire_refusals import RefusalSlipAnswer, RefusalSlipRequest
from gate_server.decisions import stored_decision
from gate_server.ledger.corrections import find_nonce, get_scan, row_of
from gate_server.ledger.refusal_slips import Printing, record_refusal_slip
from gate_server.ledger.session import Session
from gate_server.qr_rows import qr_rows
from gate_server.web.callers import SUPERVISORS
from gate_server.web.counts import operator_of
from gate_server.web.operations import Call, Noun

refusals = Noun("refusals")
_STAFFED = frozenset(profile for profile in Profile if profile.staffed)


@refusals.operation(
    "POST",
    "/scans/<nonce>/refusal-slip",
    who=_STAFFED | SUPERVISORS,
    body=RefusalSlipRequest,
    answer=RefusalSlipAnswer,
    problems=("not-an-entry", "admitted-already", "not-refused"),
)
def refusal_slip(call: Call) -> RefusalSlipAnswer:
    """Return the slip of a scan that was not let in; asked again, a copy that says so.

    A supervisor names the device of the scan. The nonce may be given by its end, as the board
    shows it.
    """
    services, nonce = call.services, call.args["nonce"]
    device_id = call.body.device_id or (call.device.device_id if call.caller.device else None)
    if device_id is None:
        raise InvalidInput("device_id", "name the device of the scan")
    printing = Printing(call.caller.name, call.body.nonce, operator_of(call, None))

    def change(tx: Session) -> RefusalSlipAnswer:
        scan = get_scan(tx, device_id, find_nonce(tx, device_id, nonce))
        made = record_refusal_slip(tx, services.keys, scan, printing)
        record, row = scan.record, row_of(tx, scan)
        said = services.answers.words(stored_decision(tx, scan, row))
        gate = tx.catalogue.gates.get(record.gate_id)
        desk = services.settings.help_desk
        short = services.answers.messages.short(record.reason)
        return RefusalSlipAnswer(
            number=made.number,
            copy=made.copy,
            code=made.code,
            modules=qr_rows(made.code),
            came_at=record.scan_at,
            local_time=f"{record.scan_at.astimezone(tx.venue.zone):%Y-%m-%d %H:%M}",
            gate_id=record.gate_id,
            gate_name=record.gate_id if gate is None else gate.name,
            venue=services.settings.name,
            title=None if row is None else row.deal.title,
            tail=scan.tail,
            people=record.party,
            reason=record.reason,
            short=Text(zh=short.zh, en=short.en),
            message=said,
            help_desk=Text(zh=desk.zh, en=desk.en),
        )

    return services.ledger.write(change)
