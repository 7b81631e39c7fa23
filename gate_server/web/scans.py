"""Scans over HTTP: submit one, and correct it afterwards."""

from __future__ import annotations

from time import perf_counter

from msgspec.structs import replace

from admission.codes import CodeRead
from admission.errors import Forbidden, InvalidInput, NotFound
from admission.scans import MODES, Device, Direction, Mode, Profile
from admission.tokens import Purpose
from admission.verdicts import Reason
from admission.voids import CostBearer
from admission.wire import (
    AnnulRequest,
    CallRequest,
    Counted,
    OverrideRequest,
    ScanAnswer,
    ScanRequest,
    StrikeRequest,
)
from gate_server.attesting import find_slip
from gate_server.checkin import Presented
from gate_server.decisions import Decision, corrected_decision
from gate_server.ledger.corrections import (
    Actor,
    annul_scan,
    answer_call,
    get_scan,
    override_scan,
    row_of,
    strike_scan,
)
from gate_server.ledger.counts import annul_count, find_count
from gate_server.ledger.recent import RecentScan
from gate_server.ledger.scans import StoredScan, find_scan
from gate_server.ledger.session import Session
from gate_server.web.callers import DEVICES, SUPERVISORS
from gate_server.web.counts import counted, operator_of
from gate_server.web.operations import Call, Noun
from gate_server.web.orders import with_order
from gate_server.web.services import Services

scans = Noun("scans")


@scans.operation(
    "POST",
    "/scans",
    who=DEVICES,
    body=ScanRequest,
    answer=ScanAnswer,
    problems=("operator-required", "nonce-reused", "annulled"),
)
def submit_scan(call: Call) -> ScanAnswer:
    """Answer one scan: 200 for admit and refuse alike, an error only if no verdict was reached."""
    started = perf_counter()
    services, device, request = call.services, call.device, call.body
    _check_mode(device, request)
    presented = _present(services, device, request)
    decision = services.read_through.decide(
        presented,
        request.code,
        lambda: services.ledger.write(lambda tx: services.check_in.run(tx, presented)),
    )
    services.timings.note(device.gate_id, (perf_counter() - started) * 1000)
    services.ledger.tallies.scanned_at[device.device_id] = presented.received_at
    _note(services, presented, decision)
    answer = services.answers.scan(decision, device_id=device.device_id, now=presented.received_at)
    return _with_wanted(services, device, request, decision, answer)


def _with_wanted(
    services: Services, device: Device, request: ScanRequest, decision: Decision, answer: ScanAnswer
) -> ScanAnswer:
    """Return an answer with what else the scan wants: its order, the proof of a stamp."""
    if "order" in request.want:
        answer = with_order(services, decision, answer)
    stamped = decision.arrival_number is not None and decision.about
    if "slip" not in request.want or not stamped:
        return answer
    venue, nonce = services.settings.name, decision.nonce
    slip = find_slip(services.ledger, services.keys, device.device_id, nonce, venue=venue)
    return replace(answer, slip=slip)


def _check_mode(device: Device, request: ScanRequest) -> None:
    profile = device.profile
    if request.mode not in MODES[profile]:
        raise Forbidden(f"a device of profile {profile} has no mode {request.mode}")
    if request.direction is Direction.EXIT and profile is not Profile.GATE:
        raise Forbidden(f"a device of profile {profile} records no exits")
    if (request.code is None) is (request.pick is None):
        raise InvalidInput("code", "send either code or pick")
    if request.queue is not None and request.mode is not Mode.ARRIVE:
        raise InvalidInput("queue", "is said of an arrival stamp only")
    if request.slip is not None and request.direction is Direction.EXIT:
        raise InvalidInput("slip", "is shown at an entry")


def _present(services: Services, device: Device, request: ScanRequest) -> Presented:
    now = services.ledger.clock()
    presented = Presented(
        device,
        request.nonce,
        request.mode,
        request.direction,
        request.party,
        now,
        request.scanned_at,
        # What a scan says is the record; of one that does not say, the server may know.
        request.operator or services.ledger.catalogue.operator_at(device.device_id, now),
        passage=request.passage,
        queue=request.queue,
        slip=None if request.slip is None else _read_slip(services, request.slip),
    )
    if request.code is not None:
        presented.code = services.check_in.read(request.code)
    elif request.pick is not None:
        pick = services.answers.picks.read(request.pick, device_id=device.device_id, now=now)
        presented.voucher_id, presented.pick_problem = pick.voucher_id, pick.problem
    return presented


def _read_slip(services: Services, text: str) -> CodeRead:
    read = services.check_in.read(text)
    if read.token is None or read.token.purpose is not Purpose.NUMBERED_SLIP:
        raise InvalidInput("slip", "is no numbered slip of this venue")
    return read


def _note(services: Services, presented: Presented, decision: Decision) -> None:
    """Remember who waits for a human; a verdict that is answered again is not another call."""
    if decision.replayed or decision.scan_id is None:
        return
    scan = RecentScan(
        presented.device.device_id,
        decision.nonce,
        presented.mode,
        decision.verdict.reason,
        decision.decided_at,
        decision.about,
        gate_id=presented.device.gate_id,
        direction=presented.direction,
        elsewhere=decision.verdict.elsewhere,
    )
    services.calls.note(scan)


