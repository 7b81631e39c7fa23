"""Tell what a voucher has done, and what a gate would say of it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from admission.deals import Deal
from admission.history import Record
from admission.scans import Device, Direction, Gate, GateState, Mode, PartyDefault, Profile
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
        gate_id: where; None: at a gate that its deal opens.

    Returns: None where the voucher has gone, or there is no gate at all.
    """

    def work(tx: Session) -> Story | None:
        row = find_voucher(tx, voucher_id)
        gate = None if row is None else _gate(tx.catalogue.gates, row.deal, gate_id)
        if row is None or gate is None:
            return None
        device = Device("look-up", "look-up", gate.gate_id, Profile.GATE, PartyDefault.ALL)
        asked = Presented(
            device, "look-up", Mode.CHECK, Direction.ENTRY, None, now, None, None,
            voucher_id=voucher_id,
        )  # fmt: skip
        done = [record for record, _ in records_of(tx, row)]
        return Story(gate, check_in.run(tx, asked), sorted(done, key=lambda each: each.scan_at))

    return ledger.write(work)


def _gate(gates: Mapping[str, Gate], deal: Deal, gate_id: str | None) -> Gate | None:
    """Return the gate to ask at: the one that is meant, else one that the deal opens."""
    if gate_id is not None and gate_id in gates:
        return gates[gate_id]
    areas = {right.area for right in deal.rights}
    fitting = [
        gate
        for gate in gates.values()
        if gate.area in areas and (not deal.gates or gate.gate_id in deal.gates)
    ]
    found = sorted(fitting or gates.values(), key=lambda gate: gate.state is not GateState.OPEN)
    return found[0] if found else None
