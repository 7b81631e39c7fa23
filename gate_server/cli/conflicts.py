"""`gate-server conflict`."""

from __future__ import annotations

from typing import Any

import click

from gate_server.cli.edge import Command, Group, listing, options, show
from gate_server.commands.conflicts import Resolve
from gate_server.control import call


@click.group("conflict", cls=Group)
def conflict() -> None:
    """What does not fit between scans and the rest of the record."""


@conflict.command("list", cls=Command)
def conflict_list() -> None:
    """List conflicts, open ones first; docs/outages.md says what to do about each kind."""
    found = call(options().data, "conflict list")
    rows = [row | {"where": _where(row)} for row in found]
    columns = ("conflict_id", "kind", "status", "opened_at", "deal_id", "tail", "where", "note")
    show(found, listing(rows, columns))


def _where(row: dict[str, Any]) -> str:
    scans = [f"{scan['gate_id']}/{scan['device_id']}" for scan in row["scans"]]
    return " + ".join(scans) or str(row["device_id"] or "-")


@conflict.command("resolve", cls=Command)
@click.argument("conflict_id", metavar="ID")
@click.option("--note", required=True, help="What was found out; it stays on record.")
def conflict_resolve(conflict_id: str, note: str) -> None:
    """Close a conflict."""
    params = Resolve(conflict_id=conflict_id, note=note)
    done = call(options().data, "conflict resolve", params)
    show(done, f"conflict {conflict_id} is resolved")