@scans.operation(
    "POST",
    "/scans/<nonce>/annul",
    who=DEVICES | SUPERVISORS,
    body=AnnulRequest,
    answer=(ScanAnswer, Counted),
    problems=("not-admitted", "turned-already", "too-late", "ticket-used", "moved-since"),
)
def annul(call: Call) -> ScanAnswer | Counted:
    """Take back people who did not pass, by the nonce of their scan or count."""
    request, nonce, services = call.body, call.args["nonce"], call.services
    made_by = _made_by(call, request)
    by = Actor(
        call.caller.name,
        supervisor=call.caller.device is None,
        operator=operator_of(call, request.operator),
    )

    def change(tx: Session) -> Decision | Counted:
        now = services.ledger.clock()
        before = find_scan(tx, made_by, nonce)
        if before is None:
            count = find_count(tx, made_by, nonce)
            if count is None:
                raise NotFound(f"{made_by} has no scan or count with the nonce {nonce}")
            done = annul_count(
                tx, count, people=request.people, reason=request.reason, by=by, now=now
            )
            return counted(done, replayed=False)
        scan = annul_scan(
            tx, made_by, nonce, people=request.people, reason=request.reason, by=by, now=now
        )
        return _decision(tx, scan, changed=scan.record.annuls > before.record.annuls)

    changed = services.ledger.write(change, urgent=True)
    return changed if isinstance(changed, Counted) else _scan_answer(call, changed, made_by)


def _made_by(call: Call, request: AnnulRequest) -> str:
    device, named = call.caller.device, request.device_id
    if device is None:
        return named or call.caller.name
    if named not in {None, device.device_id}:
        raise Forbidden("a device annuls its own scans only; a supervisor can annul any")
    return device.device_id


@scans.operation(
    "POST",
    "/scans/<nonce>/override",
    who=SUPERVISORS,
    body=OverrideRequest,
    answer=ScanAnswer,
    problems=("admitted-already", "not-an-entry", "too-late"),
)
def override(call: Call) -> ScanAnswer:
    """Let in the holder of a refused or referred scan, on a supervisor's word."""
    request, nonce, services = call.body, call.args["nonce"], call.services

    def change(tx: Session) -> Decision:
        scan = override_scan(
            tx,
            request.device_id,
            nonce,
            party=request.party,
            reason=request.reason,
            cost_bearer=CostBearer(request.cost_bearer),
            by=Actor(call.caller.name, supervisor=True, operator=request.operator or None),
            now=services.ledger.clock(),
        )
        return _decision(tx, scan)

    decision = services.ledger.write(change, urgent=True)
    return tell_override(services, request.device_id, decision)


def tell_override(services: Services, device_id: str, decision: Decision) -> ScanAnswer:
    """Let the lane know that a scan of its was overridden; nobody waits there for it any more."""
    now = services.ledger.clock()
    answer = services.answers.scan(decision, device_id=device_id, now=now)
    services.calls.end(device_id, decision.nonce)
    if answer.reason is Reason.OVERRIDDEN:
        services.hub.tell_verdict(device_id, answer)
    return answer


@scans.operation(
    "POST",
    "/scans/<nonce>/answer",
    who=SUPERVISORS,
    body=CallRequest,
    answer=ScanAnswer,
    problems=("not-a-call", "admitted-already", "not-an-entry"),
)
def turn_away(call: Call) -> ScanAnswer:
    """Answer a call without letting anybody in: it waits no more, and the scan stays as it is.

    The lane is told that somebody has decided; the same code presented again calls anew.
    """
    request, nonce, services = call.body, call.args["nonce"], call.services

    def change(tx: Session) -> Decision:
        by = Actor(call.caller.name, supervisor=True)
        scan = answer_call(tx, request.device_id, nonce, reason=request.reason, by=by)
        return _decision(tx, scan, changed=False)

    decision = services.ledger.write(change, urgent=True)
    tell_turned_away(services, request.device_id, decision)
    return _scan_answer(call, decision, request.device_id)


def tell_turned_away(services: Services, device_id: str, decision: Decision) -> None:
    """Let the lane know that a human has looked at a call of its and lets nobody in."""
    services.calls.end(device_id, decision.nonce)
    now = services.ledger.clock()
    told = services.answers.turned_away(decision, device_id=device_id, now=now)
    services.hub.tell_verdict(device_id, told)


@scans.operation(
    "POST",
    "/scans/<nonce>/strike",
    who=SUPERVISORS,
    body=StrikeRequest,
    answer=ScanAnswer,
    problems=("not-a-stamp",),
)
def strike(call: Call) -> ScanAnswer:
    """Make an arrival stamp count for nothing from now on."""
    request, nonce = call.body, call.args["nonce"]

    def change(tx: Session) -> Decision:
        now = call.services.ledger.clock()
        by = Actor(call.caller.name, supervisor=True)
        struck = get_scan(tx, request.device_id, nonce).record.struck
        scan = strike_scan(tx, request.device_id, nonce, reason=request.reason, by=by, now=now)
        return _decision(tx, scan, changed=not struck)

    return _scan_answer(call, call.services.ledger.write(change), request.device_id)


def _decision(tx: Session, scan: StoredScan, *, changed: bool = True) -> Decision:
    return corrected_decision(tx, scan, row_of(tx, scan), changed=changed)


def _scan_answer(call: Call, decision: Decision, device_id: str) -> ScanAnswer:
    services = call.services
    return services.answers.scan(decision, device_id=device_id, now=services.ledger.clock())
