"""Tell what a voucher has done, and what a gate would say of it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from admission.deals import Deal
from admission.history import Record
from admission.scans import Device, Direction, Gate, GateState, Mode, PartyDefault, Profile
from admission.verdicts import Outcome
from gate_server.checkin import CheckIn, Presented
from gate_server.decisions import Decision
from gate_server.ledger.ledger import Ledger
from gate_server.ledger.scans import find_voucher, records_of
from gate_server.ledger.session import Session


@dataclass(frozen=True, slots=True)
class Story:
    """One voucher's record, and the answer that it would get.

    Attributes:
        gate: where it was asked about; `decision` what a lane with staff says there now.
        done: its scans, the first one first.
    """

    gate: Gate
    decision: Decision
    done: list[Record]


def tell_story(
    ledger: Ledger, check_in: CheckIn, voucher_id: int, gate_id: str | None, now: datetime
) -> Story | None:
    """Ask about a voucher as a lane with staff does in mode `check`: nothing is recorded.

    Args:
        gate_id: where; None: at a gate that its deal opens, of the first area that it still opens.

    Returns: None where the voucher has gone, or there is no gate at all.
    """

    def work(tx: Session) -> Story | None:
        row = find_voucher(tx, voucher_id)
        gates = [] if row is None else _gates(tx.catalogue.gates, row.deal, gate_id)
        if row is None or not gates:
            return None
        asked = [(gate, check_in.run(tx, _presented(gate, voucher_id, now))) for gate in gates]
        # Used up in one area, it may be good in another: nobody is sent away for the first.
        good = [each for each in asked if each[1].verdict.outcome is Outcome.ADMIT]
        gate, decision = (good or asked)[0]
        done = [record for record, _ in records_of(tx, row)]
        return Story(gate, decision, sorted(done, key=lambda each: each.scan_at))

    return ledger.write(work)


def _presented(gate: Gate, voucher_id: int, now: datetime) -> Presented:
    device = Device("look-up", "look-up", gate.gate_id, Profile.GATE, PartyDefault.ALL)
    return Presented(
        device, "look-up", Mode.CHECK, Direction.ENTRY, None, now, None, None,
        voucher_id=voucher_id,
    )  # fmt: skip


def _gates(gates: Mapping[str, Gate], deal: Deal, gate_id: str | None) -> list[Gate]:
    """Return where to ask: the gate that is meant, else one of each area that the deal opens."""
    if gate_id is not None and gate_id in gates:
        return [gates[gate_id]]
    areas = {right.area for right in deal.rights}
    fitting = [
        gate
        for gate in gates.values()
        if gate.area in areas and (not deal.gates or gate.gate_id in deal.gates)
    ]
    found = sorted(fitting or gates.values(), key=lambda gate: gate.state is not GateState.OPEN)
    first: dict[str, Gate] = {}
    for gate in found:
        first.setdefault(gate.area, gate)
    return list(first.values())
