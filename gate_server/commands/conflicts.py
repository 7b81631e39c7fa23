"""Commands about what the ledger finds wrong between scans and the rest of the record."""

from __future__ import annotations

from typing import Any

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing, checked_text
from gate_server.ledger.conflicts import list_conflicts, resolve


class Resolve(Params, frozen=True):
    """A conflict and what was found out about it."""

    conflict_id: str
    note: str


def list_all(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List conflicts, open ones first."""
    found = services.ledger.read(list_conflicts)
    return [msgspec.to_builtins(conflict) for conflict in found]


def resolve_conflict(services: Services, params: Resolve) -> dict[str, Any]:
    """Close a conflict."""
    ledger, note = services.ledger, checked_text("note", params.note, 500)
    done = ledger.write(
        lambda tx: resolve(tx, params.conflict_id, note=note, by=services.by, now=ledger.clock()),
        urgent=True,
    )
    closed: dict[str, Any] = msgspec.to_builtins(done)
    return closed


COMMANDS: dict[str, Command[Any]] = {
    "conflict list": Command(Nothing, list_all),
    "conflict resolve": Command(Resolve, resolve_conflict),
}
