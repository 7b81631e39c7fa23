"""The closures of a scenario that is played through the real ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gate_server.ledger.closures import amend_closure, declare_closure, restore_closure
from tests.closures import closure_request
from tests.paper_rows import Row


class ClosureSteps:
    """Shuts the venue, changes that and takes it back; mixed into a player."""

    ledger: Any
    venue: Any

    def start_closures(self) -> None:
        self.closures: dict[str, tuple[str, Row]] = {}

    def take_closure(self, now: datetime, body: Row) -> None:
        name, made = body["name"], self._made
        known = self.closures.get(name)
        if known is not None and body.get("restore"):
            made(lambda tx: restore_closure(tx, known[0], reason="-", by="anne", now=now))
            return
        given = (known[1] if known else {}) | body
        request = closure_request(given, self.venue)
        if known is None:
            version = made(lambda tx: declare_closure(tx, request, by="anne", now=now))
        else:
            version = made(lambda tx: amend_closure(tx, known[0], request, by="b", now=now))
        self.closures[name] = version.closure.closure_id, given

    def _made(self, work: Any) -> Any:
        return self.ledger.write(work, alone=True, urgent=True)
