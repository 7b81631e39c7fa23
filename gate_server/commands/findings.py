"""Commands about what is odd in what was sold."""

from __future__ import annotations

from typing import Any

import msgspec

from gate_server.commands.services import Command, Params, Services
from gate_server.commands.venue import Nothing, checked_text
from gate_server.findings import close_finding, list_findings, show_finding


class Numbered(Params, frozen=True):
    """A finding."""

    finding_id: int


class Closed(Params, frozen=True):
    """A finding and what was found out about it."""

    finding_id: int
    note: str


def list_all(services: Services, _: Nothing) -> list[dict[str, Any]]:
    """List findings, open ones first."""
    return [msgspec.to_builtins(each) for each in list_findings(services.ledger)]


def show_one(services: Services, params: Numbered) -> dict[str, Any]:
    """Show one finding."""
    shown: dict[str, Any] = msgspec.to_builtins(show_finding(services.ledger, params.finding_id))
    return shown


def close_one(services: Services, params: Closed) -> dict[str, Any]:
    """Close a finding that holds nothing."""
    note = checked_text("note", params.note, 500)
    found = close_finding(services.ledger, params.finding_id, note=note, by=services.by)
    closed: dict[str, Any] = msgspec.to_builtins(found)
    return closed


COMMANDS: dict[str, Command[Any]] = {
    "finding list": Command(Nothing, list_all),
    "finding show": Command(Numbered, show_one),
    "finding close": Command(Closed, close_one),
}
