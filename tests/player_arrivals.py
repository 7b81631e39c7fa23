"""The steps of a scenario about attested arrivals, taken by a real ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from admission.wire_arrivals import HandoutRequest, QueueRequest
from gate_server import attesting
from gate_server.ledger.numbered_slips import NumberedSlip
from tests.paper_rows import Row

PRINTED = 9
"""Slips that a scenario may hand out, by their number from 1."""


class ArrivalSteps:
    """Closes queues and hands out slips; mixed into a player."""

    ledger: Any
    keys: Any

    def start_arrivals(self) -> None:
        self.queues: dict[str, str] = {}
        self.numbered: list[NumberedSlip] = []

    def slip_code(self, number: int) -> str:
        """Return the code of a slip; they are printed when the first is needed."""
        return self._printed(number).code

    def _printed(self, number: int) -> NumberedSlip:
        if not self.numbered:
            self.numbered = attesting.print_slips(self.ledger, self.keys, PRINTED, by="anne")
        return self.numbered[number - 1]

    def queue_of(self, body: Row) -> str | None:
        """Return the ledger's name of the queue that a scan says; an unknown one stays unknown."""
        return self.queues.get(body["queue"], "Q0") if "queue" in body else None

    def take_queue_closed(self, now: datetime, body: Row) -> None:
        at, until = (
            datetime.fromisoformat(body[name]) if name in body else None for name in ("at", "until")
        )
        place = {"area": body.get("area", "park"), "closed_at": at, "until": until}
        request = QueueRequest(reason="-", **place)
        made = attesting.close_queue(self.ledger, request, by="anne")
        self.queues[body["name"]] = made.queue_id

    def take_queue_reopened(self, now: datetime, body: Row) -> None:
        queue_id = self.queues[body["name"]]
        attesting.reopen_queue(self.ledger, queue_id, reason="-", by="anne")

    def take_slips_handed(self, now: datetime, body: Row) -> None:
        at = datetime.fromisoformat(body["at"]) if "at" in body else None
        span = (self._printed(body[name]).number for name in ("first", "last"))
        request = HandoutRequest(*span, gate_id="G1", handed_at=at)
        attesting.hand_out(self.ledger, request, device=None, by="anne", operator="4711")
