"""Commands about recorded scans: list the recent ones, annul, override or answer one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from admission.verdicts import Outcome
from admission.voids import CostBearer
from admission.wire_people import Operator
from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import checked_text
from gate_server.decisions import Decision, corrected_decision
from gate_server.ledger import corrections
from gate_server.ledger.recent import ListedScan, list_scans
from gate_server.ledger.session import Session

_UNDECIDED = frozenset({Outcome.REFUSE, Outcome.REFER})


class ListScans(Params, frozen=True):
    """Which recent scans are asked for; `admitted`: those that let somebody in too."""

    minutes: int = 30
    device_id: str | None = None
    admitted: bool = False


class Annul(Params, frozen=True):
    """A scan whose people, or some of them, did not pass; `operator`: who says so at the lane."""

    device_id: str
    nonce: str
    reason: str
    people: int | None = None
    operator: Operator | None = None


class Override(Params, frozen=True):
    """A refused or referred scan whose holder is to be let in; `operator`: who does it there."""

    device_id: str
    nonce: str
    reason: str
    party: int | None = None
    cost_bearer: CostBearer = CostBearer.VENUE
    operator: Operator | None = None


class Answer(Params, frozen=True):
    """A call that is answered without letting anybody in."""

    device_id: str
    nonce: str
    reason: str


def list_recent(services: Services, params: ListScans) -> list[dict[str, Any]]:
    """List the scans of the last minutes that let nobody in, the newest first."""
    ledger = services.ledger
    since = ledger.clock() - timedelta(minutes=params.minutes)
    found = list_scans(ledger, since, device_id=params.device_id)
    return [_line(scan) for scan in found if params.admitted or scan.outcome in _UNDECIDED]


def _line(scan: ListedScan) -> dict[str, Any]:
    return {
        "device_id": scan.device_id,
        "gate_id": scan.gate_id,
        "at": scan.at.isoformat(),
        "mode": scan.mode.value,
        "direction": scan.direction.value,
        "outcome": scan.outcome.value,
        "reason": scan.reason.value,
        "people": scan.people,
        "tail": scan.tail,
        "deal_id": scan.deal_id,
        "nonce": scan.nonce,
    }


def annul(services: Services, params: Annul) -> dict[str, Any]:
    """Take back people whom a scan let in."""
    reason = checked_text("reason", params.reason, 500)

    def change(tx: Session) -> Decision:
        device_id = params.device_id
        nonce = corrections.find_nonce(tx, device_id, params.nonce)
        before = corrections.get_scan(tx, device_id, nonce).record.annuls
        scan = corrections.annul_scan(
            tx,
            device_id,
            nonce,
            people=params.people,
            reason=reason,
            by=corrections.Actor(services.by, supervisor=True, operator=params.operator or None),
            now=services.ledger.clock(),
        )
        row = corrections.row_of(tx, scan)
        return corrected_decision(tx, scan, row, changed=scan.record.annuls > before)

    return _corrected(params.device_id, services.ledger.write(change, urgent=True))


def override(services: Services, params: Override) -> dict[str, Any]:
    """Let in the holder of a refused or referred scan; the lane is told."""
    reason = checked_text("reason", params.reason, 500)

    def change(tx: Session) -> Decision:
        scan = corrections.override_scan(
            tx,
            params.device_id,
            corrections.find_nonce(tx, params.device_id, params.nonce),
            party=params.party,
            reason=reason,
            cost_bearer=params.cost_bearer,
            by=corrections.Actor(services.by, supervisor=True, operator=params.operator or None),
            now=services.ledger.clock(),
        )
        return corrected_decision(tx, scan, corrections.row_of(tx, scan), changed=True)

    decision = services.ledger.write(change, urgent=True)
    services.overridden(params.device_id, decision)
    return _corrected(params.device_id, decision)


def answer(services: Services, params: Answer) -> dict[str, Any]:
    """Answer a call without letting anybody in; the lane is told."""
    reason = checked_text("reason", params.reason, 500)

    def change(tx: Session) -> Decision:
        scan = corrections.answer_call(
            tx,
            params.device_id,
            corrections.find_nonce(tx, params.device_id, params.nonce),
            reason=reason,
            by=corrections.Actor(services.by, supervisor=True),
        )
        return corrected_decision(tx, scan, corrections.row_of(tx, scan), changed=False)

    decision = services.ledger.write(change, urgent=True)
    services.turned_away(params.device_id, decision)
    return _corrected(params.device_id, decision)


def _corrected(device_id: str, decision: Decision) -> dict[str, Any]:
    verdict, row = decision.verdict, decision.row
    return {
        "device_id": device_id,
        "nonce": decision.nonce,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "admitted": verdict.people,
        "remaining": verdict.remaining,
        "tail": None if row is None else row.voucher.tail,
        "replayed": decision.replayed,
    }


COMMANDS: dict[str, Command[Any]] = {
    "scan list": Command(ListScans, list_recent),
    "scan annul": Command(Annul, annul),
    "scan override": Command(Override, override),
    "scan answer": Command(Answer, answer),
}
