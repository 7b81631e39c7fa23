"""Counts over HTTP: people without a voucher, counted by hand."""

from __future__ import annotations

from admission.errors import Forbidden, InvalidInput
from admission.scans import Profile
from admission.wire import Counted, CountRequest
from gate_server.ledger.counts import Count, record_count
from gate_server.web.callers import STEWARDS
from gate_server.web.operations import Call, Noun

counts = Noun("counts")


@counts.operation(
    "POST",
    "/counts",
    who=STEWARDS | {Profile.GATE},
    body=CountRequest,
    answer=Counted,
    problems=("nonce-reused",),
)
def submit_count(call: Call) -> Counted:
    """Count people who have no voucher; the same nonce again is answered, not counted."""
    request, ledger = call.body, call.services.ledger
    gate_id, operator = _gate_id(call, request), operator_of(call, request.operator)
    count, replayed = ledger.write(
        lambda tx: record_count(
            tx,
            call.caller.name,
            request.nonce,
            gate_id=gate_id,
            kind=request.kind,
            people=request.people,
            direction=request.direction,
            now=ledger.clock(),
            operator=operator,
        )
    )
    return counted(count, replayed=replayed)


def _gate_id(call: Call, request: CountRequest) -> str:
    device, named = call.caller.device, request.gate_id
    if device is not None:
        if named not in {None, device.gate_id}:
            raise Forbidden(f"this device counts at gate {device.gate_id} only")
        return device.gate_id
    if named is None:
        raise InvalidInput("gate_id", "name the gate; only a device stands at one")
    if named not in call.services.ledger.catalogue.gates:
        raise InvalidInput("gate_id", "there is no such gate")
    return named


def operator_of(call: Call, said: str | None) -> str | None:
    """Return who did it: as the call says, else who has signed in at the calling device."""
    device, ledger = call.caller.device, call.services.ledger
    if said or device is None:
        return said or None
    return ledger.catalogue.operator_at(device.device_id, ledger.clock())


def counted(count: Count, *, replayed: bool) -> Counted:
    """Return a count as it is told."""
    return Counted(
        nonce=count.nonce,
        kind=count.kind,
        people=count.people,
        direction=count.direction,
        gate_id=count.gate_id,
        annulled=count.annulled,
        replayed=replayed,
    )
