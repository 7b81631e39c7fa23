"""The slips of refused visitors in a scenario that is played through the real ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gate_server.keyring import Keyring
from gate_server.ledger import corrections, refusal_slips
from gate_server.ledger.ledger import Ledger
from tests.paper_rows import Row


class RefusalSlips:
    """A player that can print them; their codes are shown by number, from 1."""

    ledger: Ledger
    keys: Keyring
    devices: dict[str, str]

    def __init__(self) -> None:
        self.refusals: list[str] = []

    def take_refusal(self, now: datetime, body: Row) -> None:
        device, nonce = self.devices[body["device"]], body["nonce"]

        def refusal(tx: Any) -> Any:
            scan = corrections.get_scan(tx, device, nonce)
            printing = refusal_slips.Printing(device)
            return refusal_slips.record_refusal_slip(tx, self.keys, scan, printing)

        self.refusals.append(self.ledger.write(refusal).code)
